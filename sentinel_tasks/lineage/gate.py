"""The one gate: every signal that we send goes through here, to a process that may be reached, or nowhere."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

from . import table as processes
from .process import Process
from .reach import Caller, Claim, Who, permitted, whole_groups

ROUNDS = 20
"""How often what goes on forking is looked for again before a KILL is left at that."""


def send(claim: Claim, asked: Iterable[Who], number: signal.Signals) -> list[Who]:
    """Signals those that were asked for and may be reached under the claim; tells whom it really reached.

    A suspended one is let go on, so that it can answer.
    """
    table = processes.read()
    may = permitted(table, claim, Caller(os.getpid(), os.getuid()))
    targets = [may[pid] for pid, ticks in asked if pid in may and may[pid].ticks == ticks]
    return [(each.pid, each.ticks) for each in targets if _deliver(each, number)]


def kill(claim: Claim) -> list[Who]:
    """Ends all that may be reached under the claim, for good: what forks is held still first; tells whom it reached."""
    reached: dict[Who, None] = {}
    for _ in range(ROUNDS):
        table = processes.read()
        may = permitted(table, claim, Caller(os.getpid(), os.getuid()))
        new = [each for each in may.values() if (each.pid, each.ticks) not in reached]
        if not new:
            break
        for group in whole_groups(table, may):
            _kill_group(group)
        launchers_last = sorted(new, key=lambda each: (each.pid, each.ticks) in claim.launchers)
        reached.update(dict.fromkeys((each.pid, each.ticks) for each in launchers_last if _ended(each)))
    return [*reached]


def _ended(process: Process) -> bool:
    """True if it was reached, by itself or with its group a moment ago."""
    return _deliver(process, signal.SIGKILL) or processes.one(process.pid) is None


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _deliver(process: Process, number: signal.Signals) -> bool:
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


def _signal(pid: int, handle: int | None, number: signal.Signals) -> None:
    if handle is None:
        os.kill(pid, number)
    else:
        signal.pidfd_send_signal(handle, number)
