"""Status: one look, no change but that the end of a killed launcher is put on record."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..errors import TmuxRefused
from ..health.question import Question
from ..model import HEALTH_KINDS, Answer, Observation, Progress, Report, Service
from ..names import mark, state_name, unmarked
from ..observation.health_check import Ask
from ..observation.health_threads import AskingOnce
from ..observation.observe import observe
from ..observation.snapshot import Snapshot, take_snapshot
from ..tmux.lookup import pane_of, session_of
from ..world import World
from . import outcomes

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

MOST_AT_ONCE = 16
SLOW = 0.1
"""Seconds of a look that was waited for."""
RETRY_SECONDS = 1.0
"""Between two looks at what is unhealthy, where its check has retries and no interval."""


def status(
    world: World, wanted: Iterable[str], and_unconfigured: bool = False, left_of: Collection[str] = ()
) -> list[Report]:
    """The truth about each wanted service, and about what the configuration forgot, from one tmux process.

    Of what it forgot only instances of `left_of`, unless all is wanted. Only what is unhealthy is looked at again, if
    its health check has retries.
    """
    services = [world.workspace.service(name) for name in wanted]
    snapshot = take_snapshot(world, len(services))
    if not (and_unconfigured or left_of):
        return _retried(world, _asked(world, services, snapshot))
    left = _forgotten(world, snapshot, None if and_unconfigured else left_of)
    reports, names = _retried(world, _asked(world, [*services, *left], snapshot)), {each.name for each in left}
    return [outcomes.with_way_to_end(each) if each.service.name in names else each for each in reports]


def _forgotten(world: World, snapshot: Snapshot, of: Collection[str] | None = None) -> list[Service]:
    from ..observation.unconfigured import unconfigured

    return unconfigured(world, snapshot.panes, snapshot.process_table, of)


def _retried(world: World, reports: list[Report]) -> list[Report]:
    tries = 0
    while again := [each for each in reports if each.state == "unhealthy" and each.service.health.retries > tries]:
        tries += 1
        services = [each.service for each in again]
        pause = max(service.health.interval or RETRY_SECONDS for service in services)
        world.progress([Progress(each, f"unhealthy, asked again ({tries} times)", 0, pause) for each in services])
        world.sleep(pause)
        fresh = {each.service.name: each for each in _asked(world, services, take_snapshot(world, len(services)))}
        reports = [fresh.get(each.service.name, each) for each in reports]
    return reports


def _asked(world: World, services: Sequence[Service], snapshot: Snapshot) -> list[Report]:
    """What each service is like now, its health check asked."""
    asking = AskingOnce(world)
    reports = _reports(world, services, snapshot, asking, asking.break_off)
    if any(each.seen.run and each.seen.launcher is None for each in reports):
        from .record_ends import note_killed_launchers

        note_killed_launchers(world, ((each.service, each.seen) for each in reports))
    return reports


def _reports(
    world: World, services: Sequence[Service], snapshot: Snapshot, put: Ask, give_up: Callable[[], None] = lambda: None
) -> list[Report]:
    seen = _each(world, partial(_observe, world, snapshot, put), services, give_up)
    return [outcomes.report(each, world.workspace, found) for each, found in zip(services, seen, strict=True)]


def _each(
    world: World, look: Callable[[Service], Observation], services: Sequence[Service], give_up: Callable[[], None]
) -> list[Observation]:
    """What is seen of each; on Ctrl-C those who look are told to give up, for they are waited for.

    Threads are for those that have to be waited for: they take twice as long for looks that only read.
    """
    seen = _while_quick(world, look, [each for each in services if HEALTH_KINDS[each.health.kind].asks_nobody])
    rest = [each for each in services if each.name not in seen]
    with _pool() if len(rest) > 1 else nullcontext() as pool:
        try:
            seen.update(zip((each.name for each in rest), (pool.map if pool else map)(look, rest), strict=True))
        except KeyboardInterrupt:
            give_up()
            raise
    return [seen[each.name] for each in services]


def _while_quick(
    world: World, look: Callable[[Service], Observation], services: Iterable[Service]
) -> dict[str, Observation]:
    """One after the other, until a port is slow to accept."""
    found: dict[str, Observation] = {}
    for service in services:
        began = world.monotonic()
        found[service.name] = look(service)
        if world.monotonic() - began > SLOW:
            break
    return found


def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(MOST_AT_ONCE)


def _observe(world: World, snapshot: Snapshot, put: Ask, service: Service) -> Observation:
    return observe(service, world, snapshot, put)


def workers(world: World, name: str) -> tuple[Report, list[dict[str, Any]] | None]:
    """The service's report, and the workers that its registry lists if it is running; None if it does not list them.

    One that fails its health check is not asked again: it may hang.
    """
    from ..health import worker_registry

    snapshot = take_snapshot(world)
    service = world.workspace.service(name)
    asked: list[object] = []
    asking = AskingOnce(world)

    def ask(service: Service, question: Question) -> Answer:
        answer = asking(service, question)
        asked.extend([world.health.document(question)] if answer.ok else [])
        return answer

    report = outcomes.report(service, world.workspace, observe(service, world, snapshot, ask))
    listed = worker_registry.workers(asked[0]) if asked and report.state == "running" else []
    answer = report.seen.answer
    return report, None if not listed and answer and answer.ok and answer.workers != 0 else listed


def everything(world: World) -> list[list[Report]]:
    """The services of every workspace of this user, a list for each, this workspace's first; from tmux alone."""
    from ..observation.other_servers import other_worlds

    snapshot = take_snapshot(world, MOST_AT_ONCE)
    own = _asked(world, [*world.workspace.services, *_forgotten(world, snapshot)], snapshot)
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
    from ..observation.unconfigured import marked_service

    path = unmarked(home)
    names = {pane.service for pane in snapshot.panes if pane.home == home and pane.service}
    panes = {name: pane for name in sorted(names) if (pane := pane_of(path, name, snapshot.panes)) is not None}
    services = tuple(marked_service(pane) for pane in panes.values())
    folder = os.path.join(os.path.dirname(world.workspace.state_folder), state_name(path))
    there = world.with_workspace(replace(world.workspace, path=path, state_folder=folder, services=services))
    session = session_of(path, snapshot.panes, there.is_same_folder)

    def as_last_seen(service: Service, question: Question) -> Answer:
        pane = panes[service.name]
        return Answer(pane.ready == pane.launch, "as it was when it was started")

    return _reports(there, services, replace(snapshot, session=session), as_last_seen)
