"""The launcher as tmux runs it: a script of its own, a FIFO with spec, a record of how it ended."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sentinel_tasks.lineage import proc
from sentinel_tasks.supervisor.restarts import Restarts, is_due
from sentinel_tasks.supervisor.watch import LOOKS
from sentinel_tasks.system.spec_fifo import send_spec
from sentinel_tasks.system.state_folder import State
from tests.lab import PATIENCE, until

from .launched import KEEPS_RECORDS, LONG_PAUSE, READY, SCRIPT, Piped

# How it ends


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_exit_code(launched: Piped, code: int) -> None:
    ended, run = launched.run(f"exit {code}")
    assert (ended, run.exit_code, run.signal, run.interrupted) == (code, code, None, False)
    assert run.is_over
    assert run.launcher == launched.process.pid
    assert run.pid not in (None, launched.process.pid)
    assert run.began <= (run.started or 0) <= (run.ended or 0)


def test_record_tells_processes_that_no_later_one_can_be_taken_for(launched: Piped) -> None:
    launched.give(f"{READY}exec sleep 60")
    launched.wait_for(b"ready")
    told = until(lambda: launched.told.pid and launched.told)
    launcher, service = proc.one(launched.process.pid), proc.one(told.pid)
    assert launcher
    assert service
    assert (told.launcher_ticks, told.ticks) == (launcher.ticks, service.ticks)
    assert told.family == ((service.pid, service.ticks),)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGPIPE])
def test_signal_is_told_by_its_name(launched: Piped, number: signal.Signals) -> None:
    ended, run = launched.run(f"kill -{number.value} $$")
    assert (ended, run.exit_code, run.signal, run.interrupted) == (128 + number, None, number.name, False)


def test_command_that_is_not_found_is_127(launched: Piped) -> None:
    ended, run = launched.run(["no-such-command-here", "x"])
    assert (ended, run.exit_code) == (127, 127)
    assert b"no-such-command-here: command not found" in launched.said


def test_command_that_sh_does_not_find_is_127(launched: Piped) -> None:
    assert launched.run("no-such-command-here")[1].exit_code == 127
    assert b"not found" in launched.said


def test_command_that_is_not_executable_is_126(launched: Piped, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    ended, run = launched.run([str(tmp_path / "script")])
    assert (ended, run.exit_code) == (126, 126)
    assert b"Permission denied" in launched.said


def test_script_whose_interpreter_is_missing_is_127(launched: Piped, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/no/such/interpreter\n")
    (tmp_path / "script").chmod(0o755)
    ended, run = launched.run([str(tmp_path / "script")])
    assert (ended, run.exit_code) == (127, 127)
    assert b"Traceback" not in launched.said


def test_machine_without_room_for_another_process_is_told(tmp_path: Path) -> None:
    """The launcher ended in a traceback, and left no word of it behind."""
    patch = "def refuse(): raise BlockingIOError(11, os.strerror(11))\nos.fork = refuse"
    assert run_patched(tmp_path, patch, command="true", restart="always").returncode == 126
    run = State(tmp_path).run("web")
    assert run is not None
    assert run.is_over
    assert run.error == "no process can be made for it: Resource temporarily unavailable"


@pytest.mark.parametrize("words", [["a\0b"], [""]])
def test_command_that_no_system_can_run_is_told(launched: Piped, words: list[str]) -> None:
    assert launched.run(words)[0] in (126, 127)
    assert b"Traceback" not in launched.said


def test_folder_that_is_missing(launched: Piped) -> None:
    ended, run = launched.run("true", cwd="/no/such/folder")
    assert (ended, run.exit_code) == (127, 127)
    assert b"no such folder: /no/such/folder" in launched.said


def test_folder_that_is_a_file(launched: Piped, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert launched.run("true", cwd=str(tmp_path / "file"))[0] == 126
    assert b"Traceback" not in launched.said


# What it gives the service


@pytest.mark.parametrize(
    ("command", "said"), [('echo "<$COLOUR>"', b"<red>"), (["echo", "<$COLOUR>; x"], b"<$COLOUR>; x")]
)
def test_string_runs_in_a_shell_and_a_list_as_it_is(launched: Piped, command: str | list[str], said: bytes) -> None:
    assert launched.run(command)[0] == 0
    assert said in launched.said


@pytest.mark.parametrize("command", ["do-it", ["do-it"]])
def test_a_program_is_looked_for_on_the_services_own_path(launched: Piped, command: str | list[str]) -> None:
    """Which is that of its caller, not of the tmux server."""
    tool = launched.folder / "tools" / "do-it"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexit 7\n")
    tool.chmod(0o755)
    assert launched.run(command, env={"PATH": f"{tool.parent}:{os.environ['PATH']}"})[0] == 7


def test_service_sees_its_own_environment_folder_and_group(launched: Piped, tmp_path: Path) -> None:
    ask = "import os; print(os.getcwd(), os.getpgid(0) == os.getpgid(os.getppid()), sorted(os.environ))"
    launched.run([sys.executable, "-I", "-c", ask])
    names = sorted({"COLOUR", "PATH"} | ({"TERM"} & set(os.environ)))
    own = launched.said.decode().rpartition(f"{tmp_path} True ")[2]
    assert set(names) <= set(json.loads(own.partition("]")[0].replace("'", '"') + "]")) <= {*names, "LC_CTYPE", "TMUX"}


KEPT_BY_LIBC = 0x1_8000_0000
"""Signals 32 and 33, which GNU make leaves ignored in its children, and which no program may use."""


@pytest.fixture
def shell_that_ignores() -> Iterator[None]:
    """Ignores a signal and blocks another one, as `trap "" ALRM` does for all that is started there."""
    ignored, blocked = (
        signal.signal(signal.SIGALRM, signal.SIG_IGN),
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]),
    )
    yield
    signal.signal(signal.SIGALRM, ignored)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


@pytest.mark.usefixtures("shell_that_ignores")
def test_service_ignores_no_signal_and_blocks_none(launched: Piped) -> None:
    launched.run(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"])
    masks = {int(line.split()[1], 16) for line in launched.said.splitlines() if line.startswith(b"Sig")}
    assert {mask & ~KEPT_BY_LIBC for mask in masks} == {0}


def test_service_inherits_only_its_terminal(launched: Piped) -> None:
    """Neither the launcher's wakeup nor the sockets that reservation a port: they would outlive it with a child."""
    code = "import os; print(); print(*[fd for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')])"
    launched.run([sys.executable, "-I", "-S", "-c", code], reservations=[f"sentinel-port-1-test-{os.urandom(4).hex()}"])
    assert launched.said.splitlines()[1] == b"0 1 2"


def test_record_and_events_are_private_and_no_order_is_left_on_disk(launched: Piped, tmp_path: Path) -> None:
    launched.run("true", env={"SECRET": "hunter2", "PATH": os.environ["PATH"]})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["events.jsonl", "web.run.json"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    assert not [each for each in tmp_path.iterdir() if "hunter2" in each.read_text()]


def test_log_is_told_where_a_launch_begins_and_ends(launched: Piped) -> None:
    launched.run("echo text")
    assert launched.said == b"\x1b]7357;sentinel-begin;L1\x07text\n\x1b]7357;sentinel-end;L1\x07"


def test_ports_are_reserved_before_the_task_lets_go_of_them(launched: Piped) -> None:
    """It does so once the FIFO is gone; in between another workspace was given the same port."""
    name = f"sentinel-port-1-test-{os.urandom(4).hex()}"
    launched.give("exec sleep 60", reservations=[name])
    assert name in Path("/proc/net/unix").read_text()


# Signals


def test_c_c_reaches_both_and_the_record_says_so(launched: Piped) -> None:
    launched.give(f"{READY}exec sleep 60")
    launched.wait_for(b"ready")
    os.killpg(launched.process.pid, signal.SIGINT)
    assert launched.end() == 130
    assert (launched.told.signal, launched.told.interrupted) == ("SIGINT", True)


def test_c_c_is_the_services_own_business(launched: Piped) -> None:
    launched.give(f"trap 'echo asked' INT; {READY}while :; do sleep 0.05; done")
    launched.wait_for(b"ready")
    os.killpg(launched.process.pid, signal.SIGINT)
    launched.wait_for(b"asked")
    assert launched.process.poll() is None
    assert launched.told.ended is None


def test_term_is_passed_on(launched: Piped) -> None:
    launched.give(f"{READY}exec sleep 60")
    launched.wait_for(b"ready")
    os.kill(launched.process.pid, signal.SIGTERM)
    assert launched.end() == 128 + signal.SIGTERM
    assert (launched.told.signal, launched.told.interrupted) == ("SIGTERM", True)


def test_end_is_seen_where_the_launchers_own_starter_blocks_the_signal_for_it(tmp_path: Path) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    try:
        launched = Piped(tmp_path)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    try:
        assert launched.run(f"{READY}exec sleep 0.3")[0] == 0
    finally:
        launched.close()


def test_launcher_sleeps_while_nothing_happens(launched: Piped) -> None:
    launched.give(f"{READY}exec sleep 600")
    launched.wait_for(b"ready")
    began = until(lambda: launched.told.started)
    until(lambda: time.time() > began + LOOKS[1] + 0.5, "its second look")
    until(lambda: sleeps_for(launched.pid, 2), "two seconds without a look: the second one may be late")


# Restarts


def test_crash_is_tried_again(launched: Piped) -> None:
    launched.give(f"{READY}test -e once && exec sleep 600; touch once; exit 3", restart="on-failure")
    for _ in range(2):
        launched.wait_for(b"ready")
    until(lambda: launched.told.restarts == 1 and launched.told.ended is None)
    assert (launched.told.is_over, launched.told.last_exit) == (False, "exit 3")
    os.killpg(launched.process.pid, signal.SIGTERM)
    launched.end()
    assert launched.events() == ["start", "crash", "restart", "stop"]


@pytest.mark.parametrize("launched", [LONG_PAUSE], indirect=True, ids=["a long pause"])
def test_c_c_ends_the_pause_before_a_restart(launched: Piped) -> None:
    launched.give("exit 3", restart="on-failure")
    told = until(lambda: (run := launched.told).next_start and run)
    assert not told.is_over
    assert 0 < told.next_start - told.ended <= 3600
    os.killpg(launched.process.pid, signal.SIGINT)
    assert launched.end() == 0
    assert launched.told.is_over
    assert launched.told.interrupted
    assert launched.events() == ["start", "crash", "stop"]


def test_success_is_not_a_failure(launched: Piped) -> None:
    ended, run = launched.run("exit 0", restart="on-failure")
    assert (ended, run.restarts, run.is_over) == (0, 0, True)


def test_always_is_also_after_success(launched: Piped) -> None:
    launched.give(f"{READY}exit 0", restart="always")
    for _ in range(2):
        launched.wait_for(b"ready")
    os.killpg(launched.process.pid, signal.SIGTERM)
    launched.end()


@pytest.mark.parametrize("restart", ["on-failure", "always"])
def test_command_that_can_not_be_run_is_not_tried_twice(launched: Piped, restart: str) -> None:
    ended, run = launched.run(["no-such-command-here"], restart=restart)
    assert (ended, run.restarts) == (127, 0)


@pytest.mark.parametrize(
    ("policy", "code", "quick", "due"),
    [
        ("never", 1, 1, False),
        ("never", 0, 1, False),
        ("on-failure", 0, 1, False),
        ("on-failure", 1, 1, True),
        ("on-failure", -9, 1, True),
        ("on-failure", 126, 1, False),
        ("always", 127, 1, False),
        ("always", 0, 1, True),
        ("always", 1, 10, True),
        ("always", 1, 11, False),
    ],
)
def test_restart_policies(policy: str, code: int, quick: int, due: bool) -> None:
    assert is_due(policy, code, quick, well=code == 0) is due


def test_pauses_grow_and_have_a_limit() -> None:
    restarts = Restarts("always")
    pauses = [restarts.delay_after(1, 0.1) for _ in range(11)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, None]


FEW_RESTARTS = "restarts.FIRST_DELAY, restarts.QUICK_RESTARTS = 0.01, 3"


@pytest.mark.parametrize("launched", [KEEPS_RECORDS + FEW_RESTARTS], indirect=True, ids=["every record is kept"])
def test_no_record_calls_a_service_over_that_is_started_again(launched: Piped) -> None:
    """`up` that looked between two records took a first crash for the last, and told of a failure."""
    assert launched.run("exit 3", restart="on-failure")[0] == 3
    told = launched.records()
    assert [run.is_over for run in told] == [False] * (len(told) - 1) + [True]
    assert [run.last_exit for run in told[3:]] == ["exit 3"] * (len(told) - 3)
    assert told[-1].restarts == 3


# Spec that do not come


def test_orders_that_never_come(tmp_path: Path) -> None:
    done = run_patched(tmp_path, "specification.SEND_SECONDS = 0.2")
    run = State(tmp_path).run("web")
    assert run is not None
    assert (done.returncode, run.is_over, run.exit_code) == (75, True, None)
    assert run.error == "its start was broken off before the service ran"
    assert b"started with inv" in done.stderr


@pytest.mark.parametrize("spec", [b"{", b"", b"\xff"])
def test_orders_that_are_broken(launched: Piped, spec: bytes) -> None:
    if not spec:
        launched.fifo.unlink()
    else:
        launched.fifo.write_bytes(spec)
    assert launched.end() == 75
    assert launched.told.error
    assert b"Traceback" not in launched.said


def test_window_opened_by_hand(tmp_path: Path) -> None:
    words = [str(tmp_path / "missing"), str(tmp_path / "record"), "L1", str(tmp_path), "web"]
    done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 75
    assert b"Traceback" not in done.stderr


def test_record_that_can_not_be_written_does_not_end_the_service(launched: Piped, tmp_path: Path) -> None:
    launched.record.mkdir()
    launched.give("echo served")
    assert launched.end() == 0
    assert b"served" in launched.said
    assert b"can't be written" in launched.said
    assert b"Traceback" not in launched.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_launcher_that_waits_for_orders_ends_when_it_is_asked_to(launched: Piped, number: int) -> None:
    until(lambda: catches(launched.process.pid, signal.SIGTERM), "its handlers")
    os.kill(launched.process.pid, number)
    assert launched.end() == 75
    assert launched.told.interrupted, "it waited on, until none had come"


def run_patched(folder: Path, patch: str, **spec: Any) -> subprocess.CompletedProcess[bytes]:
    """A launcher in which something else is made different first, from its beginning to its end."""
    state = State(folder)
    fifo = state.make_fifo("web", "L1")
    imports = "import os, sys\nfrom sentinel_tasks.supervisor import launcher, record, restarts, specification\n"
    words = ["-c", f"{imports}{patch}\nsys.exit(launcher.main(*sys.argv[1:]))", str(fifo), str(state.record("web"))]
    given = {"cwd": str(folder), "env": dict(os.environ), "service": "web", "events": str(state.events), **spec}
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    with subprocess.Popen(
        [sys.executable, *words, "L1", str(folder), "web"], stdout=-1, stderr=-1, cwd=folder, env=environ
    ) as process:
        if spec:
            assert send_spec(fifo, given)
        said, complained = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(words, process.returncode, said, complained)


def times_it_slept(pid: int) -> int:
    """How often the process has gone to sleep until now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def sleeps_for(pid: int, seconds: float) -> bool:
    """True if it does not wake up for so long."""
    before = times_it_slept(pid)
    time.sleep(seconds)
    return times_it_slept(pid) == before


def catches(pid: int, number: int) -> bool:
    """True once the process has a handler for this signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(caught >> (number - 1) & 1)
