"""The registry: workers from three sources, told apart by id and joined by pid (contract: API).

Pure but for the clock that it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone

import msgspec

from sentinel_tasks.api.model import (
    MAX_REPORTERS,
    Ended,
    Process,
    RegistryDocument,
    Reporter,
    ResourceUsage,
    SelfReport,
    Status,
    Summary,
    Worker,
)

WORKING_CPU = 5.0  # percent: a process that says nothing of itself counts as working from here on
SHORTEST_LINGER, LONGEST_LINGER = 5.0, 30.0  # seconds that a terminated worker stays listed
ENDED_LINGER = 60.0


class TooManyReportersError(Exception):
    """As many workers as allowed report themselves already."""


class Registry:
    """What is known of all workers. Belongs to one thread; `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic, today: Callable[[], datetime] | None = None) -> None:
        self._now = now
        self._today = today or (lambda: datetime.now(timezone.utc))
        self._reporters: dict[str, Reporter] = {}
        self._seen: set[str] = set()
        self._ended: dict[str, Ended] = {}
        self._processes: dict[int, Process] = {}
        self._document: RegistryDocument | None = None

    def report(self, worker_id: str, report: SelfReport) -> Reporter:
        """Take what a worker says of itself; what is known now. Raises TooManyReportersError at the limit."""
        known = self._reporters.get(worker_id)
        if known is None and len(self._reporters) >= MAX_REPORTERS:
            raise TooManyReportersError
        self._document = None
        self._reporters[worker_id] = _updated(known or Reporter(self._today(), 0), report, self._now())
        return self._reporters[worker_id]

    def remove(self, worker_id: str) -> bool:
        """Forget a self-reporting worker; False if there is none of this id."""
        self._document = None
        self._seen.discard(worker_id)
        return self._reporters.pop(worker_id, None) is not None

    def observe(self, processes: Mapping[int, Process], ended: Iterable[Ended] = ()) -> None:
        """Take a new sample of the processes, and let silent workers terminate and leave."""
        now = self._now()
        self._processes = dict(processes)
        self._ended.update((worker.id, worker) for worker in ended)
        self._ended = {key: worker for key, worker in self._ended.items() if now - worker.at < ENDED_LINGER}
        self._reporters = {
            key: self._aged(key, one, now) for key, one in self._reporters.items() if not _left(one, now)
        }
        self._seen = {key for key, one in self._reporters.items() if one.pid in self._processes}
        self._document = None

    def reported_pids(self) -> set[int]:
        """The pids that self-reporting workers gave."""
        return {one.pid for one in self._reporters.values() if one.pid is not None}

    def document(self) -> RegistryDocument:
        """Everything, as of now; the same object until something changes."""
        if self._document is None:
            workers = merged(self._processes, self._reporters, self._ended)
            self._document = RegistryDocument(self._today(), len(workers), summary(workers.values()), workers)
        return self._document

    def _aged(self, worker_id: str, reporter: Reporter, now: float) -> Reporter:
        gone = worker_id in self._seen and reporter.pid not in self._processes
        if reporter.status == "terminated" or not (gone or now >= reporter.expires):
            return reporter
        return msgspec.structs.replace(reporter, status="terminated", expires=min(now, reporter.expires))


def merged(
    processes: Mapping[int, Process], reporters: Mapping[str, Reporter], ended: Mapping[str, Ended]
) -> dict[str, Worker]:
    """All workers by id. A report joins the process of its pid, or the scaled worker of its id, and its id wins."""
    by_pid = {one.pid: key for key, one in reporters.items() if one.pid is not None}
    groups: dict[str, list[Process]] = {}
    for process in processes.values():
        key = process.worker_id or by_pid.get(process.pid)
        if key is None and process.service is not None:
            key = f"{process.service}-{process.pid}"
        if key is not None:
            groups.setdefault(key, []).append(process)
    workers = {key: _from_ended(one) for key, one in ended.items()}
    workers.update((key, _from_processes(key, group)) for key, group in groups.items())
    workers.update((key, _from_report(key, one, workers.get(key))) for key, one in reporters.items())
    return workers


def summary(workers: Iterable[Worker]) -> Summary:
    """Workers counted by status, and what they have queued."""
    counts: dict[Status, int] = {"idle": 0, "working": 0, "error": 0, "terminated": 0}
    queued = 0
    for worker in workers:
        counts[worker.status] += 1
        queued += worker.queue_depth if worker.status != "terminated" else 0
    return Summary(sum(counts.values()), counts["idle"], counts["working"], counts["error"], queued)


def _updated(known: Reporter, report: SelfReport, now: float) -> Reporter:
    said = {name: value for name, value in msgspec.structs.asdict(report).items() if value is not msgspec.UNSET}
    if known.status == "terminated":
        said.setdefault("status", "idle")
    ttl = 0.0 if said.get("status") == "terminated" else said.get("ttl", known.ttl)
    return msgspec.structs.replace(known, **said, expires=now + ttl)


def _left(reporter: Reporter, now: float) -> bool:
    linger = min(max(reporter.ttl, SHORTEST_LINGER), LONGEST_LINGER)
    return reporter.status == "terminated" and now >= reporter.expires + linger


def _from_ended(ended: Ended) -> Worker:
    errors = 0 if ended.reason is None else 1
    return Worker(ended.id, None, ended.pid, "terminated", ended.created_at, errors=errors, last_error=ended.reason)


def _from_processes(key: str, group: list[Process]) -> Worker:
    """One worker, of one process or (when it was scaled) of a process and its descendants."""
    pids = {process.pid for process in group}
    root = next((process for process in group if process.parent not in pids), group[0])
    usage = _total(group)
    return Worker(
        id=key,
        service=root.service,
        pid=root.pid,
        status=_status(root, usage),
        created_at=datetime.fromtimestamp(root.created, timezone.utc),
        last_error="stopped by a signal" if root.stopped else None,
        resource_usage=usage,
    )


def _status(process: Process, usage: ResourceUsage) -> Status:
    if process.stopped:
        return "error"
    return "working" if (usage.cpu_percent or 0) >= WORKING_CPU else "idle"


def _total(group: list[Process]) -> ResourceUsage:
    if len(group) == 1:
        return group[0].usage
    usages = [process.usage for process in group]
    return ResourceUsage(
        rss_mb=round(sum(usage.rss_mb or 0 for usage in usages), 2),
        cpu_percent=round(sum(usage.cpu_percent or 0 for usage in usages), 1),
        threads=sum(usage.threads or 0 for usage in usages),
        open_files=sum(usage.open_files or 0 for usage in usages),
    )


def _from_report(key: str, reporter: Reporter, process: Worker | None) -> Worker:
    """What the worker says of itself, with what its process (if one was found) uses."""
    ended = process is not None and process.status == "terminated"
    return Worker(
        id=key,
        service=process.service if process is not None and process.service else reporter.service,
        pid=process.pid if process is not None else reporter.pid,
        status="terminated" if ended else reporter.status,
        created_at=process.created_at if process is not None else reporter.created_at,
        messages_processed=reporter.messages_processed,
        errors=reporter.errors,
        last_error=reporter.last_error or (process.last_error if process is not None else None),
        current_job=reporter.current_job,
        queue_depth=reporter.queue_depth,
        resource_usage=process.resource_usage if process is not None else ResourceUsage(),
    )
