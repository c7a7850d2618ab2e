"""Tells a launcher that its service was found healthy, if it wants to be told (contract: Configuration, Hooks)."""

from __future__ import annotations

import signal

from ..lineage.reach import Claim
from ..model import Observation
from ..world import World
from .signals import send


def tell_ready(world: World, seen: Observation) -> None:
    """Once for each launch: the launcher itself knows whether it was told."""
    if seen.launcher is not None and seen.run is not None and seen.run.awaits_ready and seen.alive:
        who = seen.launcher.identity
        send(world, Claim(launchers=frozenset([who])), [who], signal.SIGUSR1)
