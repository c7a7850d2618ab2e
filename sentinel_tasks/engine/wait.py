"""Wait: look until services are as wanted, have failed, or time is up; nothing is started or ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from msgspec.structs import replace

from ..decisions.decide import state
from ..decisions.pause import pause_after
from ..model import (
    STATES_HEALTHY,
    STATES_NOT_RUNNING,
    STATES_STARTED,
    Observation,
    Progress,
    Report,
    Service,
    State,
)
from ..observation.health_threads import AskingOnce, HealthThreads
from ..observation.observe import last_output, observe
from ..observation.snapshot import take_snapshot
from ..report.phrases import command
from ..world import World
from . import outcomes
from .last_words import await_last_words

Goal = Literal["healthy", "started", "completed", "stopped"]
GOALS: tuple[Goal, ...] = get_args(Goal)

REACHED: dict[Goal, frozenset[State]] = {
    "healthy": STATES_HEALTHY,
    "started": STATES_STARTED,
    "completed": frozenset({"completed"}),
    "stopped": STATES_NOT_RUNNING | {"completed"},
}
"""The states in which a goal is reached; `crashed` reaches `stopped`, and no other."""


def wait(world: World, wanted: Iterable[str], goal: Goal, timeout: float | None) -> list[Report]:
    """Each service's report once all are as wanted, one has failed, or its time is up (contract: Tasks, Wait).

    `timeout` is in seconds; None gives each service the time that its start, or for `stopped` its stop, may take. With
    none at all it looks once as a status does, which awaits an answer: a slow machine must not tell that there is none.
    """
    services = [world.workspace.service(name) for name in wanted]
    threads = AskingOnce(world) if timeout == 0 else HealthThreads(world)
    try:
        return _wait(world, services, goal, timeout, threads)
    finally:
        threads.break_off()


def _wait(
    world: World, services: Sequence[Service], goal: Goal, timeout: float | None, threads: HealthThreads | AskingOnce
) -> list[Report]:
    began = world.monotonic()
    while True:
        snapshot, elapsed = take_snapshot(world, len(services)), world.monotonic() - began
        seen = [observe(service, world, snapshot, threads) for service in services]
        seen = _with_last_words(world, services, seen)
        reports = [
            _outcome(service, world, found, goal, elapsed >= _limit(service, goal, timeout))
            for service, found in zip(services, seen, strict=True)
        ]
        known = [report for report in reports if report is not None]
        if len(known) == len(reports) or any(report.code for report in known):
            return known
        world.progress(
            [_progress(each, goal, elapsed, timeout) for each, r in zip(services, reports, strict=True) if not r]
        )
        world.sleep(pause_after(elapsed))


def _with_last_words(world: World, services: Sequence[Service], seen: Sequence[Observation]) -> list[Observation]:
    """The same, with what those that have crashed printed last; of those that have completed it is in their logs."""
    found = [(service, each, state(service, each)) for service, each in zip(services, seen, strict=True)]
    await_last_words(world, [(service, each) for service, each, name in found if name in ("crashed", "completed")])
    return [
        replace(each, last_output=last_output(service, world, each)) if name == "crashed" else each
        for service, each, name in found
    ]


def _limit(service: Service, goal: Goal, timeout: float | None) -> float:
    if timeout is not None:
        return timeout
    return service.stop_timeout if goal == "stopped" else service.startup_timeout


def _outcome(service: Service, world: World, seen: Observation, goal: Goal, is_late: bool) -> Report | None:
    """The report once there is nothing more to wait for, else None."""
    word = state(service, seen)
    report = replace(outcomes.report(service, world.workspace, seen), changed=False)
    if word in REACHED[goal]:
        return replace(report, code=0)
    if goal != "stopped" and word in STATES_NOT_RUNNING:
        return _never(service, world, report)
    if not is_late:
        return None
    why = (report.error or "").removeprefix("not healthy: ") or (seen.answer.detail if seen.answer else f"it is {word}")
    return replace(
        report,
        code=1,
        error=f"not {goal} in time: {why}",
        hint=report.hint or command(service, "logs", world.workspace.typed),
    )


def _never(service: Service, world: World, report: Report) -> Report:
    """It does not run: it has failed, or there is nothing to wait for."""
    if report.state == "stopped":
        start = command(service, "start", world.workspace.typed)
        return replace(report, code=3, error="it is not running, and nothing starts it", hint=start)
    return replace(report, code=1)


def _progress(service: Service, goal: Goal, elapsed: float, timeout: float | None) -> Progress:
    return Progress(service, f"not {goal} yet", elapsed, _limit(service, goal, timeout))
