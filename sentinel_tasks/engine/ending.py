"""One service on its way down: which of its processes live, and the signals that are due to them.

Contract: Stop and logs, Escalation.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable
from contextlib import suppress
from operator import attrgetter

from msgspec import Struct, field

from ..decisions.decide import is_ending
from ..decisions.escalation import Escalation, SignalStep, stop_of_a_service
from ..errors import TmuxRefused
from ..lineage.process import Process
from ..lineage.reach import ROOT, Claim
from ..lineage.table import CLIENT
from ..model import Identity, Observation, Service, identity_of
from ..observation.process_table import ProcessTable
from ..world import World
from .signals import kill, send


class Ending(Struct):
    """What was seen of a service first, all of its processes that were seen since, and what was sent to them.

    `lineage` are those of them that are or were below a launcher, as this task saw or the launcher recorded.
    `left` are those that live as of the last look, without those that are `spared`; `ended_after` is when the service's
    own process was gone.
    """

    service: Service
    first: Observation
    known: set[Identity]
    lineage: set[Identity]
    began: float | None = None
    ended_after: float | None = None
    sent: int = 0
    killed: set[Identity] = field(default_factory=set)
    over: bool = False
    left: list[Process] = field(default_factory=list)
    spared: frozenset[Identity] = frozenset()
    notes: list[str] = field(default_factory=list)

    @property
    def escalation(self) -> Escalation:
        """The signal steps of this stop, as far as it has come."""
        service = self.service
        has_hooks = bool(launchers_of(self.first) and service.hooks)
        return stop_of_a_service(service.stop_timeout, self.ended_after, service.stop_signal, has_hooks)

    @property
    def killed_all(self) -> bool:
        """True once every step was taken, however late."""
        return self.sent == len(self.escalation.steps)

    def begin(self, now: float) -> None:
        """From now on signals are due; earlier ones, if it was asked to end already.

        Many a program breaks off a graceful end at a second C-c.
        """
        since = self.first.ending_for or 0.0 if is_ending(self.service, self.first) else 0.0
        self.began, self.sent = now - since, 1 if since else 0

    def advance(self, world: World, table: ProcessTable) -> None:
        """Sees who is left, and sends what is due."""
        elapsed = world.monotonic() - (self.began or 0.0)
        living = {each.pid: each for who in self.known for each in table.family(who)}
        self.spared = frozenset(identity_of(each) for each in living.values() if self._spares(each))
        left = (each for each in living.values() if identity_of(each) not in self.spared)
        self.left = sorted(left, key=attrgetter("pid"))
        self.known |= {*map(identity_of, self.left)}
        self.lineage |= {identity_of(each) for who in self.lineage for each in table.family(who)}
        if self.ended_after is None and _main(self.first).isdisjoint(map(identity_of, self.left)):
            self.ended_after = elapsed
        self.over = not self.left or (self.killed_all and self.escalation.is_hopeless(elapsed))
        if not self.over:
            self._send_due_signals(world, elapsed)

    def _spares(self, process: Process) -> bool:
        """True for what has left the terminal's session, where that may be left (contract: Configuration)."""
        launcher = self.first.launcher
        return self.service.detached == "leave" and launcher is not None and process.session != launcher.identity.pid

    def _send_due_signals(self, world: World, elapsed: float) -> None:
        if step := self.escalation.due(elapsed, self.sent):
            self._send(world, step)
            self.sent += 1
            self.began = world.monotonic() - step.after
        newborn, steps = {*map(identity_of, self.left)} - self.killed, self.escalation.steps
        if self.killed_all and newborn:
            self._send(world, steps[-1], frozenset(self.killed))

    def _send(self, world: World, step: SignalStep, spared: frozenset[Identity] = frozenset()) -> None:
        living = frozenset(map(identity_of, self.left))
        launchers = living & launchers_of(self.first)
        claim = Claim(launchers=launchers, orphans=living - launchers, recorded=frozenset(self.lineage))
        if step.signal == "SIGKILL":
            reached = kill(world, claim, (launchers if step.whom == "service" else spared) | self.spared)
            self.killed |= {*reached}
        elif step.whom == "foreground":
            reached = self._ask(world, claim, signal.Signals[step.signal])
        else:
            reached = send(world, claim, sorted(living - launchers - self._clients()), signal.SIGTERM)
        if step.whom != "foreground" and reached:
            self.notes.append(f"it needed {step.signal}: {pids_of(reached)}")

    def _clients(self) -> set[Identity]:
        """Those by which a launcher tells tmux how the service ended."""
        pids = {launcher.pid for launcher in launchers_of(self.first)}
        return {identity_of(each) for each in self.left if each.name == CLIENT and each.parent in pids}

    def _ask(self, world: World, claim: Claim, number: signal.Signals) -> list[Identity]:
        """The launcher first: it must know before its child ends. What no signal of ours reaches gets C-c typed."""
        living, user = {*map(identity_of, self.left)}, world.processes.caller().uid
        launchers = sorted(living & launchers_of(self.first))
        reached = send(world, claim, launchers, signal.SIGINT)
        if reached and self._has_a_command():
            return reached
        is_beyond_us = user != ROOT and any(each.uid != user for each in self.left)
        if is_beyond_us and launchers and self.first.pane is not None:
            with suppress(TmuxRefused):  # the window was closed meanwhile
                world.tmux.interrupt(self.first.pane)
            return reached
        return [*reached, *send(world, claim, sorted(self._in_foreground()), number)]

    def _has_a_command(self) -> bool:
        """True if the launcher itself asks the service to end, by the command that it was started with."""
        return self.service.stop_command is not None and "stop_command" not in (self.first.changes or ())

    def _in_foreground(self) -> set[Identity]:
        """Whom C-c would reach besides the launchers; all that live rather than nobody.

        A service that went into the background is asked by its launcher: a second SIGINT may break off its end. Of one
        that has ended by itself a launcher that lives on has hooks told.
        """
        launchers = [each for each in self.left if identity_of(each) in launchers_of(self.first)]
        is_over = self.first.run is not None and self.first.run.is_over and bool(self.service.hooks)
        if launchers and (self.first.background or is_over):
            return set()
        others = [each for each in self.left if each not in launchers]
        group = [each for each in others if each.group in {launcher.foreground for launcher in launchers}]
        return {*map(identity_of, group or others)}


def launchers_of(seen: Observation) -> frozenset[Identity]:
    """Every launcher that runs the service, as a rule one."""
    return frozenset([*([seen.launcher.identity] if seen.launcher else []), *seen.twins])


def orphans_of(seen: Observation) -> set[Identity]:
    """What runs of the service below no launcher."""
    return {who for holder in seen.orphans if (who := holder.listener.identity)}


def beginning(service: Service, seen: Observation) -> Ending:
    """The end of a service of which this was seen; nothing is sent yet."""
    below = {*launchers_of(seen), *map(identity_of, seen.family)}
    return Ending(service, seen, {*below, *orphans_of(seen)}, {*below, *seen.recorded})


def pids_of(whom: Iterable[Identity]) -> str:
    """Their pids, in order."""
    return ", ".join(str(pid) for pid in sorted(who.pid for who in whom))


def _main(seen: Observation) -> frozenset[Identity]:
    """The processes whose end begins the end of all others: the service's own, or what it left in its place."""
    pid = seen.run.pid if seen.run else None
    left = {who for who in orphans_of(seen) if who.pid == pid}
    return frozenset([*left, *([identity_of(seen.main)] if seen.main else [])])
