"""Restart: a stop, then a start that runs one-shots once more."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..model import Report
from ..world import World
from .start import Options, start
from .stop import stop


class Restarted(Struct, frozen=True):
    """The reports of both halves; `started` is None if a service did not stop, so that none was started."""

    stopped: list[Report]
    started: list[Report] | None


def restart(world: World, wanted: Sequence[str], options: Options) -> Restarted:
    """Stops the wanted services, then starts them and what they need; if one does not stop, none is started.

    Contract: Start, Restart.
    """
    if not options.dry:
        world.state.prepare()  # raises before anything is stopped that could not be started again
    stopped = stop(world, wanted, dry=options.dry)
    if any(report.code for report in stopped):
        return Restarted(stopped, None)
    return Restarted(stopped, start(world, wanted, replace(options, restarted=frozenset(wanted))))
