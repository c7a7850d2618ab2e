"""Commands that a launcher has told of what becomes of its service; what goes wrong with them does not matter to it."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.lab import until

from .launched import READY, Piped

FACTS = ["EVENT", "EXIT_CODE", "SIGNAL", "CAUSE", "PID", "PORT", "RESTARTS"]
TELL = "; ".join([f"echo {name}=$SENTINEL_{name}" for name in FACTS])
HANGS = "echo begun; touch begun; echo; sleep 86400 & setsid sleep 86400"
TIME_IS_UP_ONCE_BEGUN = """
now, begun = time.monotonic, sys.argv[4] + "/begun"
time.monotonic = lambda: now() + 3600 * os.path.exists(begun)
"""
WAITS = f"trap 'exit 3' INT; {READY}while :; do sleep 0.02; done"


def give(launched: Piped, command: str, **spec: Any) -> None:
    launched.give(command, hook_seconds=60.0, **spec)


def told(launched: Piped, event: str) -> dict[str, str]:
    """What the hook of this event printed of its facts."""
    mark = f"sentinel: {event} hook: ".encode()
    lines = [line.partition(mark)[2].strip().decode() for line in launched.said.splitlines() if mark in line]
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.parametrize(
    ("command", "facts"),
    [
        ("exit 5", {"EXIT_CODE": "5", "SIGNAL": "", "CAUSE": "exit 5"}),
        ("kill -9 $$", {"EXIT_CODE": "", "SIGNAL": "SIGKILL", "CAUSE": "killed by SIGKILL"}),
    ],
)
def test_a_crash_is_told_with_how_it_ended(launched: Piped, command: str, facts: dict[str, str]) -> None:
    give(launched, command, hooks={"crash": TELL, "stop": "touch stopped", "ready": "touch ready"}, port=4000)
    launched.end()
    found = told(launched, "crash")
    assert found.pop("PID") == str(launched.told.pid)
    assert found == {"EVENT": "crash", "PORT": "4000", "RESTARTS": "0", **facts}
    assert not [*launched.folder.glob("[rs]*ed"), *launched.folder.glob("ready")]
    assert launched.events() == ["start", "crash"]


def test_each_crash_is_told_and_none_is_where_it_ended_well(launched: Piped) -> None:
    command = "if [ -e second ]; then exit 0; fi; if [ -e first ]; then touch second; fi; touch first; exit 1"
    give(launched, command, restart="on-failure", hooks={"crash": "echo $SENTINEL_RESTARTS >>crashes"})
    assert launched.end() == 0
    assert sorted((launched.folder / "crashes").read_text().split()) == ["1", "2"], "the first may take its time"


def test_an_ordered_stop_is_told_once_nothing_of_the_service_is_left(launched: Piped) -> None:
    command = f"sleep 86400 & echo $! >left; {WAITS}"
    is_gone = "kill -0 $(cat left) 2>/dev/null || echo LEFT=nothing; "
    give(launched, command, hooks={"crash": "touch crashed", "stop": is_gone + TELL})
    launched.wait_for(b"ready")
    press_c_c(launched)
    assert launched.end() == 3
    found = told(launched, "stop")
    assert [found[name] for name in ("LEFT", "EVENT", "EXIT_CODE", "CAUSE")] == ["nothing", "stop", "3", "exit 3"]
    assert launched.told.interrupted
    assert not (launched.folder / "crashed").exists()


def test_that_it_is_ready_is_told_once_for_each_launch(launched: Piped) -> None:
    command = f"{READY}while [ ! -e end ]; do sleep 0.02; done"
    give(launched, command, hooks={"ready": "echo $SENTINEL_EVENT >>told"})
    launched.wait_for(b"ready")
    until(lambda: launched.told.awaits_ready)
    for _ in range(2):
        launched.process.send_signal(signal.SIGUSR1)
        until(lambda: not launched.told.awaits_ready)
    until((launched.folder / "told").exists)
    (launched.folder / "end").touch()
    assert launched.end() == 0
    assert (launched.folder / "told").read_text() == "ready\n"
    assert launched.told.cause is None


def test_a_service_without_that_hook_is_asked_for_nothing_and_lives_on(launched: Piped) -> None:
    give(launched, f"{READY}while [ ! -e end ]; do sleep 0.02; done")
    launched.wait_for(b"ready")
    until(lambda: launched.told.pid)
    launched.process.send_signal(signal.SIGUSR1)
    (launched.folder / "end").touch()
    assert launched.end() == 0


# What goes wrong with a hook


def test_a_hook_that_fails_is_told_and_the_service_goes_on(launched: Piped) -> None:
    command = f"{READY}while [ ! -e end ]; do sleep 0.02; done"
    give(launched, command, hooks={"ready": "echo one; echo no such table; exit 4"})
    launched.wait_for(b"ready")
    until(lambda: launched.told.awaits_ready)
    launched.process.send_signal(signal.SIGUSR1)
    until(lambda: launched.told.hooks)
    assert launched.told.hooks == {"ready": "its ready hook failed (exit 4): no such table"}
    assert launched.told.ended is None
    (launched.folder / "end").touch()
    assert launched.end() == 0
    assert launched.events() == ["start", "hook", "stop"]
    assert b"sentinel: ready hook: no such table" in launched.said
    assert b"sentinel: its ready hook failed (exit 4)" in launched.said


@pytest.mark.parametrize("launched", [TIME_IS_UP_ONCE_BEGUN], indirect=True, ids=["time is up once it has begun"])
def test_a_hook_that_hangs_is_ended_with_all_that_it_started(launched: Piped) -> None:
    give(launched, "exit 5", hooks={"crash": HANGS})
    assert launched.end() == 5
    assert launched.told.hooks == {"crash": "its crash hook took more than 60 s and was ended: begun"}
    assert launched.told.exit_code == 5
    until(lambda: not launched.marked())


@pytest.mark.parametrize("hook", ["setsid -f sleep 86400", "setsid -f sleep 86400; exit 3"])
def test_what_a_hook_leaves_in_a_session_of_its_own_ends_with_the_launcher(launched: Piped, hook: str) -> None:
    """It lived on: once its parent had ended, nobody knew whose it was."""
    give(launched, "exit 5", hooks={"crash": hook})
    assert launched.end() == 5
    until(lambda: not launched.marked())


def test_what_a_hook_leaves_in_the_background_ends_with_it(launched: Piped) -> None:
    """It is not taken for a part of the service, which would be in the background then."""
    give(launched, f"{READY}until [ -e told ]; do sleep 0.02; done", hooks={"ready": "sleep 86400 & touch told"})
    launched.wait_for(b"ready")
    until(lambda: launched.told.awaits_ready)
    launched.process.send_signal(signal.SIGUSR1)
    assert launched.end() == 0
    assert launched.told.backgrounded is None
    until(lambda: not launched.marked())


def test_a_hook_may_print_more_than_a_pipe_holds(launched: Piped) -> None:
    give(launched, "exit 5", hooks={"crash": "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo the end"})
    assert launched.end() == 5
    assert b"crash hook: the end" in launched.said
    assert len(launched.said) < 10_000
    assert launched.told.hooks == {}


def test_a_hook_that_is_not_there_is_told(launched: Piped) -> None:
    give(launched, "exit 5", hooks={"crash": ["no-such-program"]})
    assert launched.end() == 5
    assert launched.told.hooks == {
        "crash": "its crash hook failed (exit 127): no-such-program: command not found",
    }


def press_c_c(launched: Piped) -> None:
    """Reaches the launcher's process group, the service in it."""
    os.killpg(launched.pid, signal.SIGINT)
