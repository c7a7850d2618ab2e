"""Looks at the same services again and again, for as long as somebody watches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model import Report
from ..world import World
from .status import everything, status

PAUSE = 1.0
"""Seconds between two looks."""


def looks(world: World, names: Sequence[str], everywhere: bool) -> Iterator[list[list[Report]]]:
    """What `ps` would show, a list for each workspace, now and after each pause; without an end."""
    while True:
        yield everything(world) if everywhere else [status(world, names, and_unconfigured=True)]
        world.sleep(PAUSE)
