"""The opinions: whose port is it, what state is that, what to do now. Pure, and SPEC §4's table.

Nothing here looks at a clock, a process or tmux; the table test runs every row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .model import (
    Action,
    Condition,
    Done,
    EndHolders,
    Fail,
    Holder,
    Launch,
    Listener,
    Observation,
    Pane,
    Refuse,
    Relation,
    Service,
    State,
    Wait,
)
from .names import mark, session_name, session_with_suffix

FRIENDLY: frozenset[Relation] = frozenset({"ours", "adopted"})


@dataclass(frozen=True)
class Watch:
    """What this task already did for a service: the launch it follows, and whether that was its own.

    `launched` is the launch this task made, `seen` the launch it found alive; `late` says that the deadline has passed,
    `anew` that a one-shot that is done is wanted once more.
    """

    launched: str | None = None
    seen: str | None = None
    late: bool = False
    anew: bool = False

    @property
    def follows(self) -> str | None:
        return self.launched or self.seen


# Whose port is it


def classify(
    listener: Listener, service: str, workspace: str, session: str, panes: Sequence[Pane], own: Pane | None
) -> Holder:
    """The listener's relation to the service (SPEC §6), by its pane first, by its marks second."""
    pane = _pane_of(listener, panes)
    inside = is_inside(listener.cwd, workspace)
    return Holder(listener, _relation(listener, service, workspace, session, pane, own), pane, inside)


def _pane_of(listener: Listener, panes: Sequence[Pane]) -> Pane | None:
    pids = {listener.pid, *listener.ancestors}
    return next((pane for pane in panes if not pane.dead and pane.pid in pids), None)


def _relation(
    listener: Listener, service: str, workspace: str, session: str, pane: Pane | None, own: Pane | None
) -> Relation:
    if listener.identity is None:
        return "other-user" if listener.user and not listener.own_user else "unknown"
    if not listener.own_user:
        return "other-user"
    if pane is not None:
        if own is not None and pane.pane_id == own.pane_id and pane.alive:
            return "ours"
        return _relation_of_pane(pane, session)
    if listener.under_tmux:
        return "pane"
    if listener.workspace == workspace and listener.service == service:
        return "stray"
    return "workspace" if listener.service else "foreign"


def _relation_of_pane(pane: Pane, session: str) -> Relation:
    if pane.alive:
        return "workspace"
    return "adopted" if pane.session == session else "pane"


def is_inside(folder: str | None, workspace: str) -> bool:
    """True if the folder is the workspace or below it."""
    return folder is not None and (folder == workspace or folder.startswith(workspace.rstrip("/") + "/"))


# What state is that


def state(service: Service, seen: Observation) -> State:
    """The one word of SPEC §6 for what was seen."""
    if seen.alive:
        return _state_alive(service, seen)
    others = [holder for holder in seen.holders if holder.relation != "ours"]
    if others and all(holder.relation == "adopted" for holder in others):
        return "running" if seen.answer and seen.answer.ok else "conflict"
    if any(holder.relation != "stray" for holder in others):
        return "conflict"
    return _state_ended(service, seen)


def _state_alive(service: Service, seen: Observation) -> State:
    if any(holder.relation not in FRIENDLY for holder in seen.holders):
        return "conflict"
    if is_healthy(seen):
        return "running"
    assert seen.pane is not None
    if seen.run is None or service.health.kind == "exit":
        return "starting"
    young = seen.age < service.startup_timeout
    return "starting" if young and seen.pane.ready != seen.pane.launch else "unhealthy"


def _state_ended(service: Service, seen: Observation) -> State:
    run = seen.run
    if run is None or run.interrupted:
        return "stopped"
    if run.exit_code == 0:
        return "completed" if service.health.kind == "exit" else "stopped"
    return "crashed"


def is_healthy(seen: Observation) -> bool:
    """Healthy and ours: the check passed, and it was our own process that it asked."""
    return seen.answer is not None and seen.answer.ok


# What to do now


def decide(service: Service, seen: Observation, watch: Watch) -> Action:
    """SPEC §4's table: exactly one action for whatever was seen."""
    intruders = tuple(holder for holder in seen.holders if holder.relation != "ours")
    if intruders:
        return _decide_taken(service, seen, watch, intruders)
    if seen.alive:
        return _decide_alive(service, seen, watch)
    return _decide_ended(service, seen, watch)


def _decide_taken(service: Service, seen: Observation, watch: Watch, intruders: tuple[Holder, ...]) -> Action:
    strays = tuple(holder for holder in intruders if holder.relation == "stray")
    if len(strays) == len(intruders):
        return EndHolders(strays, "stray")
    if all(holder.relation == "adopted" for holder in intruders):
        return _decide_adopted(seen, intruders[0])
    moves_on = service.on_conflict == "auto" and not seen.alive
    taken_while_waiting = watch.launched is not None and not moves_on
    if taken_while_waiting:
        return Refuse(_worst(intruders))
    return _decide_conflict(service, seen, intruders)


def _decide_adopted(seen: Observation, holder: Holder) -> Action:
    if seen.answer is None:
        return Wait()
    return Done(adopted=holder) if seen.answer.ok else Refuse(holder)


def _decide_conflict(service: Service, seen: Observation, intruders: tuple[Holder, ...]) -> Action:
    if service.on_conflict == "auto" and not seen.alive:
        return Launch(move=True)
    if all(_may_end(service, holder) for holder in intruders):
        return EndHolders(intruders, "takeover")
    return Refuse(_worst(intruders))


def _may_end(service: Service, holder: Holder) -> bool:
    if holder.relation == "stray":
        return True
    if holder.relation != "foreign":
        return False
    return service.on_conflict == "takeover" or (service.on_conflict == "stop" and holder.inside)


def _worst(holders: tuple[Holder, ...]) -> Holder:
    order: list[Relation] = ["other-user", "unknown", "pane", "workspace", "foreign", "adopted", "stray"]
    return min(holders, key=lambda holder: order.index(holder.relation))


def _decide_alive(service: Service, seen: Observation, watch: Watch) -> Action:
    if seen.idle and watch.launched is None:
        return Launch()
    if is_healthy(seen):
        return Done()
    return Fail("timeout") if watch.late else Wait()


def _decide_ended(service: Service, seen: Observation, watch: Watch) -> Action:
    run = seen.run
    completed = service.health.kind == "exit" and seen.pane is not None and _ended_well(seen)
    if completed and not watch.anew:
        return Done()
    followed = watch.follows is not None and (seen.pane is None or seen.pane.launch == watch.follows)
    if not followed:
        return Launch()
    if run is not None and run.error:
        return Fail("not-taken", run.error)
    return Fail("ended")


def _ended_well(seen: Observation) -> bool:
    return seen.run is not None and seen.run.exit_code == 0 and not seen.run.interrupted


# In which order


def order(services: Iterable[Service]) -> list[Service]:
    """The services, each after all that it depends on, otherwise as they came; ValueError names a cycle."""
    given = {service.name: service for service in services}
    placed: dict[str, Service] = {}

    def place(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(" -> ".join([*path[path.index(name) :], name]))
        if name in placed:
            return
        for needed, _ in given[name].depends_on:
            if needed in given:
                place(needed, (*path, name))
        placed[name] = given[name]

    for name in given:
        place(name, ())
    return list(placed.values())


def with_dependencies(wanted: Iterable[str], services: Mapping[str, Service]) -> list[Service]:
    """The wanted services and all that they need, in order."""
    names: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in names:
            names[name] = None
            for needed, _ in services[name].depends_on:
                add(needed)

    for name in wanted:
        add(name)
    return order(service for service in services.values() if service.name in names)


def is_satisfied(condition: Condition, now: State, settled: bool) -> bool:
    """True if a dependency in this state lets the next one start; `settled` says that its own start is over."""
    if condition == "completed":
        return now == "completed"
    if condition == "started":
        return now in ("starting", "running", "unhealthy", "completed")
    return settled and now in ("running", "completed")


# Whose session is it


@dataclass(frozen=True)
class Session:
    """The workspace's session: its name, whether it is there, and whether it was made by hand and has no mark yet."""

    name: str
    exists: bool
    unmarked: bool = False


def session_of(path: str, panes: Sequence[Pane], is_made_here: Callable[[str], bool]) -> Session:
    """The session that carries the workspace's mark, else the one to make or to adopt (SPEC §1)."""
    marked = next((pane for pane in panes if pane.workspace == mark(path)), None)
    if marked:
        return Session(marked.session, True)
    plain = next((pane for pane in panes if pane.session == session_name(path)), None)
    if plain is None:
        return Session(session_name(path), False)
    if not plain.workspace and is_made_here(plain.session_path):
        return Session(plain.session, True, unmarked=True)
    return Session(session_with_suffix(path), False)


def pane_of(path: str, service: str, panes: Sequence[Pane]) -> Pane | None:
    """The pane that carries the service's mark, wherever it was moved; one that is alive before one that is dead."""
    marked = [pane for pane in panes if pane.home == mark(path) and pane.service == service and pane.launch]
    usable = [pane for pane in marked if pane.alive or pane.dead]
    return max(usable, key=lambda pane: (pane.alive, int(pane.pane_id[1:])), default=None)


def free_index(wanted: int | None, taken: frozenset[int]) -> int:
    """The wanted window index, or the next one that is free; 3 and up for services that want none."""
    index = 3 if wanted is None else wanted
    while index in taken:
        index += 1
    return index


# How firmly to stop


@dataclass(frozen=True)
class Blow:
    """A signal by name, to the foreground group, to all but the launcher, or to all; None once all was tried."""

    signal: Literal["SIGINT", "SIGTERM", "SIGKILL"]
    whom: Literal["foreground", "service", "all"]


TERM_SECONDS = 3.0
LEFTOVER_SECONDS = 0.5
KILL_SECONDS = 1.0


def blows(stop_timeout: float, ended_after: float | None) -> tuple[tuple[float, Blow], ...]:
    """Which signal is due at which second of stopping (SPEC §5).

    `ended_after` is when the service's own process ended: what it left behind need not be waited for as long.
    """
    patience = stop_timeout if ended_after is None else min(stop_timeout, ended_after + LEFTOVER_SECONDS)
    return (
        (0.0, Blow("SIGINT", "foreground")),
        (patience, Blow("SIGTERM", "all")),
        (patience + TERM_SECONDS, Blow("SIGKILL", "service")),
        (patience + TERM_SECONDS + KILL_SECONDS, Blow("SIGKILL", "all")),
    )


def gives_up_after(stop_timeout: float) -> float:
    """The second at which nothing more can be tried."""
    return stop_timeout + TERM_SECONDS + 2 * KILL_SECONDS
