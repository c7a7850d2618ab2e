"""The one gate: every signal that we send goes through here, to a process that may be reached, or nowhere."""

from __future__ import annotations

import os

from . import proc
from . import table as processes
from .reach import Caller, line_of, permitted, whole_groups
from .signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from .process import Process
    from .reach import Claim, Who

    Spares = Callable[[processes.Table], Collection[Who]]
    Groups = Callable[[processes.Table, Iterable[int]], Iterable[int]]

ROUNDS = 5
"""How often all processes are looked at for what goes on forking, before a KILL is left at that."""
CHASES = 50
"""How often after each of these looks only what is below is looked at: that is quick enough to catch what forks."""


def send(claim: Claim, asked: Iterable[Who], number: int) -> list[Who]:
    """Signals those that were asked for and may be reached under the claim; tells whom it really reached.

    A suspended one is let go on, so that it can answer. Whether a process may be reached is told by what is above it:
    a stop of hundreds of services does not look at all of them for each.
    """
    caller, asked = Caller(os.getpid(), os.getuid()), [*asked]
    may = permitted(processes.above([caller.pid, *(pid for pid, _ in asked)]), claim, caller)
    targets = [may[pid] for pid, ticks in asked if pid in may and may[pid].ticks == ticks]
    return [(each.pid, each.ticks) for each in targets if deliver(each, number)]


def kill(claim: Claim, spares: Spares = lambda _: (), reap: Callable[[], object] = lambda: None) -> list[Who]:
    """Ends all that may be reached under the claim, for good, but whom it spares as of a look; tells whom it reached.

    A launcher ends after all that is below it, and lives on above what can't be caught: what it left behind by a fork
    would be out of reach. Whoever is the parent of those that end has to `reap` them meanwhile, for otherwise each look
    at a chain of forks takes longer than the one before, and leaves more of them for the next.
    """
    hunt = Hunt(claim, reap)
    all_have_ended = hunt.end(lambda table: {*spares(table), *claim.launchers})
    if all_have_ended and any(who[0] != hunt.caller.pid for who in claim.launchers.difference(spares({}))):
        hunt.strike(processes.read(), spares, whole_groups)
    return [*hunt.reached]


class Hunt:
    """One KILL of what may go on forking meanwhile."""

    def __init__(self, claim: Claim, reap: Callable[[], object]) -> None:
        self.claim, self.reap = claim, reap
        self.caller = Caller(os.getpid(), os.getuid())
        self.above: processes.Table = {}
        self.reached: dict[Who, None] = {}

    def end(self, spares: Spares) -> bool:
        """Looks and strikes until a look has found nobody new; false if that was of no use."""
        for _ in range(ROUNDS):
            self.reap()
            table = processes.read()
            self.above = {pid: table[pid] for pid in line_of(table, self.caller.pid)}
            self.strike(table, spares, whole_groups)
            known: processes.Known = {**table}
            for _ in range(CHASES):
                self.reap()
                if not self._chase(known, spares):
                    return True
        return False

    def _chase(self, known: processes.Known, spares: Spares) -> bool:
        """Strikes each that has begun below since, before the next is looked at; true if one may go on from there.

        No process group is known to the last by that.
        """
        roots = [pid for pid, _ in (*self.claim.launchers, *self.claim.orphans, *self.claim.holders)]
        has_moved = False
        for line in processes.begun_below(roots, known):
            newest = next(iter(line.values()), None)
            is_gone = newest is None or not newest.is_alive
            has_moved |= self.strike({**self.above, **line}, spares) or is_gone
        return has_moved

    def strike(self, table: processes.Table, spares: Spares, groups: Groups = lambda *_: ()) -> bool:
        """Kills whoever is new; a group that is wholly to be ended at one blow, which nothing in it can fork out of."""
        may, spared = permitted(table, self.claim, self.caller), spares(table)
        wanted = {pid: each for pid, each in may.items() if (pid, each.ticks) not in spared}
        new = [each for each in wanted.values() if (each.pid, each.ticks) not in self.reached]
        ended = {group for group in groups(table, wanted) if _kill_group(group)} if new else ()
        launchers_last = sorted(new, key=lambda each: (each.pid, each.ticks) in self.claim.launchers)
        found = (each for each in launchers_last if each.group in ended or deliver(each, signal.SIGKILL))
        self.reached.update(dict.fromkeys((each.pid, each.ticks) for each in found))
        return bool(new)


def kill_own_group(claim: Claim) -> None:
    """Ends the caller's process group, the caller too, if all others in it may be reached under the claim.

    It is the last resort against what forks faster than it can be looked for.
    """
    table = processes.read()
    may = permitted(table, claim, Caller(os.getpid(), os.getuid()))
    if os.getpgrp() in whole_groups(table, {*may, os.getpid()}):
        _kill_group(os.getpgrp())


def _kill_group(group: int) -> bool:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def deliver(process: Process, number: int) -> bool:
    """True if this very process was signalled: where the system has handles of processes, no reused pid is hit."""
    try:
        handle = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return False
    try:
        now = proc.one(process.pid)
        if now is None or now.ticks != process.ticks or not now.is_alive:
            return False
        _signal(process.pid, handle, number)
        if now.is_suspended and number not in (signal.SIGSTOP, signal.SIGKILL, signal.SIGCONT):
            _signal(process.pid, handle, signal.SIGCONT)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


def _signal(pid: int, handle: int | None, number: int) -> None:
    if handle is None:
        os.kill(pid, number)
    else:
        signal.pidfd_send_signal(handle, number)
