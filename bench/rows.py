"""One limit and what was measured, as a line of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

EMPTY = "from invoke import task\n\n@task\ndef empty(c):\n    pass\n"
"""A tasks file with the empty task that everything is measured by."""


@dataclass(frozen=True)
class Row:
    """One limit and what was measured; without a limit it is told only."""

    what: str
    limit: str
    measured: str
    holds: bool = True

    def __str__(self) -> str:
        verdict = ("holds" if self.holds else "MISSED") if self.limit else ""
        return f"{self.what:44} {self.limit:26} {self.measured:42} {verdict}".rstrip()


def ratio(what: str, ours: Sequence[float], theirs: Sequence[float], limit: float) -> Row:
    """The median of pairwise ratios against the limit."""
    found = median(a / b for a, b in zip(ours, theirs, strict=True))
    times = f"{median(ours):.3f} s / {median(theirs):.3f} s"
    return Row(what, f"<= {limit:.2f} x", f"{found:.2f} x ({times})", found <= limit)


def beyond(what: str, ours: Sequence[float], theirs: Sequence[float], own: float, limit: float) -> Row:
    """The median of pairwise differences, the service's own seconds taken off, against the limit."""
    found = median(a - b - own for a, b in zip(ours, theirs, strict=True))
    return Row(what, f"<= empty + {own:g} + {limit:g} s", f"empty + {own:g} + {found:.3f} s", found <= limit)


def at_most(what: str, found: float, limit: float, unit: str, said: str = "") -> Row:
    """One figure against the limit; `said` is what else there is to tell of it."""
    return Row(what, f"<= {limit:g} {unit}".rstrip(), f"{found:.3g} {unit}".rstrip() + said, found <= limit)
