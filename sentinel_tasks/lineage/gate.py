"""The one gate: every signal that we send goes through here, to a process that may be reached, or nowhere."""

from __future__ import annotations

import os

from . import table as processes
from .reach import Caller, permitted, whole_groups
from .signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .process import Process
    from .reach import Claim, Who

ROUNDS = 20
"""How often what goes on forking is looked for again before a KILL is left at that."""


def send(claim: Claim, asked: Iterable[Who], number: int) -> list[Who]:
    """Signals those that were asked for and may be reached under the claim; tells whom it really reached.

    A suspended one is let go on, so that it can answer. Whether a process may be reached is told by what is above it:
    a stop of hundreds of services does not look at all of them for each.
    """
    caller, asked = Caller(os.getpid(), os.getuid()), [*asked]
    may = permitted(processes.above([caller.pid, *(pid for pid, _ in asked)]), claim, caller)
    targets = [may[pid] for pid, ticks in asked if pid in may and may[pid].ticks == ticks]
    return [(each.pid, each.ticks) for each in targets if _deliver(each, number)]


def kill(claim: Claim, spared: frozenset[Who] = frozenset()) -> list[Who]:
    """Ends all that may be reached under the claim but those that are spared, for good; tells whom it reached.

    A process group that is wholly to be ended is ended at one blow, for nothing in it can fork its way out of that.
    """
    reached: dict[Who, None] = {}
    for _ in range(ROUNDS):
        table = processes.read()
        may = permitted(table, claim, Caller(os.getpid(), os.getuid()))
        wanted = {pid: each for pid, each in may.items() if (pid, each.ticks) not in spared}
        new = [each for each in wanted.values() if (each.pid, each.ticks) not in reached]
        if not new:
            break
        ended = {group for group in whole_groups(table, wanted) if _kill_group(group)}
        launchers_last = sorted(new, key=lambda each: (each.pid, each.ticks) in claim.launchers)
        found = (each for each in launchers_last if each.group in ended or _deliver(each, signal.SIGKILL))
        reached.update(dict.fromkeys((each.pid, each.ticks) for each in found))
    return [*reached]


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


def _deliver(process: Process, number: int) -> bool:
    """True if this very process was signalled: where the system has handles of processes, no reused pid is hit."""
    try:
        handle = os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else None
    except OSError:
        return False
    try:
        now = processes.one(process.pid)
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
