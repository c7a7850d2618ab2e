"""Stop: ask as C-c would, then more firmly, and say so only when every process and the port are gone.

Contract: Stop and logs.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ..decisions.decide import is_ending
from ..decisions.dependencies import order
from ..decisions.escalation import Escalation, SignalStep, stop_of_a_service
from ..decisions.pause import pause_after
from ..model import Identity, Observation, Pane, Progress, Report, Service, Workspace
from ..observation.observe import observe
from ..observation.process_table import ProcessTable
from ..observation.snapshot import take_snapshot
from ..observation.unconfigured import unconfigured
from ..world import World
from . import outcomes
from .signals import send
from .start import refuse_inside

LOG_SECONDS = 1.0


class Ending(Struct):
    """One service on its way down: whom it takes with it, and what was sent."""

    service: Service
    pane: Pane | None
    began: float | None
    family: set[Identity]
    main: Identity | None
    ended_after: float | None = None
    sent: int = 0
    killed: set[Identity] = field(default_factory=set)
    over: bool = False
    left: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def escalation(self) -> Escalation:
        """The signal steps of this stop, as far as it has come."""
        return stop_of_a_service(self.service.stop_timeout, self.ended_after)


class Stop:
    """One stop of some services, all at once; `run` is the loop."""

    def __init__(self, world: World, services: Sequence[Service], and_unconfigured: bool) -> None:
        self.world = world
        self.snapshot = take_snapshot(world, len(services))
        services = [*(unconfigured(world, self.snapshot.panes) if and_unconfigured else []), *services]
        self.first = {service.name: observe(service, world, self.snapshot, lambda *_: None) for service in services}
        strays = self._strays()
        self.endings = [self._begin(service, strays.get(service.name, set())) for service in services]

    def _begin(self, service: Service, strays: set[Identity]) -> Ending:
        seen = self.first[service.name]
        pane = seen.pane if seen.alive else None
        family = strays | (set(self.snapshot.process_table.tree(pane.pid)) if pane else set())
        main = next((who for who in family if seen.run and who.pid == seen.run.pid), None)
        return Ending(service, pane, None, family, main)

    def _strays(self) -> dict[str, set[Identity]]:
        """What left its window and still carries a mark, with all that it started, by service."""
        found = self.world.processes.strays(self.world.workspace.path, self.snapshot.panes)
        tree = self.snapshot.process_table.tree
        return {name: {who for each in strays for who in (each, *tree(each.pid))} for name, strays in found.items()}

    def run(self) -> list[Report]:
        """Each service's report, once all have ended or would not."""
        began = self.world.monotonic()
        while not all(ending.over for ending in self.endings) or self._find_late():
            table = ProcessTable(self.world)
            for ending in self.endings:
                self._turn(ending, table)
            waiting = [self._progress(ending) for ending in self.endings if not ending.over]
            if waiting:
                self.world.progress(waiting)
                self.world.sleep(pause_after(self.world.monotonic() - began))
        return self._reports()

    def plan(self, ending: Ending) -> Report:
        """What would be ended, in this order."""
        seen = self.first[ending.service.name]
        notes = [f"would stop {ending.service.name}: pids {_pids(ending.family)}"] if ending.family else []
        return replace(
            outcomes.started(ending.service, self.world.workspace, seen, changed=False), error=None, notes=tuple(notes)
        )

    def _may_begin(self, ending: Ending) -> bool:
        """True once every service that depends on this one has ended."""
        name = ending.service.name
        return all(other.over for other in self.endings if name in dict(other.service.depends_on))

    def _turn(self, ending: Ending, table: ProcessTable) -> None:
        if ending.began is None and self._may_begin(ending):
            since = self._since_asked(ending)
            ending.began = self.world.monotonic() - since
            ending.sent = 1 if since else 0
        if ending.began is not None and not ending.over:
            self._advance(ending, self.world.monotonic() - ending.began, table)

    def _since_asked(self, ending: Ending) -> float:
        """Seconds for which the service has been ending already: many break off a graceful end at a second C-c."""
        seen = self.first[ending.service.name]
        return seen.ending_for or 0.0 if is_ending(ending.service, seen) else 0.0

    def _advance(self, ending: Ending, elapsed: float, table: ProcessTable) -> None:
        living = {who for who in ending.family if self.world.processes.is_alive(who)}
        living |= {who for each in living for who in table.tree(each.pid)}
        ending.family |= living
        if ending.ended_after is None and ending.main not in living:
            ending.ended_after = elapsed
        ending.left = sorted(who.pid for who in living)
        ending.over = not living or ending.escalation.is_hopeless(elapsed)
        if not ending.over:
            self._send_due_signals(ending, living, elapsed)

    def _send_due_signals(self, ending: Ending, living: set[Identity], elapsed: float) -> None:
        for step in ending.escalation.due(elapsed, ending.sent):
            self._send(ending, living, step)
            ending.sent += 1
        newborn, steps = living - ending.killed, ending.escalation.steps
        if ending.sent == len(steps) and newborn:
            self._send(ending, newborn, steps[-1])

    def _send(self, ending: Ending, living: set[Identity], step: SignalStep) -> None:
        whom = self._whom(ending, living, step)
        launcher = ending.pane.pid if ending.pane else 0
        launcher_first = sorted(whom, key=lambda who: (who.pid != launcher, who.pid))
        for who in launcher_first:  # it must know before its child ends
            send(self.world, who, signal.Signals[step.signal])
        if step.signal == "SIGKILL":
            ending.killed |= whom
        if step.signal != "SIGINT":
            ending.notes.append(f"it needed {step.signal}: {_pids(whom)}")

    def _whom(self, ending: Ending, living: set[Identity], step: SignalStep) -> set[Identity]:
        """Those of the living that the signal step is meant for; all of them rather than nobody."""
        if ending.pane is None or step.whom == "all":
            return living
        if step.whom == "foreground":
            return (set(self.world.processes.foreground(ending.pane.pid)) & living) or living
        return {who for who in living if who.pid != ending.pane.pid} or living

    def _find_late(self) -> bool:
        """True if something slipped away between two looks: it carries the mark, and is ended as firmly."""
        if not any(ending.family and not ending.left for ending in self.endings):
            return False
        self.snapshot = take_snapshot(self.world, len(self.endings))
        strays = self._strays()
        late = [ending for ending in self.endings if strays.get(ending.service.name) and not ending.left]
        for ending in late:
            ending.family |= strays[ending.service.name]
            ending.over = self._is_too_late(ending)
            ending.left = sorted(who.pid for who in strays[ending.service.name]) if ending.over else []
        return not all(ending.over for ending in late)

    def _is_too_late(self, ending: Ending) -> bool:
        """A service that leaves new processes behind as fast as they are ended is reported, not chased for ever."""
        began = ending.began or self.world.monotonic()
        return ending.escalation.is_hopeless(self.world.monotonic() - began)

    def _reports(self) -> list[Report]:
        """The processes are gone: let the logs be written to their ends, then look whether the ports are free."""
        ended = [ending.service.name for ending in self.endings if ending.family and not ending.left]
        logs = [self.world.state_of(self.first[name].pane).log(name) for name in ended]
        began = self.world.monotonic()
        while any(map(self.world.is_being_written, logs)) and (elapsed := self.world.monotonic() - began) < LOG_SECONDS:
            self.world.sleep(pause_after(elapsed))
        snapshot = take_snapshot(self.world, len(self.endings))
        return [
            self._report(ending, observe(ending.service, self.world, snapshot, lambda *_: None))
            for ending in self.endings
        ]

    def _report(self, ending: Ending, seen: Observation) -> Report:
        if ending.left:
            return outcomes.would_not_stop(ending.service, self.world.workspace, seen, ending.left)
        ran_there = seen.port == self.first[ending.service.name].port
        notes = [*ending.notes, *(_left_on_port(seen, self.world.workspace) if ran_there else [])]
        return outcomes.stopped(ending.service, self.world.workspace, seen, bool(ending.family), notes)

    def _progress(self, ending: Ending) -> Progress:
        elapsed = self.world.monotonic() - (ending.began or self.world.monotonic())
        return Progress(ending.service, "stopping", elapsed, ending.escalation.gives_up_after)


def _pids(whom: Iterable[Identity]) -> str:
    return ", ".join(str(pid) for pid in sorted(who.pid for who in whom))


def _left_on_port(seen: Observation, workspace: Workspace) -> list[str]:
    others = [holder for holder in seen.holders if holder.relation != "ours"]
    return [f"port {seen.port} is still held by {outcomes.who(holder, workspace)}; left alone" for holder in others]


def stop(world: World, wanted: Iterable[str], dry: bool = False, and_unconfigured: bool = False) -> list[Report]:
    """Every wanted service ended, with all its processes, its port free; or reported with what is left.

    Those that depend on others end before them; `and_unconfigured` ends what the configuration names no more, too. With
    `dry` nothing is ended, and the reports say what would be.
    """
    refuse_inside(world, wanted := list(wanted))
    services = order(world.workspace.service(name) for name in wanted)
    run = Stop(world, services[::-1], and_unconfigured)
    if dry:
        return [run.plan(ending) for ending in run.endings]
    try:
        return run.run()
    except KeyboardInterrupt as reason:
        asked = [ending.service for ending in run.endings if ending.sent and not ending.over]
        left = [each.service for each in run.endings if not each.sent and not each.over]
        raise outcomes.stop_interrupted(world.workspace, asked, left) from reason
