"""Stop: ask as C-c would, then more firmly, and say so only when every process and the port are gone (SPEC §5)."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .. import processes
from ..model import Identity, Observation, Pane, Progress, Report, Service
from ..plan import Blow, blows, gives_up_after, order
from ..world import World
from . import tell
from .observe import Scene, observe, scene
from .start import refuse_inside

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.1
LOG_SECONDS = 1.0


@dataclass
class Ending:
    """One service on its way down: whom it takes with it, and what was sent."""

    service: Service
    pane: Pane | None
    began: float | None
    family: set[Identity]
    main: Identity | None
    ended_after: float | None = None
    sent: int = 0
    report: Report | None = None
    notes: list[str] = field(default_factory=list)


class Stop:
    """One stop of some services, all at once; `run` is the loop."""

    def __init__(self, world: World, services: Sequence[Service]) -> None:
        self.world = world
        now = scene(world)
        self.first = {service.name: observe(service, world, now, lambda *_: None) for service in services}
        self.endings = [self._begin(service, now) for service in services]

    def _begin(self, service: Service, now: Scene) -> Ending:
        seen = self.first[service.name]
        pane = seen.pane if seen.alive else None
        family = set(processes.tree(pane.pid)) if pane else set()
        family |= self._strays(service, now)
        main = next((who for who in family if seen.run and who.pid == seen.run.pid), None)
        return Ending(service, pane, None, family, main)

    def _strays(self, service: Service, now: Scene) -> set[Identity]:
        own = pane.pid if (pane := self.first[service.name].pane) else 0
        panes = [pane.pid for pane in now.panes if not pane.dead and pane.pid != own]
        found = processes.strays(self.world.workspace.path, service.name, panes)
        return {who for stray in found for who in processes.tree(stray.pid)}

    def run(self) -> list[Report]:
        """Each service's report, once all have ended or would not."""
        began = self.world.monotonic()
        while True:
            for ending in self.endings:
                if ending.report is None:
                    self._turn(ending)
            waiting = [ending for ending in self.endings if ending.report is None]
            if not waiting:
                return [ending.report for ending in self.endings if ending.report]
            self.world.progress([self._progress(ending) for ending in waiting])
            elapsed = self.world.monotonic() - began
            self.world.sleep(min(max(FIRST_PAUSE, elapsed * 0.1), LONGEST_PAUSE))

    def plan(self, ending: Ending) -> Report:
        """What would be ended, in this order."""
        seen = self.first[ending.service.name]
        pids = ", ".join(str(who.pid) for who in sorted(ending.family, key=lambda who: who.pid))
        notes = [f"would stop {ending.service.name}: pids {pids}"] if pids else []
        return tell.stopped(ending.service, self.world, seen, changed=False, notes=notes)

    def _may_begin(self, ending: Ending) -> bool:
        """True once every service that depends on this one has ended."""
        name = ending.service.name
        return all(other.report for other in self.endings if name in dict(other.service.depends_on))

    def _turn(self, ending: Ending) -> None:
        if ending.began is None and self._may_begin(ending):
            ending.began = self.world.monotonic()
        if ending.began is not None:
            self._press(ending, self.world.monotonic() - ending.began)

    def _press(self, ending: Ending, elapsed: float) -> None:
        ending.family |= {who for each in list(ending.family) for who in processes.tree(each.pid)}
        living = {who for who in ending.family if processes.is_alive(who)}
        if not living:
            self._finish(ending, changed=bool(ending.family))
        elif elapsed > gives_up_after(ending.service.stop_timeout):
            seen = self.first[ending.service.name]
            pids = sorted(who.pid for who in living)
            ending.report = tell.would_not_stop(ending.service, self.world, seen, pids)
        else:
            if ending.ended_after is None and ending.main not in living:
                ending.ended_after = elapsed
            self._strike(ending, living, elapsed)

    def _strike(self, ending: Ending, living: set[Identity], elapsed: float) -> None:
        due = blows(ending.service.stop_timeout, ending.ended_after)
        while ending.sent < len(due) and elapsed >= due[ending.sent][0]:
            self._send(ending, living, due[ending.sent][1])
            ending.sent += 1

    def _send(self, ending: Ending, living: set[Identity], blow: Blow) -> None:
        whom = living
        if blow.whom == "foreground":
            foreground = set(processes.foreground(ending.pane.pid)) if ending.pane else living
            whom = (foreground & living) or living
        elif blow.whom == "service" and ending.pane:
            whom = {who for who in living if who.pid != ending.pane.pid} or living
        for who in sorted(whom, key=lambda each: each.pid, reverse=True):
            self.world.echo(f"kill -{blow.signal.removeprefix('SIG')} {who.pid}")
            processes.send(who, signal.Signals[blow.signal])
            processes.resume(who)
        if blow.signal != "SIGINT":
            ending.notes.append(
                f"it needed {blow.signal}: {', '.join(str(who.pid) for who in sorted(whom, key=lambda w: w.pid))}"
            )

    def _finish(self, ending: Ending, changed: bool) -> None:
        """The processes are gone; look whether the port is, and let the log be written to its end."""
        late = self._late_strays(ending)
        if late:
            ending.family |= late
            return
        seen = self._after(ending)
        notes = [*ending.notes, *_left_on_port(seen, self.world)]
        ending.report = tell.stopped(ending.service, self.world, seen, changed, notes)

    def _late_strays(self, ending: Ending) -> set[Identity]:
        """Whoever slipped away between two looks carries the mark."""
        return self._strays(ending.service, scene(self.world)) if ending.family else set()

    def _after(self, ending: Ending) -> Observation:
        deadline = self.world.monotonic() + LOG_SECONDS
        while self.world.state.is_log_open(ending.service.name) and self.world.monotonic() < deadline:
            self.world.sleep(FIRST_PAUSE)
        return observe(ending.service, self.world, scene(self.world), lambda *_: None)

    def _progress(self, ending: Ending) -> Progress:
        elapsed = self.world.monotonic() - (ending.began or self.world.monotonic())
        return Progress(ending.service, "stopping", elapsed, gives_up_after(ending.service.stop_timeout))


def _left_on_port(seen: Observation, world: World) -> list[str]:
    others = [holder for holder in seen.holders if holder.relation != "ours"]
    return [f"port {seen.port} is still held by {tell.who(holder, world)}; left alone" for holder in others]


def stop(world: World, wanted: Iterable[str], dry: bool = False) -> list[Report]:
    """Every wanted service ended, with all its processes, its port free; or reported with what is left.

    Those that depend on others end before them. With `dry` nothing is ended, and the reports say what would be.
    """
    refuse_inside(world, wanted := list(wanted))
    services = order(world.workspace.service(name) for name in wanted)
    run = Stop(world, services[::-1])
    if dry:
        return [run.plan(ending) for ending in run.endings]
    try:
        return run.run()
    except KeyboardInterrupt as reason:
        raise tell.interrupted([ending.service for ending in run.endings if ending.report is None]) from reason
