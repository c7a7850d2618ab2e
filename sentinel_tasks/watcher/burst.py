"""Changes that belong together: one save may be several, and a checkout thousands. Pure: a test says the time."""

from __future__ import annotations

from collections.abc import Iterable

NEVER = float("inf")
LONGEST = 30.0
"""Seconds after its first change a burst is over in any case."""
LONGEST_PATH = 200
MANY, PATIENCE = 10, 5.0
"""After so many files it is no save but a tool that writes them, and may pause: so many times the quiet is needed."""


class Burst:
    """The changes for one service since it was last told; over after `quiet` seconds without another one, or more."""

    def __init__(self, quiet: float) -> None:
        self._quiet = quiet
        self._paths: dict[str, None] = {}
        self._first = self._last = NEVER

    def add(self, paths: Iterable[str], now: float) -> None:
        """Further changes."""
        for path in paths:
            self._paths[path] = None
            self._first, self._last = min(self._first, now), now

    @property
    def due(self) -> float:
        """When it is over, as far as can be known now."""
        patience = PATIENCE if len(self._paths) > MANY else 1.0
        return min(self._last + patience * self._quiet, self._first + LONGEST)

    def taken(self, now: float, is_going_on: bool) -> str | None:
        """What changed, once that is over; `is_going_on` says that more is surely to come, so it has to wait again."""
        if now < self.due:
            return None
        if is_going_on and now < self._first + LONGEST:
            self._last = now
            return None
        paths, self._paths = [*self._paths], {}
        self._first = self._last = NEVER
        return _phrase(paths)


def _phrase(paths: list[str]) -> str:
    first = paths[0] if len(paths[0]) <= LONGEST_PATH else f"…{paths[0][-LONGEST_PATH:]}"
    more = {1: "", 2: f" and {paths[-1][-LONGEST_PATH:]}"}.get(len(paths), f" and {len(paths) - 1} more")
    return f"{first}{more} changed"
