"""How processes are ended: which signal is due when, and when nothing more can be tried. Pure.

One table for everything that ends processes: a stop, a takeover, the doctor, and the API's workers (`api/scale.py`
does not import this room and repeats the seconds; a test compares them).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ..model import StopSignal

TERM_SECONDS = 3.0
"""Between SIGTERM and SIGKILL, for what is ours."""
FOREIGN_TERM_SECONDS = 5.0
"""The same for what is not ours, and did not expect to be ended."""
KILL_SECONDS = 1.0
"""Between two kinds of SIGKILL in a stop, and after the last one."""
GONE_SECONDS = 3.0
"""After SIGKILL elsewhere: one that is not gone by then can't be ended."""
HOOK_SECONDS = 10.0
"""What a hook may take (contract: Configuration, Hooks)."""
LEFTOVER_SECONDS = 0.5
"""What a service leaves behind is given after the service's own process has ended."""


class SignalStep(Struct, frozen=True):
    """A signal that is due so many seconds after the first one, and whom it is for.

    `foreground` is the process group that C-c would reach, `service` all but the launcher, `all` everything.
    """

    after: float
    signal: str
    whom: Literal["foreground", "service", "all"] = "all"


class Escalation(Struct, frozen=True):
    """Signal steps in order, each for what outlived the ones before."""

    steps: tuple[SignalStep, ...]
    gives_up_after: float

    def due(self, elapsed: float, taken: int) -> SignalStep | None:
        """The step after those that were `taken`, if it is due by now.

        One that is taken late puts off those after it as much: each leaves its time to what it was sent to.
        """
        return next((step for step in self.steps[taken : taken + 1] if step.after <= elapsed), None)

    def is_hopeless(self, elapsed: float) -> bool:
        """True once nothing more can be tried."""
        return elapsed > self.gives_up_after


def stop_of_a_service(
    stop_timeout: float, ended_after: float | None = None, stop_signal: StopSignal = "INT", has_hooks: bool = False
) -> Escalation:
    """The escalation of a stop (contract: Stop and logs, Escalation).

    `ended_after` is when the service's own process ended: what it left behind need not be waited for as long. With
    `has_hooks` the launcher ends that itself, and waits for the commands that are told of it.
    """
    if ended_after is None:
        patience = stop_timeout
    elif has_hooks:
        patience = ended_after + TERM_SECONDS + KILL_SECONDS + HOOK_SECONDS
    else:
        patience = min(stop_timeout, ended_after + LEFTOVER_SECONDS)
    kill = patience + TERM_SECONDS
    steps = (
        SignalStep(0.0, f"SIG{stop_signal}", "foreground"),
        SignalStep(patience, "SIGTERM"),
        SignalStep(kill, "SIGKILL", "service"),
        SignalStep(kill + KILL_SECONDS, "SIGKILL"),
    )
    return Escalation(steps, max(stop_timeout, patience) + TERM_SECONDS + 2 * KILL_SECONDS)


def _term_then_kill(term_seconds: float) -> Escalation:
    steps = (SignalStep(0.0, "SIGTERM"), SignalStep(term_seconds, "SIGKILL"))
    return Escalation(steps, term_seconds + GONE_SECONDS)


TAKEOVER = _term_then_kill(FOREIGN_TERM_SECONDS)
"""For holders of a port that may be ended, and strays that are in the way of a start (contract: Start, Decision)."""

CLEANUP = _term_then_kill(TERM_SECONDS)
"""For processes of ours that have no window any more: the doctor's strays, and the API's workers."""
