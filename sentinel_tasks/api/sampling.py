"""The door to psutil: which processes of the workspace there are and what they use (contract: API).

A process belongs to a service when its initial environment carries the workspace's and the service's mark, or when
it descends from one that does. The API's own service does not count, except for the workers that it scaled.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import psutil

from sentinel_tasks.api.model import Process, ResourceUsage, is_worker_id
from sentinel_tasks.lineage import proc

MEBIBYTE = 1024 * 1024
SETTLED_AGE = 10.0  # seconds: a younger process may still be between fork and exec, so its mark is read again
SHORTEST_SPAN = 0.5  # seconds: CPU percent over less than this is noise


@dataclass(frozen=True)
class Mark:
    """What a process's environment says about it."""

    service: str
    worker_id: str | None = None


@dataclass
class Known:
    """A process that is looked at again and again: identity (psutil keeps pid and start time) and CPU so far."""

    process: psutil.Process
    mark: Mark | None = None
    is_settled: bool = False
    cpu_seconds: float = 0.0
    cpu_at: float = 0.0
    cpu_percent: float = 0.0


class Sampler:
    """Looks at the machine's processes. Not for two threads at once."""

    def __init__(self, workspace: str, own_service: str) -> None:
        self._workspace = workspace
        self._own_service = own_service
        self._foreign = Mark(own_service)  # another workspace's: like the API itself, known and not counted
        self._scaled: Mapping[int, str] = {}
        self._known: dict[int, Known] = {}
        self._reported: dict[int, Known] = {}
        self.own_cpu_percent: float | None = None
        """What the API's own service used at the last look; it is no worker."""

    def sample(
        self, reported: Collection[int] = (), scaled: Mapping[int, str] = MappingProxyType({})
    ) -> dict[int, Process]:
        """All processes of the workspace's services, and of this user those among `reported` (pids), by pid.

        `scaled` gives the worker ids of processes that need no mark.
        """
        pids = psutil.pids()
        self._scaled = scaled
        self._forget(set(pids), reported)
        found = {}
        for known in list(self._marked(pids)) + list(self._named(reported)):
            process = self._measure(known)
            if process is not None:
                found[process.pid] = process
        self.own_cpu_percent = self._own_cpu_percent()
        return found

    def process(self, pid: int) -> psutil.Process | None:
        """The process of one of the workspace's services under this pid, or None (also for a merely reported one)."""
        known = self._known.get(pid)
        if known is None or known.mark is None or not self._counts(known.mark):
            return None
        return known.process if known.process.is_running() else None

    def _forget(self, alive: set[int], reported: Collection[int]) -> None:
        self._known = {pid: known for pid, known in self._known.items() if pid in alive}
        self._reported = {pid: known for pid, known in self._reported.items() if pid in reported}

    def _marked(self, pids: list[int]) -> Iterator[Known]:
        for pid in pids:
            known = self._identify(pid)
            if known is not None and known.mark is not None and self._counts(known.mark):
                yield known

    def _own_cpu_percent(self) -> float | None:
        used = []
        for known in self._known.values():
            if known.mark is not None and known.mark is not self._foreign and not self._counts(known.mark):
                with contextlib.suppress(psutil.Error, OSError):
                    used.append(_cpu_percent(known))
        return round(sum(used), 1) if used else None

    def _counts(self, mark: Mark) -> bool:
        return mark.service != self._own_service or mark.worker_id is not None

    def _named(self, reported: Collection[int]) -> Iterator[Known]:
        """Reported processes outside the workspace's services. Once gone they stay gone: the pid may be another's."""
        for pid in reported:
            marked = self._known.get(pid)
            if marked is not None and marked.mark is not None and self._counts(marked.mark):
                continue
            if pid not in self._reported:
                known = _open(pid)
                if known is None or not _is_mine(known.process):
                    continue
                self._reported[pid] = known
            if self._reported[pid].process.is_running():
                yield self._reported[pid]

    def _identify(self, pid: int) -> Known | None:
        known = self._known.get(pid)
        if known is not None and known.is_settled and known.mark is None:
            return known
        if known is None or not known.process.is_running():
            known = _open(pid)
        if known is None or known.is_settled:
            return known
        try:
            known.mark = self._mark(known.process) or known.mark
            known.is_settled = time.time() - known.process.create_time() > SETTLED_AGE
        except psutil.Error:
            return None
        self._known[pid] = known
        return known

    def _mark(self, process: psutil.Process) -> Mark | None:
        if process.pid in self._scaled:
            return Mark(self._own_service, self._scaled[process.pid])
        return self._own_mark(process) or self._inherited_mark(process)

    def _own_mark(self, process: psutil.Process) -> Mark | None:
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            return None
        service, workspace = environment.get("SENTINEL_SERVICE"), environment.get("SENTINEL_WORKSPACE")
        if not service or not workspace or "SENTINEL_RUN" in environment:
            return None
        if workspace != self._workspace:
            return self._foreign
        worker_id = environment.get("WORKER_ID", "") if service == self._own_service else ""
        return Mark(service, worker_id if is_worker_id(worker_id) else None)

    def _inherited_mark(self, process: psutil.Process) -> Mark | None:
        parent = self._known.get(process.ppid())
        return parent.mark if parent is not None else None

    def _measure(self, known: Known) -> Process | None:
        process = known.process
        try:
            with process.oneshot():
                status = process.status()
                if status == psutil.STATUS_ZOMBIE:
                    return None
                return Process(
                    pid=process.pid,
                    parent=process.ppid(),
                    service=known.mark.service if known.mark else None,
                    worker_id=known.mark.worker_id if known.mark else None,
                    created=process.create_time(),
                    stopped=status == psutil.STATUS_STOPPED,
                    usage=_usage(known),
                    ticks=_ticks(process.pid),
                )
        except (psutil.Error, OSError):
            return None


def _open(pid: int) -> Known | None:
    try:
        return Known(psutil.Process(pid))
    except (psutil.Error, OSError):
        return None


def _ticks(pid: int) -> int:
    found = proc.one(pid)
    return found.ticks if found else 0


def _is_mine(process: psutil.Process) -> bool:
    try:
        return process.uids().real == os.getuid()
    except psutil.Error:
        return False


def _usage(known: Known) -> ResourceUsage:
    process = known.process
    return ResourceUsage(
        rss_mb=round(process.memory_info().rss / MEBIBYTE, 2),
        cpu_percent=_cpu_percent(known),
        threads=process.num_threads(),
        open_files=_open_files(process),
    )


def _open_files(process: psutil.Process) -> int | None:
    try:
        return process.num_fds()
    except (psutil.AccessDenied, OSError):
        return None


def _cpu_percent(known: Known) -> float:
    """Since the last look; at first sight over the whole life, as `ps` has it."""
    times = known.process.cpu_times()
    seconds, now = times.user + times.system, time.time()
    span = now - (known.cpu_at or known.process.create_time())
    if known.cpu_at and span < SHORTEST_SPAN:
        return known.cpu_percent
    known.cpu_percent = round(max(0.0, seconds - known.cpu_seconds) / max(span, 0.01) * 100, 1)
    known.cpu_seconds, known.cpu_at = seconds, now
    return known.cpu_percent
