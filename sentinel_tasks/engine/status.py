"""Status: one look, no change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .. import registry
from ..health import Question, document
from ..model import Answer, Health, Observation, Pane, Report, Service
from ..names import mark, state_name
from ..places import session_of
from ..world import World
from . import tell
from .observe import Scene, measured, observe, scene, wait_for_answer

MOST_AT_ONCE = 16


def status(world: World, wanted: Iterable[str]) -> list[Report]:
    """The truth about each wanted service, from one tmux process."""
    services = [world.workspace.service(name) for name in wanted]
    return _reports(world, services, scene(world, len(services)))


def _reports(world: World, services: Sequence[Service], now: Scene) -> list[Report]:
    look = partial(_observe, world, now)
    seen = _at_once(look, services) if len(services) > 1 else [look(service) for service in services]
    return [tell.report(each, world, found) for each, found in zip(services, seen, strict=True)]


def _at_once(look: Callable[[Service], Observation], services: Sequence[Service]) -> list[Observation]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return list(pool.map(look, services))


def _observe(world: World, now: Scene, service: Service) -> Observation:
    return measured(observe(service, world, now, wait_for_answer), now.machine)


def workers(world: World, name: str) -> tuple[Report, list[dict[str, Any]]]:
    """The service's report, and the workers that its registry lists if it is running."""
    now = scene(world)
    service = world.workspace.service(name)
    asked: list[object] = []

    def ask(service: Service, question: Question) -> Answer:
        asked.append(document(question))
        return wait_for_answer(service, question)

    report = tell.report(service, world, measured(observe(service, world, now, ask), now.machine))
    return report, registry.workers(asked[0]) if asked and report.state == "running" else []


def everything(world: World) -> list[list[Report]]:
    """The services of every workspace on this tmux server, a list for each, this workspace's first; from tmux alone."""
    now = scene(world, MOST_AT_ONCE)
    own = _reports(world, world.workspace.services, now)
    others = sorted({pane.home for pane in now.panes if pane.home and pane.home != mark(world.workspace.path)})
    return [own, *(_elsewhere(world, home, now) for home in others)]


def _elsewhere(world: World, home: str, now: Scene) -> list[Report]:
    """Another workspace's services as its windows tell of them; how it checks their health is not known here."""
    marked = {pane.service: pane for pane in now.panes if pane.home == home and pane.service and pane.launch}
    services = tuple(_as_marked(name, pane, home) for name, pane in marked.items())
    folder = str(Path(world.workspace.state_folder).with_name(state_name(home)))
    there = World(replace(world.workspace, path=home, state_folder=folder, services=services), world.environ)
    return _reports(there, services, Scene(now.panes, session_of(home, now.panes, there.is_same_folder), now.machine))


def _as_marked(name: str, pane: Pane, home: str) -> Service:
    health = Health("tcp") if pane.port else Health("up")
    return Service(name, name, "", "", home, pane.port, health, window=pane.window_name, has_tasks=False)
