"""How firmly to stop, and when (contract: Stop and logs). Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class SignalStep(Struct, frozen=True):
    """A signal by name, to the foreground group, to all but the launcher, or to all; None once all was tried."""

    signal: Literal["SIGINT", "SIGTERM", "SIGKILL"]
    whom: Literal["foreground", "service", "all"]


TERM_SECONDS = 3.0
LEFTOVER_SECONDS = 0.5
KILL_SECONDS = 1.0


def signal_steps(stop_timeout: float, ended_after: float | None) -> tuple[tuple[float, SignalStep], ...]:
    """Which signal is due at which second of stopping (contract: Stop and logs).

    `ended_after` is when the service's own process ended: what it left behind need not be waited for as long.
    """
    patience = stop_timeout if ended_after is None else min(stop_timeout, ended_after + LEFTOVER_SECONDS)
    return (
        (0.0, SignalStep("SIGINT", "foreground")),
        (patience, SignalStep("SIGTERM", "all")),
        (patience + TERM_SECONDS, SignalStep("SIGKILL", "service")),
        (patience + TERM_SECONDS + KILL_SECONDS, SignalStep("SIGKILL", "all")),
    )


def gives_up_after(stop_timeout: float) -> float:
    """The second at which nothing more can be tried."""
    return stop_timeout + TERM_SECONDS + 2 * KILL_SECONDS
