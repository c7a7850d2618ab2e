"""Whether the files are watched whose changes a running service wants to know."""

from __future__ import annotations

from typing import Any

from ..model import Observation, Service
from ..world import World

KILLED = "the watcher was killed"


def watching(service: Service, world: World, seen: Observation) -> dict[str, Any]:
    """Why not, and which patterns match nothing, as far as the launch that runs wants any watched."""
    files = world.watcher_files(seen.state_folder)
    if not service.watch or not files.is_wished(service.name, seen.launch):
        return {}
    told = files.told()
    if not files.is_alive():
        return {"unwatched": told.error or KILLED}
    found = told.services.get(service.name)
    return {"unmatched": found.unmatched} if found and found.launch == seen.launch else {}
