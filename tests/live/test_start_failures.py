"""A start that fails says so at once, with its cause (contract: Start, "while waiting")."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pexpect
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
    activate = lab.begin_waiting("telemetry.activate")
    (service,) = until(lab.services)
    return activate, service.pid


def ends(process: Begun) -> Result:
    out, err = process.communicate(timeout=PATIENCE)
    assert b"\nTraceback" not in b"\n" + err, err.decode()  # a service that is ended while it begins may print its own
    return Result(process.wait(), out.decode(), err.decode(), 0.0)


def test_a_command_that_a_shell_does_not_find_after_a_moment_is_told_with_its_last_lines(lab: Lab) -> None:
    done = failing(lab, "seq -f 'line %g.' 0 29; sleep 0.3; no-such-program --flag")
    assert "exit 127" in done.err
    shown = [line.partition("| ")[2] for line in done.err.splitlines() if "| " in line]
    assert shown[:-1] == [f"line {number}." for number in range(11, 30)]
    assert "no-such-program: not found" in shown[-1]
    told = lab.inv("telemetry.status")
    assert told.code == 3
    assert "Crashed (exit 127)" in told.out
    assert "no-such-program: not found" in told.out


# Something happens while it is waited for


def test_ctrl_c_while_waiting_leaves_the_service_running_and_says_so(lab: Lab) -> None:
    activate, pid = waiting(lab, "--listen-once", "go")
    activate.send_signal(signal.SIGINT)
    done = ends(activate)
    assert done.code == 130
    assert "telemetry keeps starting in its window" in done.err
    assert "inv telemetry.stop" in done.err
    (lab.path / "go").touch()
    again = lab.inv("telemetry.activate", "--json")
    assert (again.code, again.json["changed"], again.json["pid"]) == (0, False, pid)


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
    tmux = Tmux(None, lambda text: None)
    assert tmux.panes() == []
    monkeypatch.setattr(client, "PATIENCE", 0.3)
    tmux.wait_up_to(client.PATIENCE, lambda what, seconds: None)
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
