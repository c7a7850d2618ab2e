"""Ends what is in a service's way: holders of its port that may be ended, and strays of its own."""

from __future__ import annotations

import signal

from ..decisions.escalation import TAKEOVER
from ..model import Holder, Identity
from ..observation.snapshot import Snapshot
from ..world import World
from . import outcomes
from .signals import send
from .track import Track


def strays(world: World, snapshot: Snapshot) -> dict[str, tuple[Holder, ...]]:
    """Processes that left a service's window and still run, by service, whether they hold a port or not."""
    found = world.processes.strays(world.workspace.path, snapshot.panes)
    return {
        name: tuple(Holder(world.processes.describe(who.pid, ""), "stray") for who in left)
        for name, left in found.items()
    }


def end_holder(track: Track, holder: Holder, event: str, world: World) -> bool:
    """TERM at first sight, KILL later; False once it has outlived both. Call it once a turn."""
    who = holder.listener.identity
    if who is None:
        return False
    now = world.monotonic()
    if who not in track.ending:
        note = outcomes.ending(holder, event)
        track.notes.append(note)
        world.state.event(track.service.name, event, who.pid, note)
    began = min([*track.ending.values(), now])
    for each in world.processes.tree(who.pid):
        _signal(track, each, now, world)
    return not TAKEOVER.is_hopeless(now - began)


def _signal(track: Track, who: Identity, now: float, world: World) -> None:
    first = track.ending.setdefault(who, now)
    step = TAKEOVER.due(now - first)[-1]
    if first == now or step.signal == "SIGKILL":
        send(world, who, signal.Signals[step.signal])
