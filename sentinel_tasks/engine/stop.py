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
from ..lineage.process import Process
from ..lineage.reach import Claim
from ..model import Identity, Observation, Pane, Progress, Report, Service, Workspace, identity_of
from ..observation.observe import observe
from ..observation.process_table import ProcessTable
from ..observation.snapshot import take_snapshot
from ..observation.unconfigured import unconfigured
from ..world import World
from . import outcomes
from .record_ends import note_killed_launchers, note_stopped
from .signals import kill, send
from .start import refuse_inside

LOG_SECONDS = 1.0


class Ending(Struct):
    """One service on its way down: its launcher, all of its processes that were seen, and what was sent.

    `main` are those whose end begins the end of the others.
    """

    service: Service
    pane: Pane | None
    launcher: Identity | None
    known: set[Identity]
    main: frozenset[Identity]
    began: float | None = None
    ended_after: float | None = None
    sent: int = 0
    killed: set[Identity] = field(default_factory=set)
    spared: frozenset[Identity] = frozenset()
    over: bool = False
    left: list[Process] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def escalation(self) -> Escalation:
        """The signal steps of this stop, as far as it has come."""
        return stop_of_a_service(self.service.stop_timeout, self.ended_after)

    def spares(self, process: Process) -> bool:
        """True for what has left the terminal's session, where that may be left (contract: Configuration)."""
        if self.service.detached != "leave" or self.launcher is None:
            return False
        return process.session != self.launcher.pid


class Stop:
    """One stop of some services, all at once; `run` is the loop."""

    def __init__(self, world: World, services: Sequence[Service], and_unconfigured: bool) -> None:
        self.world = world
        self.snapshot = take_snapshot(world, len(services))
        services = [*(unconfigured(world, self.snapshot.panes) if and_unconfigured else []), *services]
        self.first = {service.name: observe(service, world, self.snapshot, lambda *_: None) for service in services}
        self.endings = [self._begin(service) for service in services]

    def _begin(self, service: Service) -> Ending:
        seen = self.first[service.name]
        launcher = seen.launcher.identity if seen.launcher else None
        known = {*map(identity_of, seen.family), *_orphans(seen), *([launcher] if launcher else [])}
        return Ending(service, seen.pane, launcher, known, _main(seen))

    def run(self) -> list[Report]:
        """Each service's report, once all have ended or would not."""
        began = self.world.monotonic()
        note_killed_launchers(self.world, ((each.service, self.first[each.service.name]) for each in self.endings))
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
        notes = [f"would stop {ending.service.name}: pids {_pids(ending.known)}"] if ending.known else []
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
        below = [each for who in ending.known for each in table.family(who)]
        ending.spared = frozenset(identity_of(each) for each in below if ending.spares(each))
        living = {each.pid: each for each in below if not ending.spares(each)}
        ending.known |= {*map(identity_of, living.values())}
        if ending.ended_after is None and ending.main.isdisjoint(map(identity_of, living.values())):
            ending.ended_after = elapsed
        ending.left = sorted(living.values())
        ending.over = not living or ending.escalation.is_hopeless(elapsed)
        if not ending.over:
            self._send_due_signals(ending, elapsed)

    def _send_due_signals(self, ending: Ending, elapsed: float) -> None:
        for step in ending.escalation.due(elapsed, ending.sent):
            self._send(ending, step)
            ending.sent += 1
        newborn, steps = {*map(identity_of, ending.left)} - ending.killed, ending.escalation.steps
        if ending.sent == len(steps) and newborn:
            self._send(ending, steps[-1], frozenset(ending.killed))

    def _send(self, ending: Ending, step: SignalStep, spared: frozenset[Identity] = frozenset()) -> None:
        living = frozenset(map(identity_of, ending.left))
        launcher = living & {ending.launcher}
        claim = Claim(launchers=launcher, orphans=living - launcher)
        if step.signal == "SIGKILL":
            spared = launcher if step.whom == "service" else spared
            reached = kill(self.world, claim, spared | ending.spared)
            ending.killed |= {*reached}
        elif step.signal == "SIGTERM":
            reached = send(self.world, claim, sorted(living - launcher or launcher), signal.SIGTERM)
        else:  # the launcher must know before its child ends
            reached = send(self.world, claim, [*launcher, *sorted(self._in_foreground(ending))], signal.SIGINT)
        if step.signal != "SIGINT" and reached:
            ending.notes.append(f"it needed {step.signal}: {_pids(reached)}")

    def _in_foreground(self, ending: Ending) -> set[Identity]:
        """Whom C-c would reach besides the launcher; all that live rather than nobody.

        A service that went into the background is asked by its launcher: a second SIGINT may break off its end.
        """
        run = self.first[ending.service.name].run
        launcher = next((each for each in ending.left if identity_of(each) == ending.launcher), None)
        if launcher is not None and run is not None and run.backgrounded:
            return set()
        others = [each for each in ending.left if each != launcher]
        group = [each for each in others if launcher is not None and each.group == launcher.foreground]
        return {*map(identity_of, group or others)}

    def _find_late(self) -> bool:
        """True if something slipped away between two looks: it carries the tags, and is ended as firmly."""
        if not any(ending.known and not ending.left for ending in self.endings):
            return False
        self.snapshot = take_snapshot(self.world, len(self.endings))
        late = [ending for ending in self.endings if not ending.left and self._has_left(ending)]
        for ending in late:
            ending.over = self._is_too_late(ending)
            ending.left = ending.left if ending.over else []
        return not all(ending.over for ending in late)

    def _has_left(self, ending: Ending) -> bool:
        table = self.snapshot.process_table
        orphans = _orphans(observe(ending.service, self.world, self.snapshot, lambda *_: None))
        ending.known |= orphans
        ending.left = sorted(each for who in orphans for each in table.family(who))
        return bool(orphans)

    def _is_too_late(self, ending: Ending) -> bool:
        """A service that leaves new processes behind as fast as they are ended is reported, not chased for ever."""
        began = ending.began or self.world.monotonic()
        return ending.escalation.is_hopeless(self.world.monotonic() - began)

    def _reports(self) -> list[Report]:
        """The processes are gone: let the logs be written to their ends, then look whether the ports are free."""
        ended = [ending.service for ending in self.endings if ending.known and not ending.left]
        logs = [self.world.log_of(service, self.first[service.name]) for service in ended]
        began = self.world.monotonic()
        while any(map(self.world.is_being_written, logs)) and (elapsed := self.world.monotonic() - began) < LOG_SECONDS:
            self.world.sleep(pause_after(elapsed))
        for service in ended:
            note_stopped(self.world, service, self.first[service.name])
        snapshot = take_snapshot(self.world, len(self.endings))
        return [
            self._report(ending, observe(ending.service, self.world, snapshot, lambda *_: None))
            for ending in self.endings
        ]

    def _report(self, ending: Ending, seen: Observation) -> Report:
        if ending.left:
            return self._would_not_stop(ending, seen)
        ran_there = seen.port == self.first[ending.service.name].port
        notes = [*ending.notes, *(_left_on_port(seen, self.world.workspace) if ran_there else [])]
        return outcomes.stopped(ending.service, self.world.workspace, seen, bool(ending.known), notes)

    def _would_not_stop(self, ending: Ending, seen: Observation) -> Report:
        user = self.world.processes.caller().uid
        killed = [each.pid for each in ending.left if each.uid == user]
        others = [self.world.processes.describe(each, "") for each in ending.left if each.uid != user]
        return outcomes.would_not_stop(ending.service, self.world.workspace, seen, killed, others)

    def _progress(self, ending: Ending) -> Progress:
        elapsed = self.world.monotonic() - (ending.began or self.world.monotonic())
        return Progress(ending.service, "stopping", elapsed, ending.escalation.gives_up_after)


def _orphans(seen: Observation) -> set[Identity]:
    return {who for holder in seen.orphans if (who := holder.listener.identity)}


def _main(seen: Observation) -> frozenset[Identity]:
    """The service's own process; what is left of it where that has ended."""
    pid, family = seen.run.pid if seen.run else None, {*map(identity_of, seen.family), *_orphans(seen)}
    return frozenset(who for who in family if who.pid == pid)


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
