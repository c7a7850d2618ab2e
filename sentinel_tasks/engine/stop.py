"""Stop: ask as C-c would, then more firmly, and say so only when every process and the port are gone.

Contract: Stop and logs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from operator import attrgetter

from msgspec.structs import replace

from ..decisions.dependencies import order
from ..decisions.pause import pause_after
from ..model import Observation, Progress, Report, Service, Workspace, identity_of
from ..observation.observe import observe
from ..observation.process_table import ProcessTable
from ..observation.snapshot import take_snapshot
from ..observation.unconfigured import unconfigured
from ..world import World
from . import outcomes
from .ending import Ending, beginning, orphans_of, pids_of
from .record_ends import note_killed_launchers, note_stopped
from .start import refuse_inside

LOG_SECONDS = 1.0
MANY, LEFT = 16, 3


class Stop:
    """One stop of some services, all at once; `run` is the loop."""

    def __init__(
        self, world: World, services: Sequence[Service], and_unconfigured: bool, left_of: Collection[str]
    ) -> None:
        self.world = world
        self.snapshot = take_snapshot(world, len(services))
        if and_unconfigured or left_of:
            panes, table = self.snapshot.panes, self.snapshot.process_table
            services = [*unconfigured(world, panes, table, None if and_unconfigured else left_of), *services]
        self.endings = [beginning(each, observe(each, world, self.snapshot, lambda *_: None)) for each in services]
        self.dependents: dict[str, list[Ending]] = {}
        for ending in self.endings:
            for name, _ in ending.service.depends_on:
                self.dependents.setdefault(name, []).append(ending)

    def run(self) -> list[Report]:
        """Each service's report, once all have ended or would not."""
        began = self.world.monotonic()
        note_killed_launchers(self.world, ((each.service, each.first) for each in self.endings))
        while not all(ending.over for ending in self.endings) or self._find_late():
            looked, table = self.world.monotonic(), self._look()
            spent = self.world.monotonic() - looked
            for ending in self.endings:
                self._turn(ending, table)
            waiting = [self._progress(ending) for ending in self.endings if not ending.over]
            if waiting:
                self.world.progress(waiting)
                self.world.sleep(max(pause_after(self.world.monotonic() - began), self._share(spent)))
        return self._reports()

    def _look(self) -> ProcessTable:
        """At all that is known to be theirs, and what is below it."""
        known = {who.pid for ending in self.endings if not ending.over for who in ending.known}
        return ProcessTable(self.world, len(self.endings), known)

    def _share(self, spent: float) -> float:
        """So many times as long as was spent on looking at many: their launchers need the processors to end."""
        return LEFT * spent if len(self.endings) > MANY else 0.0

    def plan(self, ending: Ending) -> Report:
        """What would be ended, in this order."""
        notes = [f"would stop {ending.service.name}: pids {pids_of(ending.known)}"] if ending.known else []
        told = outcomes.started(ending.service, self.world.workspace, ending.first, changed=False)
        return replace(told, error=None, notes=tuple(notes))

    def _may_begin(self, ending: Ending) -> bool:
        """True once every service that depends on this one has ended."""
        return all(other.over for other in self.dependents.get(ending.service.name, ()))

    def _turn(self, ending: Ending, table: ProcessTable) -> None:
        if ending.began is None and self._may_begin(ending):
            ending.begin(self.world.monotonic())
        if ending.began is not None and not ending.over:
            ending.advance(self.world, table)

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
        orphans = orphans_of(observe(ending.service, self.world, self.snapshot, lambda *_: None))
        ending.known |= orphans
        ending.left = sorted((each for who in orphans for each in table.family(who)), key=attrgetter("pid"))
        return bool(orphans)

    def _is_too_late(self, ending: Ending) -> bool:
        """A service that leaves new processes behind as fast as they are ended is reported, not chased for ever."""
        began = ending.began or self.world.monotonic()
        return ending.escalation.is_hopeless(self.world.monotonic() - began)

    def _reports(self) -> list[Report]:
        """The processes are gone: let the logs be written to their ends, then look whether the ports are free."""
        ended = [ending for ending in self.endings if ending.known and not ending.left]
        logs = [self.world.log_of(each.service, each.first) for each in ended]
        began = self.world.monotonic()
        while any(map(self.world.is_being_written, logs)) and (elapsed := self.world.monotonic() - began) < LOG_SECONDS:
            self.world.sleep(pause_after(elapsed))
        for each in ended:
            note_stopped(self.world, each.service, each.first)
        snapshot = take_snapshot(self.world, len(self.endings))
        return [
            self._report(ending, observe(ending.service, self.world, snapshot, lambda *_: None))
            for ending in self.endings
        ]

    def _report(self, ending: Ending, seen: Observation) -> Report:
        if ending.left:
            return self._would_not_stop(ending, seen)
        ran_there = seen.port == ending.first.port
        notes = [*ending.notes, *(_left_on_port(seen, self.world.workspace) if ran_there else [])]
        return outcomes.stopped(ending.service, self.world.workspace, seen, bool(ending.known), notes)

    def _would_not_stop(self, ending: Ending, seen: Observation) -> Report:
        user = self.world.processes.caller().uid
        killed = [each.pid for each in ending.left if each.uid == user or identity_of(each) in ending.killed]
        others = [self.world.processes.describe(each, "") for each in ending.left if each.pid not in killed]
        return outcomes.would_not_stop(ending.service, self.world.workspace, seen, killed, others)

    def _progress(self, ending: Ending) -> Progress:
        elapsed = self.world.monotonic() - (ending.began or self.world.monotonic())
        return Progress(ending.service, "stopping", elapsed, ending.escalation.gives_up_after)


def _left_on_port(seen: Observation, workspace: Workspace) -> list[str]:
    others = [holder for holder in seen.holders if holder.relation != "ours"]
    if not others:
        return []
    from .holders import who

    return [f"port {seen.port} is still held by {who(holder, workspace)}; left alone" for holder in others]


def stop(
    world: World,
    wanted: Iterable[str],
    dry: bool = False,
    and_unconfigured: bool = False,
    left_of: Collection[str] = (),
) -> list[Report]:
    """Every wanted service ended, with all its processes, its port free; or reported with what is left.

    Those that depend on others end before them; `and_unconfigured` ends what the configuration names no more, too,
    `left_of` of that only instances of these services. With `dry` nothing is ended, and the reports say what would be.
    """
    refuse_inside(world, wanted := list(wanted))
    services = order(world.workspace.service(name) for name in wanted)
    run = Stop(world, services[::-1], and_unconfigured, left_of)
    if dry:
        return [run.plan(ending) for ending in run.endings]
    try:
        return run.run()
    except KeyboardInterrupt as reason:
        asked = [ending.service for ending in run.endings if ending.sent and not ending.over]
        left = [each.service for each in run.endings if not each.sent and not each.over]
        raise outcomes.stop_interrupted(world.workspace, asked, left) from reason
