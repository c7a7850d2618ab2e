"""The time between two looks of a start: until the next one is due, or something shows that it is worth its while."""

from __future__ import annotations

from collections.abc import Sequence

from ..decisions.pause import LONGEST, pause_after
from ..model import HEALTH_KINDS, Observation, Service
from ..world import World


def rest(world: World, waiting: Sequence[tuple[Service, Observation]], waited: float) -> None:
    """Returns when the next look is due, after having waited for so many seconds.

    Where all that run only have to listen, that is once one of them does, or has ended: to see so takes a hundredth of
    a look. Those that do not run yet wait for one of them.
    """
    end, pause = world.monotonic() + LONGEST, pause_after(waited)
    running = [(service, seen) for service, seen in waiting if seen.alive]
    world.sleep(pause)
    if running and all(_is_silent(service, seen) for service, seen in running):
        while world.monotonic() + pause <= end and not any(_has_news(world, *each) for each in running):
            world.sleep(pause)


def _is_silent(service: Service, seen: Observation) -> bool:
    """True for one that listens nowhere, if its health can't pass before it does."""
    needs_listener = HEALTH_KINDS[service.health.kind].needs_listener
    return needs_listener and bool(seen.port) and not (seen.open_at or seen.elsewhere) and seen.ending_for is None


def _has_news(world: World, service: Service, seen: Observation) -> bool:
    if seen.port is not None and world.ports.open_addresses(seen.port):
        return True
    if seen.launcher is None or not world.processes.is_alive(seen.launcher.identity):
        return True
    run = world.state_of(seen.state_folder).run(service.name)  # its launcher lives on for a moment after its end
    return run is not None and run.ended is not None
