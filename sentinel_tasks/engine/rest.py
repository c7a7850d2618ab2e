"""The time between two looks of a start: until the next one is due, or something shows that it is worth its while."""

from __future__ import annotations

from collections.abc import Sequence

from ..decisions.pause import LONGEST, pause_after
from ..model import HEALTH_KINDS, HEALTH_ON_RECORD, UP_AFTER, Observation, Service
from ..world import World


def rest(world: World, waiting: Sequence[tuple[Service, Observation]], waited: float) -> None:
    """Returns when the next look is due, after having waited for so many seconds.

    Where all that run only have to listen, to end, to tell that they are ready or to stay up, that is once one of them
    does: to see so takes a hundredth of a look. Those that do not run yet wait for one of them.
    """
    began, pause = world.monotonic(), pause_after(waited)
    running = [(service, seen) for service, seen in waiting if seen.alive]
    world.sleep(pause)
    if running and all(_is_silent(service, seen) for service, seen in running):
        end = min(began + LONGEST, *(_up_at(service, seen, began) for service, seen in running))
        while (left := end - world.monotonic()) > 0 and not any(_has_news(world, *each) for each in running):
            world.sleep(min(pause, left))


def _is_silent(service: Service, seen: Observation) -> bool:
    """True for one that listens nowhere, if its health can't pass before it does, or before its record tells more."""
    kind = service.health.kind
    waits = kind in HEALTH_ON_RECORD or (HEALTH_KINDS[kind].needs_listener and bool(seen.port))
    return waits and not (seen.open_at or seen.elsewhere) and seen.ending_for is None


def _up_at(service: Service, seen: Observation, now: float) -> float:
    """When it has been up for long enough, if that is its health."""
    return now + UP_AFTER - seen.age if service.health.kind == "up" else float("inf")


def _has_news(world: World, service: Service, seen: Observation) -> bool:
    if seen.port is not None and world.ports.open_addresses(seen.port):
        return True
    if seen.launcher is None or not world.processes.is_alive(seen.launcher.identity):
        return True
    run = world.state_of(seen.state_folder).run(service.name)  # its launcher lives on for a moment after its end
    return run != seen.run if run is not None else bool(seen.run)
