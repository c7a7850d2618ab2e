"""Signals as the loops send them: through the gate, and told to `--echo` as far as they were really sent."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from ..lineage.reach import Claim
from ..model import Identity
from ..world import World


def send(world: World, claim: Claim, asked: Iterable[Identity], number: signal.Signals) -> list[Identity]:
    """Signals those of them that may be reached under the claim; whom it reached (contract: Stop and logs, Signals)."""
    return _told(world, number, world.processes.send(claim, asked, number))


def kill(world: World, claim: Claim, spared: frozenset[Identity] = frozenset()) -> list[Identity]:
    """Ends all that may be reached under the claim but the spared; whom it reached.

    Contract: Stop and logs, Signals.
    """
    return _told(world, signal.SIGKILL, world.processes.kill(claim, spared))


def _told(world: World, number: signal.Signals, reached: list[Identity]) -> list[Identity]:
    for who in reached:
        world.echo(["kill", f"-{number.name.removeprefix('SIG')}", str(who.pid)])
    return reached
