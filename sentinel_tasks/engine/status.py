"""Status: one look, no change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from ..errors import TmuxRefused
from ..health import worker_registry
from ..health.question import Question
from ..model import Answer, Observation, Report, Service
from ..names import mark, state_name, unmarked
from ..observation.health_check import Ask
from ..observation.health_threads import asking_at_once
from ..observation.observe import observe
from ..observation.other_servers import other_worlds
from ..observation.snapshot import Snapshot, take_snapshot
from ..observation.unconfigured import marked_service, unconfigured
from ..tmux.lookup import pane_of, session_of
from ..world import World
from . import outcomes

MOST_AT_ONCE = 16


def status(world: World, wanted: Iterable[str], and_unconfigured: bool = False) -> list[Report]:
    """The truth about each wanted service, and about what the configuration forgot, from one tmux process."""
    services = [world.workspace.service(name) for name in wanted]
    snapshot = take_snapshot(world, len(services))
    return _reports(world, [*services, *(unconfigured(world, snapshot.panes) if and_unconfigured else [])], snapshot)


def _reports(world: World, services: Sequence[Service], snapshot: Snapshot, put: Ask | None = None) -> list[Report]:
    look = partial(_observe, world, snapshot, put or asking_at_once(world))
    seen = _at_once(look, services) if len(services) > 1 else [look(service) for service in services]
    return [outcomes.report(each, world.workspace, found) for each, found in zip(services, seen, strict=True)]


def _at_once(look: Callable[[Service], Observation], services: Sequence[Service]) -> list[Observation]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return list(pool.map(look, services))


def _observe(world: World, snapshot: Snapshot, put: Ask, service: Service) -> Observation:
    return observe(service, world, snapshot, put)


def workers(world: World, name: str) -> tuple[Report, list[dict[str, Any]] | None]:
    """The service's report, and the workers that its registry lists if it is running; None if it does not list them.

    One that fails its health check is not asked again: it may hang.
    """
    snapshot = take_snapshot(world)
    service = world.workspace.service(name)
    asked: list[object] = []

    def ask(service: Service, question: Question) -> Answer:
        answer = world.health.ask(question)
        asked.extend([world.health.document(question)] if answer.ok else [])
        return answer

    report = outcomes.report(service, world.workspace, observe(service, world, snapshot, ask))
    listed = worker_registry.workers(asked[0]) if asked and report.state == "running" else []
    answer = report.seen.answer
    return report, None if not listed and answer and answer.ok and answer.workers != 0 else listed


def everything(world: World) -> list[list[Report]]:
    """The services of every workspace of this user, a list for each, this workspace's first; from tmux alone."""
    snapshot = take_snapshot(world, MOST_AT_ONCE)
    own = _reports(world, [*world.workspace.services, *unconfigured(world, snapshot.panes)], snapshot)
    others = [_elsewhere(world, home, snapshot) for home in _homes(snapshot) if home != mark(world.workspace.path)]
    for there in other_worlds(world):
        with suppress(TmuxRefused):
            snapshot = take_snapshot(there, MOST_AT_ONCE)
            others += [_elsewhere(there, home, snapshot) for home in _homes(snapshot)]
    return [own, *others]


def _homes(snapshot: Snapshot) -> list[str]:
    return sorted({pane.home for pane in snapshot.panes if pane.home})


def _elsewhere(world: World, home: str, snapshot: Snapshot) -> list[Report]:
    """Another workspace's services as its windows tell of them."""
    path = unmarked(home)
    names = {pane.service for pane in snapshot.panes if pane.home == home and pane.service}
    panes = {name: pane for name in sorted(names) if (pane := pane_of(path, name, snapshot.panes)) is not None}
    services = tuple(marked_service(pane) for pane in panes.values())
    folder = str(Path(world.workspace.state_folder).with_name(state_name(path)))
    there = world.with_workspace(replace(world.workspace, path=path, state_folder=folder, services=services))
    session = session_of(path, snapshot.panes, there.is_same_folder)

    def as_last_seen(service: Service, question: Question) -> Answer:
        pane = panes[service.name]
        return Answer(pane.ready == pane.launch, "as it was when it was started")

    return _reports(there, services, Snapshot(snapshot.panes, session, snapshot.process_table), as_last_seen)
