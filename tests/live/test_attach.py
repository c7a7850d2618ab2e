"""Attach on a real terminal, inside tmux and outside, and where there is no terminal at all."""

from __future__ import annotations

import pexpect

from tests.forked import typed
from tests.lab import INV, STAYS, Lab, on_terminal, until


def serve(lab: Lab) -> None:
    """Starts `telemetry`, which shows what it says in its window."""
    lab.configure(telemetry={**STAYS, "command": f"echo hello from the window; {STAYS['command']}"})
    assert lab.inv("telemetry.activate").code == 0


def clients(lab: Lab, what: str = "#{client_session}:#{window_index}") -> list[str]:
    """Which session and window each client of the default server shows."""
    return lab.tmux("list-clients", "-F", what).splitlines()


def test_from_a_terminal_it_shows_the_window_until_detached_and_also_a_dead_one(lab: Lab) -> None:
    serve(lab)
    with on_terminal(lab, INV, "telemetry.attach", LC_ALL="C", TERM="xterm") as shown:
        shown.expect("hello from the window")
        assert clients(lab) == ["sentinel-app:2"]
        shown.sendcontrol("b")
        shown.send("d")
        shown.expect("detached")
        shown.expect(pexpect.EOF)
        shown.close()
        assert shown.exitstatus == 0
    assert lab.inv("telemetry.status").code == 0
    with on_terminal(lab, INV, "attach"):  # the workspace as a whole
        until(lambda: clients(lab) == ["sentinel-app:2"])
    assert lab.inv("telemetry.stop").code == 0
    with on_terminal(lab, INV, "telemetry.attach") as shown:
        shown.expect("Pane is dead")
        until(lambda: clients(lab) == ["sentinel-app:2"], "the end of the client before")


def test_inside_the_same_tmux_the_client_is_switched_and_inside_another_it_nests(lab: Lab) -> None:
    serve(lab)
    with on_terminal(
        lab, "tmux", "-u", "new-session", "-s", "mine", f"{typed(lab)} telemetry.attach; sleep 606"
    ) as shown:
        until(lambda: clients(lab) == ["sentinel-app:2"])
        shown.expect("hello from the window")
        assert "mine" in lab.tmux("list-sessions", "-F", "#{session_name}").splitlines()
    lab.tmux("kill-session", "-t", "=mine")
    command = f"{typed(lab)} telemetry.attach; sleep 607"
    with on_terminal(lab, "tmux", "-u", "-L", "other", "new-session", "-s", "theirs", command) as shown:
        shown.expect("hello from the window")
        assert clients(lab) == ["sentinel-app:2"]


def test_without_a_terminal_the_command_is_printed_and_nobody_is_moved(lab: Lab) -> None:
    serve(lab)
    lab.tmux("new-window", "-t", "=sentinel-app:5", "sleep 608")
    with on_terminal(lab, "tmux", "-u", "attach-session", "-t", "=sentinel-app:5"):
        until(lambda: clients(lab) == ["sentinel-app:5"])
        printed = lab.inv("telemetry.attach")
        assert printed.code == 0
        assert printed.out == "tmux attach-session -t '=sentinel-app:2'\n"
        assert clients(lab) == ["sentinel-app:5"]
    with on_terminal(lab, "sh", "-c", printed.out) as shown:
        shown.expect("hello from the window")


def test_nothing_to_attach_to_is_said_with_the_way_on(lab: Lab) -> None:
    lab.configure(telemetry=STAYS)
    nothing = lab.inv("telemetry.attach")
    assert (nothing.code, nothing.out) == (3, "")
    assert "inv telemetry.activate" in nothing.err
    with on_terminal(lab, INV, "telemetry.attach") as shown:
        shown.expect("no window to attach to")
        shown.expect(pexpect.EOF)
        shown.close()
        assert shown.exitstatus == 3
