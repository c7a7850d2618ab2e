"""A service that was leased ends with the process that wants it, whatever ends that, or when its time is up.

Its leases are in a file, too: a task may have added one or taken all away since, and reads and writes there under a
lock, so that either we see it or it sees that they are over.
"""

from __future__ import annotations

import fcntl
import os
import time

from ..lineage import proc
from ..lineage.value import Value
from . import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .wakeup import Wakeup

SECONDS_BETWEEN_LOOKS = 0.5
"""Where the system has no handles of processes."""
LONGEST_SLEEP = 60.0
"""The clock may be set, and the machine may sleep."""
NEVER = float("inf")
LARGEST = 1 << 16


class Lease(Value):
    """Holds while that process lives, and until then (epoch seconds); None is no such condition."""

    __slots__ = ("pid", "ticks", "until")

    def __init__(self, pid: int | None, ticks: int | None, until: float | None) -> None:
        self.pid, self.ticks, self.until = pid, ticks, until


class Leases:
    """The leases of one launch: it is leased as long as any of them holds."""

    def __init__(self, path: str, launch: str, wakeup: Wakeup) -> None:
        self._path, self._launch, self._wakeup = path, launch, wakeup
        self._leases: list[Lease] = []
        self._handles: dict[int, int] = {}
        self.over = ""
        self.next_due = NEVER

    def take(self, leases: list[Any]) -> None:
        """From now on these count."""
        self._close(*self._handles)
        self._leases = [Lease(*each) for each in leases]
        for pid in {each.pid for each in self._leases if each.pid is not None}:
            try:
                self._handles[pid] = os.pidfd_open(pid)
            except (OSError, AttributeError):
                continue
            self._wakeup.listen(self._handles[pid])
        self._plan()

    def advance(self) -> None:
        """Sees whether the last one is over, and whether a task has made others by then; `over` says why it is."""
        if self.over:
            return
        self._plan()
        if self.next_due > time.monotonic():
            return
        if (others := self._others()) is None:
            self._close(*self._handles)
            self.over, self.next_due = _why(self._leases[-1]), NEVER
            self._leases = []
            return
        self.take(others)

    def _plan(self) -> None:
        """Those that still hold count, and when to look again follows from them."""
        holding = [each for each in self._leases if _holds(each)]
        if self._leases and not holding:
            self.next_due = time.monotonic()
            return
        self._leases = holding
        pids = {each.pid for each in self._leases if each.pid is not None}
        self._close(*(pid for pid in self._handles if pid not in pids))
        sleeps = [min(max(0.0, each.until - time.time()), LONGEST_SLEEP) for each in self._leases if each.until]
        sleeps += [SECONDS_BETWEEN_LOOKS] if len(self._handles) < len(pids) else []
        self.next_due = time.monotonic() + min(sleeps) if sleeps else NEVER

    def _close(self, *pids: int) -> None:
        """One of a process that has ended could be read from without end."""
        for handle in [self._handles.pop(pid) for pid in pids]:
            self._wakeup.forget(handle)
            os.close(handle)

    def _others(self) -> list[Any] | None:
        """What a task has made of the leases meanwhile, none if it has taken them away; None if they are over now."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                found = json_text.read(os.read(descriptor, LARGEST))
                is_ours = found["launch"] == self._launch
                others = found["leases"] if is_ours else None
                if others == [] or (others and any(_holds(Lease(*each)) for each in others)):
                    return list(others)
                self._leases = [Lease(*each) for each in others or ()] or self._leases
                if is_ours:
                    text = json_text.written({"launch": self._launch, "leases": [], "over": True}).encode()
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, text, 0)
            finally:
                os.close(descriptor)
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return None


def _holds(lease: Lease) -> bool:
    return _lives(lease) and (lease.until is None or time.time() < lease.until)


def _lives(lease: Lease) -> bool:
    if lease.pid is None:
        return True
    process = proc.one(lease.pid)
    return process is not None and process.is_alive and process.ticks == lease.ticks


def _why(lease: Lease) -> str:
    why = "its time was up" if _lives(lease) else f"process {lease.pid} has ended"
    return f"its lease is over: {why}"
