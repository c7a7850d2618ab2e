"""Is it healthy: what can be told without asking, and the question that is put otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..decisions.ownership import FRIENDLY
from ..health.question import Question
from ..model import HEALTH_KINDS, UP_AFTER, Answer, HealthKind, Holder, Observation, Service
from ..report.phrases import ended
from ..text.sanitize import readable
from ..tmux.lookup import known_ports
from ..world import World
from .port_holders import own_listeners, port_of_url
from .snapshot import Snapshot

if TYPE_CHECKING:
    from pathlib import Path

Ask = Callable[[Service, Question], Answer | None]
"""Puts the question; None while the answer is still awaited."""


def answer_of(
    service: Service, world: World, snapshot: Snapshot, bare: Observation, holders: tuple[Holder, ...], put: Ask
) -> Answer | None:
    """What the service's health check says now; None where a stranger would be asked, or while it is awaited."""
    adopted = any(holder.relation == "adopted" for holder in holders)
    strangers = any(holder.relation not in FRIENDLY for holder in holders)
    if strangers or not (bare.alive or adopted):
        return None
    kind = "tcp" if adopted and service.health.kind != "http" else service.health.kind
    known = _without_asking(kind, service, world, snapshot, bare, holders)
    return known or _explained(put(service, _question(service, world, snapshot, bare, holders)), service, world, bare)


def _without_asking(
    kind: HealthKind, service: Service, world: World, snapshot: Snapshot, bare: Observation, holders: tuple[Holder, ...]
) -> Answer | None:
    if bare.alive and bare.run is not None and bare.run.next_start is not None:
        return Answer(False, f"{ended(bare.run)}; it is about to be started again (restart {bare.run.restarts})")
    if HEALTH_KINDS[kind].needs_listener and bare.port and not holders:
        return Answer(False, f"nothing listens on port {bare.port}")
    if HEALTH_KINDS[kind].told_by != "question" and (why := _suspended(bare)):
        return Answer(False, why)
    if kind in ("http", "tcp") and (refusal := _answered_by_a_stranger(service, world, snapshot, bare)):
        return refusal
    if kind == "tcp":
        return Answer(True, "the port accepts")
    if kind == "up":
        return _up(bare)
    if kind == "notify":
        return _told(bare, _unwritten(service, world, bare))
    if kind == "exit":
        return Answer(False, "still running")
    return Answer(True, "seen in the log") if kind == "log" and _was_seen_ready(bare) else None


def _answered_by_a_stranger(service: Service, world: World, snapshot: Snapshot, bare: Observation) -> Answer | None:
    """The refusal of a check that is asked at another port of this machine than the service's, if not ours as well."""
    asked = port_of_url(service.health)
    if asked in (None, bare.port) or not bare.alive or own_listeners(bare, asked, world, snapshot):
        return None
    return Answer(False, f"this service does not listen on port {asked}, where its health is asked")


def _told(bare: Observation, why: str = "") -> Answer:
    """What the service says of itself; `why` it might have said more than can be seen."""
    run = bare.run
    if run is not None and (run.ready or (bare.was_ready and not run.is_recorded)):
        return Answer(True, run.status or "it told that it is ready")
    said = f"; it says: {run.status}" if run and run.status else why and f": {why}"
    return Answer(False, f"no READY=1 came to its NOTIFY_SOCKET yet{said}")


def _was_seen_ready(bare: Observation) -> bool:
    """True if a start saw it ready in this very run; a run that follows it must say so again."""
    restarted = bare.run is not None and bare.run.restarts > 0
    return bare.was_ready and not restarted


def _explained(answer: Answer | None, service: Service, world: World, bare: Observation) -> Answer | None:
    """A bad answer with its likely cause."""
    if answer is None or answer.ok or not (why := _suspended(bare) or _unwritten(service, world, bare)):
        return answer
    return replace(answer, detail=f"{answer.detail}: {why}")


def _unwritten(service: Service, world: World, bare: Observation) -> str:
    """That the disk has no room for what is asked: the log, or the record of what the service says."""
    state, kind = world.state_of(bare.state_folder), service.health.kind
    is_asked = kind == "log" or (kind == "notify" and not (bare.run and bare.run.is_recorded))
    if not is_asked or not state.is_full():
        return ""
    lost = "lines of the log are lost" if kind == "log" else "what it says may be lost"
    return f"the disk of {state.folder} is full, and {lost}"


def _suspended(bare: Observation) -> str:
    """That the service is suspended, if it is: it can't tell by itself that it does not work."""
    main = bare.main
    if not (bare.alive and main and main.is_suspended):
        return ""
    return f"it is suspended; kill -CONT -- -{main.group} lets it go on"


def _up(bare: Observation) -> Answer:
    has_stayed = bare.age >= UP_AFTER or _was_seen_ready(bare)  # at once, if it is of those that say when
    up = has_stayed and bare.run is not None and bare.run.ended is None
    return Answer(True, "it stays up") if up else Answer(False, f"not yet up for {UP_AFTER:g} s")


def _question(
    service: Service, world: World, snapshot: Snapshot, bare: Observation, holders: tuple[Holder, ...]
) -> Question:
    from ..config.environment import visible_environment

    ports = known_ports(world.workspace, snapshot.session, snapshot.panes)
    launch = bare.launcher.launch if bare.launcher else ""
    return Question(
        health=service.health,
        port=bare.port,
        addresses=tuple(dict.fromkeys(_reachable(holder.listener.address, bare.open_at) for holder in holders)),
        cwd=service.cwd,
        environment=lambda: visible_environment(service, world, bare.session, bare.port, ports),
        log=lambda: _log_since(world, world.log_of(service, bare), launch) if launch else (),
        patience=service.health.timeout,
        counts_workers=service.counts_workers,
    )


def _reachable(address: str, open_at: Sequence[str]) -> str:
    """Where a listener at this address can be asked from here; one at `::` may leave IPv4 to others."""
    if address == "::" and "::1" in open_at:
        return "::1"
    return "127.0.0.1" if address in ("0.0.0.0", "::") else address


def _log_since(world: World, log: Path, launch: str) -> Iterator[str]:
    """The lines as a person would see them: `^ready$` finds one that is coloured or follows an annotation of ours."""
    return (readable(line, colour=False) for line in world.logs.since_launch(log, launch))
