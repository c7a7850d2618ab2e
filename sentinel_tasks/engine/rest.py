"""The time between two looks of a start: until the next one is due, or something shows that it is worth its while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

from ..decisions.pause import LONGEST, pause_after
from ..model import HEALTH_KINDS, UP_AFTER, Observation, Run, Service
from ..observation.health_threads import HealthThreads
from ..world import World

SELDOM = 2.0
"""Seconds between two looks at services of which a look tells nothing that their records do not."""

NEWS = attrgetter(
    "launch", "asked", "ended", "next_start", "restarts", "error", "cause", "backgrounded", "ready", "status",
    "extended", "reacted",
)  # fmt: skip

Waiting = Sequence[tuple[Service, Observation]]


class Rest:
    """Waits for one start. `show` is called now and then, for whoever watches."""

    def __init__(self, world: World, threads: HealthThreads, show: Callable[[], object]) -> None:
        self._world, self._threads, self._show = world, threads, show
        self._log_ends: dict[str, object] = {}
        self._runs: dict[str, tuple[object, Run | None]] = {}

    def note_logs(self, services: Iterable[Service], folder: str = "") -> None:
        """What these services print from now on is news."""
        state = self._world.state_of(folder)
        logged = [each.name for each in services if each.health.kind == "log"]
        self._log_ends.update((name, self._world.logs.end(state.log_path(name))) for name in logged)

    def until_news(self, waiting: Waiting, waited: float, deadline: float = float("inf")) -> None:
        """Returns when the next look is due, after having waited for so many seconds, or at the deadline.

        Where all that run only have to listen, to end, to tell that they are ready, to print it or to stay up, that is
        once one of them does: to see so takes a hundredth of a look. Those that do not run yet wait for one of them.
        """
        began = self._world.monotonic()
        running = [(service, seen) for service, seen in waiting if seen.alive]
        self._world.sleep(pause_after(waited))
        if running and all(self._is_silent(service, seen) for service, seen in running):
            are_on_record = len(running) == len(waiting) and all(map(_is_on_record, running))
            self._wait(running, began, waited, min(deadline, began + (SELDOM if are_on_record else LONGEST)))
        for service, seen in running:
            self.note_logs([service], seen.state_folder)

    def _wait(self, running: Waiting, began: float, waited: float, end: float) -> None:
        world, shown = self._world, began
        self._runs = {service.name: ("not read yet", seen.run) for service, seen in running}
        while not any(self._has_news(service, seen) for service, seen in running):
            now = world.monotonic()
            left = min(end, *(self._up_at(service, now) for service, _ in running)) - now
            if left <= 0:
                break
            if now - shown >= LONGEST:
                shown = now
                self._show()
            world.sleep(min(pause_after(waited + now - began), left))

    def _is_silent(self, service: Service, seen: Observation) -> bool:
        """True for one that listens nowhere, if its health can't pass before it does, or before it tells more."""
        kind = HEALTH_KINDS[service.health.kind]
        waits = kind.told_by == "record" or (kind.needs_listener and bool(seen.port))
        if kind.told_by == "log" and not service.health.interval:
            waits = not self._threads.is_asking(service)
        return waits and not (seen.open_at or seen.elsewhere) and seen.ending_for is None

    def _up_at(self, service: Service, now: float) -> float:
        """When it has been up for long enough, if that is its health."""
        run = self._runs[service.name][1]
        if service.health.kind != "up" or run is None or run.started is None:
            return float("inf")
        return now + UP_AFTER - (self._world.now() - run.started)

    def _has_news(self, service: Service, seen: Observation) -> bool:
        if seen.port is not None and self._world.ports.open_addresses(seen.port):
            return True
        if seen.launcher is None or not self._world.processes.is_alive(seen.launcher.identity):
            return True
        return self._has_printed(service, seen) or self._is_told_otherwise(service, seen)

    def _has_printed(self, service: Service, seen: Observation) -> bool:
        if service.health.kind != "log":
            return False
        return self._world.logs.end(self._world.log_path(service, seen)) != self._log_ends.get(service.name)

    def _is_told_otherwise(self, service: Service, seen: Observation) -> bool:
        """By its record: its launcher lives on for a moment after its end."""
        state, (version, run) = self._world.state_of(seen.state_folder), self._runs[service.name]
        if (now := state.record_version(service.name)) != version:
            self._runs[service.name] = now, (run := state.run(service.name))
        return _told(run) != _told(seen.run)


def _is_on_record(waiting: tuple[Service, Observation]) -> bool:
    service, seen = waiting
    return HEALTH_KINDS[service.health.kind].told_by == "record" and not seen.port


def _told(run: Run | None) -> object:
    """What is news in a record: neither which processes the service has, nor what it was told when it began."""
    return run and NEWS(run)
