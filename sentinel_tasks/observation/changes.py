"""What is configured otherwise now than when a running service was started (contract: Configuration, Changes)."""

from __future__ import annotations

from ..config.digests import changes_since
from ..errors import ValuesNeeded
from ..model import Observation
from ..world import World


def changes_of(name: str, world: World, seen: Observation) -> tuple[str, ...] | None:
    """The keys that differ of what runs; None for what was started otherwise than by us, or is not configured here.

    What a wrong configuration leaves unread is no change either.
    """
    try:
        service = world.workspace.service(name)
    except KeyError:
        return None
    if not (world.workspace.is_whole and service.command):
        return None
    state = world.state_of(seen.state_folder)
    started = state.started_with(name)
    if started is None or started.launch != seen.launch:
        return None
    keys = world.workspace.keys
    if keys is not None and seen.state_folder not in ("", world.workspace.state_folder):
        raise ValuesNeeded(f"{name} was started with another state folder")
    return changes_since(started.digests, service, state.salt(), None if keys is None else keys.get(name))
