"""Status: one look, no change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..model import Health, Pane, Report, Service
from ..names import mark, state_name
from ..world import World
from . import tell
from .observe import observe, scene, wait_for_answer


def status(world: World, wanted: Iterable[str]) -> list[Report]:
    """The truth about each wanted service, from one tmux process."""
    now = scene(world)
    services = [world.workspace.service(name) for name in wanted]
    return [tell.report(service, world, observe(service, world, now, wait_for_answer)) for service in services]


def everything(world: World) -> list[list[Report]]:
    """The services of every workspace on this tmux server, a list for each, this workspace's first; from tmux alone."""
    now = scene(world)
    own = [tell.report(s, world, observe(s, world, now, wait_for_answer)) for s in world.workspace.services]
    others = sorted({pane.home for pane in now.panes if pane.home and pane.home != mark(world.workspace.path)})
    return [own, *(_elsewhere(world, home) for home in others)]


def _elsewhere(world: World, home: str) -> list[Report]:
    """Another workspace's services as its windows tell of them; how it checks their health is not known here."""
    there = World(replace(world.workspace, path=home, state_folder=_state_of(world, home), services=()), world.environ)
    now = scene(there)
    marked = {pane.service: pane for pane in now.panes if pane.home == home and pane.service and pane.launch}
    services = [_as_marked(name, pane, home) for name, pane in marked.items()]
    return [tell.report(each, there, observe(each, there, now, wait_for_answer)) for each in services]


def _as_marked(name: str, pane: Pane, home: str) -> Service:
    health = Health("tcp") if pane.port else Health("up")
    return Service(name, name, "", "", home, pane.port, health, window=pane.window_name, has_tasks=False)


def _state_of(world: World, home: str) -> str:
    return str(Path(world.workspace.state_folder).with_name(state_name(home)))
