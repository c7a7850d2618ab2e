"""The window goes, and the service with it; what a terminal may do to a service while it is there. On a real tmux."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sentinel_tasks.supervisor.ending import TERM_SECONDS
from sentinel_tasks.supervisor.watch import WINDOW_CLOSED
from tests import chain
from tests.lab import until

from .launched import InPane, end, is_alive, named

RELOADS_ON_HUP = "trap 'echo reloaded' HUP; trap 'exit 0' INT; echo ready; while :; do sleep 0.05; done"
DEAF = "trap '' INT TERM HUP; echo ready; while :; do sleep 0.05; done"


def kill_tmux(pane: InPane) -> None:
    os.kill(pane.server, signal.SIGKILL)


WAYS: dict[str, Callable[[InPane], object]] = {
    "kill-window": lambda pane: pane.tmux("kill-window", "-t", "=s:"),
    "kill-session": lambda pane: pane.tmux("kill-session", "-t", "=s"),
    "kill-pane": lambda pane: pane.tmux("kill-pane", "-t", "=s:"),
    "kill-server": lambda pane: pane.tmux("kill-server"),
    "exit-unattached": lambda pane: pane.tmux("set-option", "-s", "exit-unattached", "on"),
    "respawn-pane": lambda pane: pane.tmux("respawn-pane", "-k", "-t", "=s:", "sleep 1000"),
    "kill -9 of tmux": kill_tmux,
}
"""How a window is closed."""


def begun(pane: InPane, command: str | list[str], word: str = "ready", **spec: object) -> InPane:
    pane.give(command, **spec)
    pane.wait_for(word)
    return pane


def assert_ended_with_its_window(pane: InPane) -> None:
    pane.wait_for_end()
    until(lambda: not pane.marked())
    told = pane.told
    assert (told.is_over, told.interrupted, told.cause) == (True, True, WINDOW_CLOSED)
    assert told.family == ()
    assert pane.events() == ["start", "stop"]
    assert WINDOW_CLOSED in pane.reasons()[-1]


@pytest.mark.parametrize("way", WAYS)
def test_service_that_takes_hup_for_a_reload_ends_when_its_window_is_closed(pane: InPane, way: str) -> None:
    """After `tmux kill-session` launcher and service lived on without a window, and status said they had crashed."""
    begun(pane, RELOADS_ON_HUP, restart="always")
    WAYS[way](pane)
    assert_ended_with_its_window(pane)
    assert pane.told.exit_code == 0


@pytest.mark.parametrize("way", ["kill-window", "kill -9 of tmux"])
def test_service_that_hears_nothing_is_killed_when_its_window_is_closed(pane: InPane, way: str) -> None:
    begun(pane, DEAF, restart="always", stop_timeout=0.2)
    WAYS[way](pane)
    assert_ended_with_its_window(pane)
    assert pane.told.signal == "SIGKILL"


def test_service_is_not_started_again_without_a_window(pane: InPane) -> None:
    """Its launcher waited to start it again, in no window, and two launchers wrote one record after the next start."""
    begun(pane, "echo ready; exit 3", "starting again", restart="always")
    pane.tmux("kill-session", "-t", "=s")
    pane.wait_for_end()
    told = pane.told
    assert (told.is_over, told.interrupted, told.cause) == (True, True, WINDOW_CLOSED)
    assert pane.events()[-1] == "stop"


def test_launch_is_given_up_when_the_window_is_closed_before_its_service_runs(pane: InPane) -> None:
    until(lambda: is_alive(pane.pid))
    pane.tmux("kill-session", "-t", "=s")
    pane.wait_for_end()


def test_daemon_of_a_service_ends_with_the_window(pane: InPane) -> None:
    begun(pane, f"setsid -f {sleep(9999)}; echo ready; exec sleep 1000")
    until(lambda: len(pane.below()) == 2)
    pane.tmux("kill-window", "-t", "=s:")
    assert_ended_with_its_window(pane)


@pytest.mark.parametrize("how", ["", "sessions"])
def test_what_forks_without_end_is_ended_with_the_window(pane: InPane, how: str) -> None:
    """Each process forks once and is gone: whoever looks for it comes too late, and so does every signal to it.

    The launcher looked on and reaped none of them meanwhile, until the machine had no pid left. It begins halfway
    between SIGTERM and SIGKILL: until then it would only keep a processor busy.
    """
    forks = f"sleep {TERM_SECONDS / 2}; touch begun; exec {sys.executable} -I -S {chain.__file__} {how}"
    begins = f"trap \"(trap '' INT TERM; {forks}) &\" TERM; while :; do sleep 600 & wait; done"
    begun(pane, f"trap '' INT; echo ready; {begins}", stop_timeout=0.2)
    pane.tmux("kill-window", "-t", "=s:")
    pane.wait_for_end()
    until(lambda: not pane.marked())
    assert (pane.told.is_over, pane.told.cause, pane.events()) == (True, WINDOW_CLOSED, ["start", "stop"])
    assert (pane.folder / "begun").exists()
    assert not (pane.folder / chain.RAN_AWAY).exists()


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="only root can become another user")
def test_service_of_another_user_ends_with_the_window(pane: InPane) -> None:
    """We never signal it: the kernel hangs it up when the launcher, the terminal's session leader, ends."""
    begun(pane, "echo ready; exec setpriv --reuid nobody sleep 1000", stop_timeout=0.2)
    until(lambda: [each.uid for each in pane.below()] not in ([], [0]), "another user")
    pane.tmux("kill-window", "-t", "=s:")
    pane.wait_for_end()
    until(lambda: not pane.marked())
    assert (pane.told.is_over, pane.told.cause, pane.events()) == (True, WINDOW_CLOSED, ["start", "stop"])


def test_record_of_a_later_launch_is_left_alone(tmp_path: Path) -> None:
    first = begun(InPane(tmp_path), DEAF, stop_timeout=0.5)
    try:
        first.tmux("kill-server")
        second = begun(InPane(tmp_path, "L2"), "echo ready; exec sleep 1000")
        try:
            first.wait_for_end()
            assert (second.told.launch, second.told.cause) == ("L2", None)
            assert not second.told.is_over
        finally:
            second.close()
    finally:
        first.close()


def test_launcher_that_is_killed_takes_its_service_with_it(pane: InPane) -> None:
    begun(pane, "trap '' HUP; echo ready; exec sleep 1000")
    end(pane.pid)
    until(lambda: not pane.marked())


# While it is there


def test_hup_is_passed_on_and_asks_for_no_end(pane: InPane) -> None:
    """gunicorn, nginx and others read their configuration again."""
    begun(pane, RELOADS_ON_HUP)
    os.kill(pane.pid, signal.SIGHUP)
    pane.wait_for("reloaded")
    assert (pane.told.asked, pane.told.ended) == (None, None)


def test_c_s_in_the_window_does_not_hold_the_service(pane: InPane, tmp_path: Path) -> None:
    """It printed no more and answered nobody, and nothing said why."""
    count = "n=0; while :; do n=$((n + 1)); echo ready $n; echo $n >count; sleep 0.01; done"
    begun(pane, count)
    pane.press("C-s")
    pane.press("x")
    until(lambda: "x" in pane.screen("-S", "-"), "the keys in the window, also above of what it shows")
    before = (tmp_path / "count").read_text()
    pane.tmux("clear-history", "-t", "=s:")
    until(lambda: int((tmp_path / "count").read_text() or 0) > int(before or 0) + 20)


def test_interactive_shell_that_is_stopped_is_stopped(pane: InPane) -> None:
    """It has a process group of its own: `stop` was told as a crash, exit 1."""
    begun(pane, ["bash", "-ic", "echo ready; sleep 1000; echo bye"])
    named(pane.pid, "sleep 1000")  # before it is that, it is deaf to C-c as its shell
    os.kill(pane.pid, signal.SIGINT)
    for each in pane.below():
        os.kill(each.pid, signal.SIGINT)
    until(lambda: pane.told.ended)
    assert (pane.told.interrupted, pane.events()) == (True, ["start", "stop"])


def test_job_with_a_process_group_of_its_own_that_c_c_ends_is_stopped(pane: InPane) -> None:
    begun(pane, ["bash", "-c", "set -m; echo ready; sleep 1000; exit $?"], restart="always")
    until(lambda: len(pane.told.family) == 2, "a look at its processes")
    named(pane.pid, "sleep 1000")
    pane.press("C-c")
    pane.wait_for_end()
    assert (pane.told.exit_code, pane.told.interrupted, pane.events()) == (130, True, ["start", "stop"])


def test_run_after_an_interactive_shell_that_was_killed_has_the_terminal(pane: InPane) -> None:
    """It had been left to the process group of a job that was no more: C-c reached nobody."""
    first = "touch begun; exec bash -ic 'echo ready; sleep 1000; echo bye'"
    begun(pane, f"if [ -e begun ]; then echo anew; exec sleep 1000; else {first}; fi", restart="on-failure")
    until(lambda: len(pane.below()) == 2)
    end(*(each.pid for each in pane.below()))
    pane.wait_for("anew")
    pane.press("C-c")
    pane.wait_for_end()
    assert (pane.told.signal, pane.told.interrupted) == ("SIGINT", True)


def sleep(seconds: int) -> str:
    """A process that has nothing of ours in its environment, and no terminal."""
    return f"env -i {sys.executable} -c 'import time; time.sleep({seconds})'"
