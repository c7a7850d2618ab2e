"""Commands of the launcher's own beside its service: the stop command."""

from __future__ import annotations

import signal

import pytest

from tests.lab import LONG, until

from .launched import READY, InPane, Piped, command_of

WAITS = "trap 'echo interrupted; exit 7' INT; while [ ! -e go ]; do sleep 0.02; done; echo $COLOUR; exit 3"
DEAF = "trap '' INT; while :; do sleep 0.02; done"
HANGING = "sleep 86400"
HANGS = f"touch begun; {HANGING} & {HANGING}"


def ask(launched: Piped) -> None:
    """As a stop does, where there is a stop command."""
    launched.process.send_signal(signal.SIGINT)


@pytest.mark.parametrize("command", ["touch go", ["touch", "go"]])
def test_service_is_asked_by_its_stop_command_and_by_nothing_else(launched: Piped, command: str | list[str]) -> None:
    launched.give(f"{READY}{WAITS}", stop_command=command)
    launched.wait_for(b"ready")
    ask(launched)
    assert launched.end() == 3
    assert (launched.told.exit_code, launched.told.interrupted, launched.told.cause) == (3, True, None)
    assert b"red" in launched.said
    assert b"interrupted" not in launched.said


def test_stop_command_that_fails_is_told_and_followed_by_the_signal(launched: Piped) -> None:
    launched.give(f"{WAITS.replace('; while', '; echo ready; while')}", stop_command="echo no such database; exit 2")
    launched.wait_for(b"ready")
    ask(launched)
    assert launched.end() == 7
    assert launched.told.cause == "its stop command failed (exit 2)"
    assert "its stop command failed (exit 2) (exit 7)" in launched.reasons()
    assert b"no such database" in launched.said


def test_stop_command_that_hangs_has_its_time_and_is_ended(launched: Piped) -> None:
    launched.give(f"{READY}{DEAF}", stop_command=HANGS, stop_timeout=0.3)
    launched.wait_for(b"ready")
    ask(launched)
    launched.wait_for(b"its stop command took too long")
    until(lambda: not [each for each in launched.below() if command_of(each.pid).startswith(HANGING)])
    launched.process.send_signal(signal.SIGTERM)
    launched.end()


def test_stop_command_that_still_runs_ends_with_the_launcher(launched: Piped) -> None:
    launched.give(f"{READY}{DEAF}", stop_command=HANGS, stop_timeout=LONG)
    launched.wait_for(b"ready")
    ask(launched)
    until((launched.folder / "begun").exists)
    launched.process.send_signal(signal.SIGTERM)
    launched.end()
    until(lambda: not launched.marked())


def test_stop_command_ends_the_service_whose_window_is_closed(pane: InPane) -> None:
    pane.give(f"trap '' HUP; {READY}{WAITS}", stop_command="touch go")
    pane.wait_for("ready")
    pane.tmux("kill-server")
    pane.wait_for_end()
    assert (pane.told.exit_code, pane.told.interrupted) == (3, True)
