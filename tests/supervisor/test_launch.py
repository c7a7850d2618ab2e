"""The launcher as tmux runs it: a script of its own, a FIFO with spec, a record of how it ended."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from sentinel_tasks.lineage import table
from sentinel_tasks.model import Run
from sentinel_tasks.supervisor import launch
from sentinel_tasks.supervisor.launch import is_due
from sentinel_tasks.system.state_folder import State, send_spec
from tests.lab import PATIENCE, until

SCRIPT = launch.__file__
READY = "echo ready; "


class Launch:
    """One launcher in a session of its own, as in a pane."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = State(folder)
        self.record = self.state.record("web")
        self.fifo = self.state.make_fifo("web", "L1")
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-X", "utf8", str(SCRIPT), str(self.fifo), str(self.record), "L1",
             str(folder), "web"],
            stdin=-1, stdout=-1, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.said = b""

    def give(self, command: str | list[str], **spec: Any) -> None:
        """The spec of a service that runs this command."""
        given: dict[str, Any] = {
            "command": command,
            "cwd": str(self.folder),
            "env": {"PATH": os.environ["PATH"], "COLOUR": "red"},
            "restart": "never",
            "service": "web",
            "events": str(self.state.events),
        }
        assert send_spec(self.fifo, {**given, **spec})

    def run(self, command: str | list[str], **spec: Any) -> tuple[int, Run]:
        """Exit code and record of a service that ends by itself."""
        self.give(command, **spec)
        return self.end(), self.told

    def end(self) -> int:
        self.said, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def close(self) -> None:
        """Ends what is left of it."""
        with suppress(psutil.NoSuchProcess):
            launcher = psutil.Process(self.process.pid)
            for each in (*launcher.children(recursive=True), launcher):
                each.kill()
        self.process.communicate()

    @property
    def told(self) -> Run:
        found = self.state.run("web")
        assert found is not None
        return found

    def wait_for(self, word: bytes) -> None:
        """Until the service has printed a line that ends in this word."""
        assert self.process.stdout is not None
        while not (line := self.process.stdout.readline()).rstrip().endswith(word):
            assert line, f"ended before it said {word!r}"

    def events(self) -> list[str]:
        return [json.loads(line)["event"] for line in self.state.events.read_text().splitlines()]


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Launch]:
    made = Launch(tmp_path)
    yield made
    made.close()


# How it ends


@pytest.mark.parametrize("code", [0, 1, 3, 255])
def test_exit_code(launched: Launch, code: int) -> None:
    ended, run = launched.run(f"exit {code}")
    assert (ended, run.exit_code, run.signal, run.interrupted) == (code, code, None, False)
    assert run.is_over
    assert run.launcher == launched.process.pid
    assert run.pid not in (None, launched.process.pid)
    assert run.began <= (run.started or 0) <= (run.ended or 0)


def test_record_tells_processes_that_no_later_one_can_be_taken_for(launched: Launch) -> None:
    launched.give(f"{READY}exec sleep 60")
    launched.wait_for(b"ready")
    told = until(lambda: launched.told.pid and launched.told)
    launcher, service = table.one(launched.process.pid), table.one(told.pid)
    assert launcher
    assert service
    assert (told.launcher_ticks, told.ticks) == (launcher.ticks, service.ticks)
    assert told.family == ((service.pid, service.ticks),)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGPIPE])
def test_signal_is_told_by_its_name(launched: Launch, number: signal.Signals) -> None:
    ended, run = launched.run(f"kill -{number.value} $$")
    assert (ended, run.exit_code, run.signal, run.interrupted) == (128 + number, None, number.name, False)


def test_command_that_is_not_found_is_127(launched: Launch) -> None:
    ended, run = launched.run(["no-such-command-here", "x"])
    assert (ended, run.exit_code) == (127, 127)
    assert b"no-such-command-here: command not found" in launched.said


def test_command_that_sh_does_not_find_is_127(launched: Launch) -> None:
    assert launched.run("no-such-command-here")[1].exit_code == 127
    assert b"not found" in launched.said


def test_command_that_is_not_executable_is_126(launched: Launch, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    ended, run = launched.run([str(tmp_path / "script")])
    assert (ended, run.exit_code) == (126, 126)
    assert b"Permission denied" in launched.said


def test_machine_without_room_for_another_process_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher ended in a traceback, and left no word of it behind."""

    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    state = State(tmp_path)
    monkeypatch.setattr(os, "fork", refuse)
    spec = {"command": "true", "restart": "always", "service": "web", "events": str(state.events)}
    assert launch.Launcher(str(state.record("web")), "L1").run(spec) == 126
    run = state.run("web")
    assert run is not None
    assert run.is_over
    assert run.error == "no process can be made for it: Resource temporarily unavailable"


@pytest.mark.parametrize("words", [["a\0b"], [""]])
def test_command_that_no_system_can_run_is_told(launched: Launch, words: list[str]) -> None:
    assert launched.run(words)[0] in (126, 127)
    assert b"Traceback" not in launched.said


def test_folder_that_is_missing(launched: Launch) -> None:
    ended, run = launched.run("true", cwd="/no/such/folder")
    assert (ended, run.exit_code) == (127, 127)
    assert b"no such folder: /no/such/folder" in launched.said


def test_folder_that_is_a_file(launched: Launch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert launched.run("true", cwd=str(tmp_path / "file"))[0] == 126
    assert b"Traceback" not in launched.said


# What it gives the service


@pytest.mark.parametrize(
    ("command", "said"), [('echo "<$COLOUR>"', b"<red>"), (["echo", "<$COLOUR>; x"], b"<$COLOUR>; x")]
)
def test_string_runs_in_a_shell_and_a_list_as_it_is(launched: Launch, command: str | list[str], said: bytes) -> None:
    assert launched.run(command)[0] == 0
    assert said in launched.said


def test_service_sees_its_own_environment_folder_and_group(launched: Launch, tmp_path: Path) -> None:
    ask = "import os; print(os.getcwd(), os.getpgid(0) == os.getpgid(os.getppid()), sorted(os.environ))"
    launched.run([sys.executable, "-I", "-c", ask])
    names = sorted({"COLOUR", "PATH"} | ({"TERM"} & set(os.environ)))
    own = launched.said.decode().rpartition(f"{tmp_path} True ")[2]
    assert set(names) <= set(json.loads(own.partition("]")[0].replace("'", '"') + "]")) <= {*names, "LC_CTYPE", "TMUX"}


KEPT_BY_LIBC = 0x1_8000_0000
"""Signals 32 and 33, which GNU make leaves ignored in its children, and which no program may use."""


def test_service_ignores_no_signal_and_blocks_none(launched: Launch) -> None:
    launched.run(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"])
    masks = {int(line.split()[1], 16) for line in launched.said.splitlines() if line.startswith(b"Sig")}
    assert {mask & ~KEPT_BY_LIBC for mask in masks} == {0}


def test_service_inherits_only_its_terminal(launched: Launch) -> None:
    """Neither the launcher's wakeup nor the sockets that reservation a port: they would outlive it with a child."""
    code = "import os; print(); print(*[fd for fd in range(64) if os.path.exists(f'/proc/self/fd/{fd}')])"
    launched.run([sys.executable, "-I", "-S", "-c", code], reservations=[f"sentinel-port-1-test-{os.getpid()}"])
    assert launched.said.splitlines()[1] == b"0 1 2"


def test_record_and_events_are_private_and_no_order_is_left_on_disk(launched: Launch, tmp_path: Path) -> None:
    launched.run("true", env={"SECRET": "hunter2", "PATH": os.environ["PATH"]})
    assert sorted(each.name for each in tmp_path.iterdir()) == ["events.jsonl", "web.run.json"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()} == {0o600}
    assert not [each for each in tmp_path.iterdir() if "hunter2" in each.read_text()]


def test_log_is_told_where_a_launch_begins_and_ends(launched: Launch) -> None:
    launched.run("echo text")
    assert launched.said == b"\x1b]7357;sentinel-begin;L1\x07text\n\x1b]7357;sentinel-end;L1\x07"


# Signals


def test_c_c_reaches_both_and_the_record_says_so(launched: Launch) -> None:
    launched.give(f"{READY}exec sleep 60")
    launched.wait_for(b"ready")
    os.killpg(launched.process.pid, signal.SIGINT)
    assert launched.end() == 130
    assert (launched.told.signal, launched.told.interrupted) == ("SIGINT", True)


def test_c_c_is_the_services_own_business(launched: Launch) -> None:
    launched.give(f"trap 'echo asked' INT; {READY}while :; do sleep 0.05; done")
    launched.wait_for(b"ready")
    os.killpg(launched.process.pid, signal.SIGINT)
    launched.wait_for(b"asked")
    assert launched.process.poll() is None
    assert launched.told.ended is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_term_and_hup_are_passed_on(launched: Launch, number: signal.Signals) -> None:
    launched.give(f"{READY}exec sleep 60")
    launched.wait_for(b"ready")
    os.kill(launched.process.pid, number)
    assert launched.end() == 128 + number
    assert (launched.told.signal, launched.told.interrupted) == (number.name, True)


def test_end_is_seen_where_the_launchers_own_starter_blocks_the_signal_for_it(tmp_path: Path) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    try:
        launched = Launch(tmp_path)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    try:
        assert launched.run(f"{READY}exec sleep 0.3")[0] == 0
    finally:
        launched.close()


# Restarts


def test_crash_is_tried_again_and_c_c_ends_it(launched: Launch) -> None:
    launched.give(f"{READY}exit 3", restart="on-failure")
    for _ in range(2):
        launched.wait_for(b"ready")
    until(lambda: launched.told.next_start is not None and launched.told.restarts == 2)
    told = launched.told
    assert not told.is_over
    assert told.next_start is not None
    assert told.ended is not None
    assert 0 < told.next_start - told.ended <= 1
    os.killpg(launched.process.pid, signal.SIGINT)
    assert launched.end() in (0, 3)
    assert launched.told.is_over
    assert launched.told.interrupted
    assert launched.events() == ["start", "crash", "restart", "crash", "stop"]


def test_success_is_not_a_failure(launched: Launch) -> None:
    ended, run = launched.run("exit 0", restart="on-failure")
    assert (ended, run.restarts, run.is_over) == (0, 0, True)


def test_always_is_also_after_success(launched: Launch) -> None:
    launched.give(f"{READY}exit 0", restart="always")
    for _ in range(2):
        launched.wait_for(b"ready")
    os.killpg(launched.process.pid, signal.SIGTERM)
    launched.end()


@pytest.mark.parametrize("restart", ["on-failure", "always"])
def test_command_that_can_not_be_run_is_not_tried_twice(launched: Launch, restart: str) -> None:
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
    assert is_due(policy, code, quick) is due


def test_pauses_grow_and_have_a_limit(tmp_path: Path) -> None:
    launcher = launch.Launcher(str(tmp_path / "record"), "L1")

    def pause() -> float | None:
        launcher.wait = None
        launcher.plan("always", 1, 0.1)
        return launcher.wait

    assert [pause() for _ in range(11)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, None]


def test_no_record_calls_a_service_over_that_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` that looked between two records took a first crash for the last, and told of a failure."""
    state = State(tmp_path)
    launcher, told = launch.Launcher(str(state.record("web")), "L1"), []
    write = launcher.note

    def note(**facts: object) -> None:
        write(**facts)
        told.append(state.run("web"))

    monkeypatch.setattr(launcher, "note", note)
    monkeypatch.setattr(launcher, "pause", lambda seconds: None)
    monkeypatch.setattr(launch, "spawn", lambda _: os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], {}))
    assert launcher.run({"restart": "on-failure", "service": "web", "events": str(state.events)}) == 3
    assert [run.is_over for run in told if run] == [False] * (len(told) - 1) + [True]
    assert {run.last_exit for run in told[1:] if run} == {"exit 3"}


# Spec that do not come


def test_orders_that_never_come(tmp_path: Path) -> None:
    impatient = "import sys; from sentinel_tasks.supervisor import launch; launch.SEND_SECONDS = 0.2"
    code = f"{impatient}; sys.exit(launch.main(*sys.argv[1:]))"
    state = State(tmp_path)
    words = [str(state.make_fifo("web", "L1")), str(state.record("web")), "L1", str(tmp_path), "web"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, timeout=PATIENCE, check=False)
    run = state.run("web")
    assert run is not None
    assert (done.returncode, run.is_over, run.exit_code) == (75, True, None)
    assert run.error == "its start was broken off before the service ran"
    assert b"started with inv" in done.stderr


@pytest.mark.parametrize("spec", [b"{", b"", b"\xff"])
def test_orders_that_are_broken(launched: Launch, spec: bytes) -> None:
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


def test_record_that_can_not_be_written_does_not_end_the_service(launched: Launch, tmp_path: Path) -> None:
    launched.record.mkdir()
    launched.give("echo served")
    assert launched.end() == 0
    assert b"served" in launched.said
    assert b"can't be written" in launched.said
    assert b"Traceback" not in launched.said


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_launcher_that_waits_for_orders_ends_when_its_window_is_closed(launched: Launch, number: int) -> None:
    until(lambda: catches(launched.process.pid, signal.SIGTERM), "its handlers")
    os.kill(launched.process.pid, number)
    assert launched.end() == 75
    assert launched.told.interrupted, "it waited on, until none had come"


def catches(pid: int, number: int) -> bool:
    """True once the process has a handler for this signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt"))
    return bool(caught >> (number - 1) & 1)
