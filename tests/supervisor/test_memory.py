"""A service that uses more than its limits is ended as a failure, or can't have more, by its launcher alone."""

from __future__ import annotations

import resource
import sys

import pytest

from sentinel_tasks.lineage.memory import LONGEST, SHORTEST, pause
from sentinel_tasks.supervisor.inherit import limit_open_files
from tests.lab import until

from .launched import Piped

MIB = 1024**2
GROWS = """
import signal, sys, time
signal.signal(signal.SIGINT, {on_int})
kept = []
while True:
    kept.append(b"x" * 45 * 1024**2)
    for _ in range(int({pause} * 10)):
        time.sleep(0.1)  # a signal right before a wait is heard at its end
"""
OVER = "more than its memory limit of 40 MiB"


def grows(pause: float, on_int: str = "lambda *_: sys.exit(0)") -> list[str]:
    """A command that uses a bit more than its limit at once, and so much more after each pause."""
    return [sys.executable, "-c", GROWS.format(pause=pause, on_int=on_int)]


def test_service_over_its_memory_is_ended_as_a_failure_and_started_again(launched: Piped) -> None:
    """With exit code 0, too: it was asked to end because it used too much."""
    grow = " ".join(f"'{word}'" for word in grows(60))
    command = f"if [ -e again ]; then exit 5; fi; touch again; exec {grow}"
    launched.give(command, restart="on-failure", memory=40 * MIB, success_codes=[5])
    assert launched.end() == 5
    why = launched.told.last_exit or ""
    assert why.startswith("it used ")
    assert why.endswith(OVER)
    assert launched.events() == ["start", "crash", "restart", "stop"]
    assert launched.reasons()[1] == f"{why} (exit 0)"
    assert f"sentinel: {why}".encode() in launched.said


def test_memory_of_what_a_service_starts_counts(launched: Piped) -> None:
    grow = " ".join(f"'{word}'" for word in grows(60))
    launched.give(f"setsid {grow} & wait", memory=40 * MIB, stop_timeout=0.1)
    launched.end()
    assert (launched.told.cause or "").endswith(OVER)
    until(lambda: not launched.marked())


def test_service_far_over_its_memory_is_not_asked_for_long(launched: Piped) -> None:
    launched.give(grows(0.5, "signal.SIG_IGN"), memory=40 * MIB, stop_timeout=600.0)
    launched.end()
    assert (launched.told.signal, (launched.told.cause or "").endswith(OVER)) == ("SIGKILL", True)


def test_service_that_keeps_to_its_memory_is_left_alone(launched: Piped) -> None:
    code, told = launched.run("sleep 0.6", memory=40 * MIB)
    assert (code, told.cause) == (0, None)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0, 3.0])
def test_the_less_is_left_the_sooner_it_is_looked_at(share: float) -> None:
    assert SHORTEST <= pause(int(share * 1000), 1000) <= LONGEST
    assert pause(int(share * 1000), 1000) == max(SHORTEST, LONGEST * (1 - share))


def test_service_has_its_own_limit_of_open_files_soft_and_hard(launched: Piped) -> None:
    assert launched.run("exit $(ulimit -Sn)", nofile=77)[0] == 77
    assert b"sentinel" not in launched.said.replace(b"sentinel-", b"")


def test_a_hard_limit_of_open_files_too(launched: Piped) -> None:
    assert launched.run("exit $(ulimit -Hn)", nofile=77)[0] == 77


def test_what_the_tmux_server_may_not_have_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hard limit may be lower than that of the shell from which the service was started."""
    limits = (64, 64)

    def refuse(kind: int, wanted: tuple[int, int]) -> None:
        if wanted[1] > limits[1]:
            raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    assert limit_open_files(4096) == "it may have 64 files open, not 4096: the tmux server's hard limit"
    assert limit_open_files(64) == ""
