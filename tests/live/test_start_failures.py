"""A start that fails says so at once, with its cause (contract: Start, "while waiting")."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest

from sentinel_tasks.errors import TmuxRefused
from sentinel_tasks.tmux import client
from sentinel_tasks.tmux.client import Tmux
from sentinel_tasks.tmux.commands import Opening
from tests.begun import Begun
from tests.lab import INV, LONG, PATIENCE, Lab, Result, on_terminal, until


def failing(lab: Lab, command: object, **keys: object) -> Result:
    """What activate says of a service that runs this and has all the time to come up."""
    lab.configure(telemetry={"command": command, "port": lab.port(), "startup_timeout": LONG, **keys})
    done = lab.inv("telemetry.activate")
    assert done.code == 1, done.said
    return done


def waiting(lab: Lab, *words: str, **keys: object) -> tuple[Begun, int]:
    """An activate that waits for a service that will not be healthy soon; the service's pid."""
    lab.configure(telemetry={"command": lab.server(*words), "port": lab.port(), "startup_timeout": LONG, **keys})
    activate = lab.begin("telemetry.activate")
    (service,) = until(lab.services)
    return activate, service.pid


def ends(process: Begun) -> Result:
    out, err = process.communicate(timeout=PATIENCE)
    assert b"\nTraceback" not in b"\n" + err, err.decode()  # a service that is ended while it begins may print its own
    return Result(process.wait(), out.decode(), err.decode(), 0.0)


# It cannot be run


def test_a_command_that_is_not_found_in_a_shell(lab: Lab) -> None:
    done = failing(lab, "no-such-program --flag")
    assert "exit 127" in done.err
    assert "no-such-program: not found" in done.err
    told = lab.inv("telemetry.status")
    assert told.code == 3
    assert "Crashed (exit 127)" in told.out
    assert "no-such-program: not found" in told.out


def test_a_command_in_words_that_is_not_found(lab: Lab) -> None:
    done = failing(lab, ["no-such-program", "--flag"])
    assert "exit 127" in done.err
    assert "no-such-program: command not found" in done.err


def test_a_file_that_is_not_executable(lab: Lab) -> None:
    (lab.path / "serve").write_text("#!/bin/sh\n")
    done = failing(lab, ["./serve"])
    assert "exit 126" in done.err
    assert "./serve: Permission denied" in done.err


def test_a_script_whose_interpreter_is_missing(lab: Lab) -> None:
    script = lab.path / "serve"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    assert "exit 127" in failing(lab, ["./serve"]).err


def test_a_folder_that_does_not_exist(lab: Lab) -> None:
    done = failing(lab, lab.server(), cwd="no/such/folder")
    assert f"no such folder: {lab.path}/no/such/folder" in done.err


# It ends


def test_a_crash_at_once_is_told_with_its_output(lab: Lab) -> None:
    done = failing(lab, "echo one; echo two >&2; exit 3")
    assert "exit 3" in done.err
    assert "| one" in done.err
    assert "| two" in done.err


def test_a_crash_after_a_moment_is_told_with_its_last_lines(lab: Lab) -> None:
    says = [word for number in range(30) for word in ("--say", f"line {number}.")]
    done = failing(lab, lab.server("--delay", "600", "--exit-after", "0.3", "--exit-code", "4", *says))
    assert "exit 4" in done.err
    shown = [line for line in done.err.splitlines() if "| line" in line]
    assert [line.split("| ")[1] for line in shown] == [f"line {number}." for number in range(10, 30)]


def test_a_failure_in_json_is_one_document(lab: Lab) -> None:
    lab.configure(telemetry={"command": "exit 3", "port": lab.port()})
    done = lab.inv("telemetry.activate", "--json")
    assert done.code == 1
    assert (done.json["state"], done.json["exit_code"], done.json["signal"]) == ("crashed", 3, None)
    assert "exit 3" in done.json["error"]


# Something happens while it is waited for


def test_a_window_that_is_killed_while_starting(lab: Lab) -> None:
    activate, pid = waiting(lab, "--delay", "600")
    lab.tmux("kill-window", "-t", "=sentinel-app:2")
    done = ends(activate)
    assert done.code == 1
    assert "ended while starting" in done.err
    until(lambda: not psutil.pid_exists(pid), "the hung-up process to be reaped")


def test_stop_from_another_terminal_ends_the_waiting(lab: Lab) -> None:
    activate, pid = waiting(lab, "--delay", "600")
    assert lab.inv("telemetry.stop").code == 0
    done = ends(activate)
    assert done.code == 1
    assert "it was stopped" in done.err
    assert not psutil.pid_exists(pid)


def test_ctrl_c_while_waiting_leaves_the_service_running_and_says_so(lab: Lab) -> None:
    activate, pid = waiting(lab, "--listen-once", "go")
    until(lambda: lab.windows() and lab.state("telemetry.run.json"))
    activate.send_signal(signal.SIGINT)
    done = ends(activate)
    assert done.code == 130
    assert "telemetry keeps starting in its window" in done.err
    assert "inv telemetry.stop" in done.err
    (lab.path / "go").touch()
    again = lab.inv("telemetry.activate", "--json")
    assert (again.code, again.json["changed"], again.json["pid"]) == (0, False, pid)


@pytest.mark.parametrize("moment", [0.2, 0.35, 0.5])
def test_a_start_killed_at_any_moment_blocks_no_later_one(lab: Lab, moment: float) -> None:
    lab.configure(telemetry={"command": lab.server(), "port": lab.port()})
    subprocess.run(
        [sys.executable, "-c", KILL_LATER, str(moment), INV, "telemetry.activate"],
        cwd=lab.path, env=lab.environ, capture_output=True, check=False,
    )  # fmt: skip
    done = lab.inv("telemetry.activate", "--json")
    assert done.code == 0, done.said
    assert done.json["state"] == "running"
    assert len(lab.services()) == 1
    assert len(lab.windows()) == 1


KILL_LATER = """
import subprocess, sys, time
started = subprocess.Popen(sys.argv[2:])
time.sleep(float(sys.argv[1]))
started.kill()
started.wait()
"""


def test_a_health_command_that_hangs_does_not_outlast_the_timeout(lab: Lab) -> None:
    health = {"command": "sleep 600", "timeout": 2}
    lab.configure(telemetry={"command": lab.server(), "port": lab.port(), "health": health, "startup_timeout": 1})
    done = lab.inv("telemetry.activate")
    assert done.code == 1
    assert "took more than 2 s" in lab.inv("telemetry.status").out
    until(lambda: not _sleepers(lab), "the health command's end")


def _sleepers(lab: Lab) -> list[Path]:
    return [Path(each.exe()) for each in lab.processes() if shlex.join(each.cmdline()) == "sleep 600"]


@pytest.fixture
def go(lab: Lab) -> Iterator[Path]:
    """A file that the tmux.conf waits for."""
    file, conf = lab.folder / "go", Path(lab.environ["HOME"]) / ".tmux.conf"
    conf.write_text(f"run-shell 'until [ -e {file} ]; do sleep 0.1; done'\n")
    yield file
    file.touch()


def test_a_tmux_conf_that_takes_its_time_is_told_to_whoever_waits(lab: Lab, go: Path) -> None:
    lab.configure(telemetry={"command": lab.server(), "port": lab.port()})
    with on_terminal(lab, INV, "telemetry.start", "--timeout", str(LONG)) as shown:
        shown.expect(f"waiting for tmux, which reads its configuration [0-9.]+ of {LONG} s")
        go.touch()
        shown.expect("telemetry: started")
        shown.expect(pexpect.EOF)


@pytest.fixture
def tmux(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Tmux:
    """That of this process, with less patience than a person has."""
    for name in ("HOME", "TMUX_TMPDIR"):
        monkeypatch.setenv(name, lab.environ[name])
    monkeypatch.setattr(client, "PATIENCE", 0.3)
    tmux = Tmux(None, lambda text: None)
    assert tmux.panes() == []
    return tmux


def _opening(lab: Lab) -> Opening:
    return Opening(
        session="sentinel-app", workspace=str(lab.path), home=str(lab.path), state="/state", name="web", index=3,
        history_limit=100, service="web", kind="one", launch="abc", port=None, argv=("sleep", "600"), log_command="cat",
    )  # fmt: skip


def test_a_tmux_conf_that_takes_its_time_is_waited_for_as_long_as_the_start_may_take(
    lab: Lab, go: Path, tmux: Tmux
) -> None:
    """`run-shell 'sleep 12'` in it: exit 1 after 10 s, whatever `--timeout` said."""
    tmux.wait_up_to(PATIENCE, lambda what, seconds: go.touch() if seconds > client.PATIENCE else None)
    tmux.open_session(_opening(lab))
    assert [pane.service for pane in tmux.panes()] == ["web"]


def test_a_tmux_server_that_does_not_answer_is_told_with_what_it_may_be_doing(lab: Lab, go: Path, tmux: Tmux) -> None:
    with pytest.raises(TmuxRefused, match=r"has not answered for 0\.3 s") as refused:
        tmux.open_session(_opening(lab))
    assert "its tmux.conf may still be running" in refused.value.hint
