"""The decision: which state a service is in, and what to do now (contract: Start, Decision). Pure.

Nothing here looks at a clock, a process or tmux; a test goes through every row of the contract's table.
"""

from __future__ import annotations

from msgspec import Struct

from ..model import (
    Action,
    Done,
    EndHolders,
    EndLauncher,
    Fail,
    Holder,
    Launch,
    Observation,
    Refuse,
    Relation,
    Service,
    State,
    Wait,
)
from .containers import engine_of
from .ownership import FRIENDLY


class Watch(Struct, frozen=True):
    """What this task did for a service so far.

    `launched` is the launch that it made, `found` the launch that it found alive; `late` says that the deadline has
    passed, `elsewhere_for` for how long the service listens on another port than its own, `anew` that a one-shot which
    is completed is to run once more.
    """

    launched: str | None = None
    found: str | None = None
    late: bool = False
    elsewhere_for: float = 0.0
    anew: bool = False

    @property
    def follows(self) -> str | None:
        """The launch whose end is a failure of this task: its own, else the one that it found; None before either."""
        return self.launched or self.found


def state(service: Service, seen: Observation) -> State:
    """The state of the service as of this look (contract: Documents, States)."""
    if seen.alive:
        return _state_alive(service, seen)
    others = [holder for holder in seen.holders if holder.relation != "ours"]
    if others and all(holder.relation == "adopted" for holder in others):
        return "running" if seen.answer and seen.answer.ok else "conflict"
    if any(holder.relation != "stray" for holder in others):
        return "conflict"
    is_left = bool(seen.orphans) or (is_windowless(seen) and bool(seen.family))
    return "unhealthy" if is_left else _state_ended(service, seen)


def _state_alive(service: Service, seen: Observation) -> State:
    if any(holder.relation not in FRIENDLY for holder in seen.holders):
        return "conflict"
    if is_windowless(seen):
        return "unhealthy"
    if is_healthy(seen):
        return "running"
    if seen.run is None or service.is_one_shot:
        return "starting"
    young = seen.age < service.startup_timeout or has_longer(seen)
    return "starting" if young and not seen.was_ready else "unhealthy"


def _state_ended(service: Service, seen: Observation) -> State:
    run = seen.run
    if run is None or run.interrupted:
        return "stopped"
    if service.ends_well(run):
        return "completed" if service.is_one_shot else "stopped"
    return "crashed"


def is_healthy(seen: Observation) -> bool:
    """True if the health check passed; it is asked only where the answer comes from the service itself."""
    is_there = bool(seen.family) or not seen.alive  # a launcher alone has not begun its run yet
    return is_there and seen.answer is not None and seen.answer.ok


def has_longer(seen: Observation) -> bool:
    """True while the service has told that its start takes longer."""
    return seen.run is not None and seen.run.extended is not None and seen.now < seen.run.extended


def is_windowless(seen: Observation) -> bool:
    """True once the window was closed: the launcher is ending the service then, and starts nothing any more."""
    return seen.launcher is not None and not seen.launcher.has_window


def is_ending(service: Service, seen: Observation) -> bool:
    """True while the service is given time to end after C-c; one that outlives that time counts as running on."""
    return seen.ending_for is not None and 0 <= seen.ending_for < service.stop_timeout


def decide(service: Service, seen: Observation, watch: Watch) -> Action:
    """Exactly one action for whatever was seen (contract: Start, Decision)."""
    action = _decide(service, seen, watch)
    if not isinstance(action, Launch):
        return action
    if seen.launcher is not None and not seen.alive:
        return EndLauncher(seen.launcher)
    return EndHolders(seen.orphans, "stray") if seen.orphans else action


def _decide(service: Service, seen: Observation, watch: Watch) -> Action:
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
    spared = tuple(holder for holder in intruders if not _may_end(service, holder))
    return Refuse(_worst(spared)) if spared else EndHolders(intruders, "takeover")


def _may_end(service: Service, holder: Holder) -> bool:
    if holder.relation == "stray":
        return True
    if holder.relation != "foreign" or engine_of(holder.listener.name):
        return False
    return service.on_conflict == "takeover" or (service.on_conflict == "stop" and holder.inside)


def _worst(holders: tuple[Holder, ...]) -> Holder:
    order: list[Relation] = [
        "other-user", "unknown", "protected", "pane", "workspace", "foreign", "adopted", "stray",
    ]  # fmt: skip
    return min(holders, key=lambda holder: order.index(holder.relation))


def _decide_alive(service: Service, seen: Observation, watch: Watch) -> Action:
    if seen.launcher is not None and is_windowless(seen):
        return Wait() if watch.follows == seen.launcher.launch else EndLauncher(seen.launcher)
    waits_for_a_task_that_is_gone = seen.run is None and watch.launched is None
    if waits_for_a_task_that_is_gone:
        return Launch() if seen.pane is not None else Wait()
    if is_ending(service, seen):
        return Wait()
    if is_healthy(seen):
        return Done()
    if watch.elsewhere_for and _is_certain_elsewhere(seen, watch):
        return Fail("other-port")
    return Fail("timeout") if watch.late else Wait()


def _is_certain_elsewhere(seen: Observation, watch: Watch) -> bool:
    from .other_port import CERTAIN_AFTER, is_certain

    return watch.elsewhere_for >= CERTAIN_AFTER and is_certain(seen)


def _decide_ended(service: Service, seen: Observation, watch: Watch) -> Action:
    run = seen.run
    completed = service.is_one_shot and seen.pane is not None and _ended_well(service, seen)
    if completed and not watch.anew:
        return Done()
    followed = watch.follows is not None and seen.launch in (None, watch.follows)
    if not followed:
        return Launch()
    if run is not None and run.error:
        return Fail("not-taken", run.error)
    return Fail("ended")


def _ended_well(service: Service, seen: Observation) -> bool:
    return seen.run is not None and service.ends_well(seen.run) and not seen.run.interrupted
