"""How long to wait between two looks. Pure."""

from __future__ import annotations

SHORTEST, LONGEST = 0.01, 0.25
SHARE = 0.04
"""Of the time that has passed: whoever waited long is not kept waiting much longer, and looks seldom."""


def pause_after(elapsed: float) -> float:
    """Seconds until the next look, after having waited for so many: short at first, then in proportion, never long."""
    return min(max(SHORTEST, SHARE * elapsed), LONGEST)
