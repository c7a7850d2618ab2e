"""Signals as the loops send them: told to `--echo`, and to a process that can answer."""

from __future__ import annotations

import signal

from ..model import Identity
from ..world import World


def send(world: World, who: Identity, number: signal.Signals) -> None:
    """Signals this very process if it may be, and lets it go on if it is suspended, or TERM would wait.

    Contract: Start.
    """
    world.echo(f"kill -{number.name.removeprefix('SIG')} {who.pid}")
    world.processes.send(who, number)
    world.processes.resume(who)
