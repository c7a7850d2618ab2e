"""Workers of the configured command: started and ended to reach a count (contract: API).

Which workers there are is read from the sampled processes, so those of an API that was killed are found again; only
its own children does the scaler remember, for their exit codes and to reap them. Its signals go through the one gate
(contract: Stop and logs, Signals). Runs in a thread: it may wait.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TypeAlias

from sentinel_tasks.api.model import MAX_SCALED, Ended, Process, ScaleResult
from sentinel_tasks.lineage import gate, proc, table
from sentinel_tasks.lineage.reach import Claim, Who, family

GRACE = 3.0  # seconds between TERM and KILL
POLL = 0.02

Child: TypeAlias = "subprocess.Popen[bytes]"


class ScaleError(Exception):
    """The wanted count cannot be reached; the message says why."""


class Scaler:
    """Starts and ends workers. Not for two threads at once."""

    def __init__(self, command: Sequence[str] | None, workspace: str, environment: Mapping[str, str]) -> None:
        self._command = command
        self._workspace = workspace
        self._environment = environment
        self._children: dict[str, Child] = {}

    def children(self) -> dict[int, str]:
        """The worker ids of our own children, by pid."""
        return {child.pid: worker_id for worker_id, child in list(self._children.items())}

    def scale(self, count: int, processes: Iterable[Process]) -> ScaleResult:
        """Reach `count` workers, given the processes there are now. Raises ScaleError."""
        if self._command is None:
            raise ScaleError("no worker_command is configured")
        if not 0 <= count <= MAX_SCALED:
            raise ScaleError(f"count must be 0 to {MAX_SCALED}")
        groups = _groups(processes)
        surplus = list(groups)[count:]
        self._end([process for worker_id in surplus for process in groups[worker_id]], self._release(surplus))
        missing = max(0, count - len(groups))
        for _ in range(missing):
            self._start(self._command)
        return ScaleResult(created=missing, terminated=len(surplus))

    def ended(self) -> list[Ended]:
        """Our children that ended unasked since the last call, reaped."""
        gone = {key: child for key, child in list(self._children.items()) if child.poll() is not None}
        self._release(list(gone))
        now, today = time.monotonic(), datetime.now(timezone.utc)
        return [Ended(key, child.pid, today, _reason(child.returncode), now) for key, child in gone.items()]

    def stop(self, processes: Iterable[Process]) -> None:
        """End every worker that was scaled."""
        scaled = [process for process in processes if process.worker_id is not None]
        self._end(scaled, self._release(list(self._children)))

    def _release(self, worker_ids: Iterable[str]) -> list[Child]:
        """Our children of these ids, whose end is from now on no news."""
        children = [self._children.pop(worker_id, None) for worker_id in worker_ids]
        return [child for child in children if child is not None]

    def _start(self, command: Sequence[str]) -> None:
        worker_id = f"worker-{secrets.token_hex(4)}"
        environment = {**self._environment, "WORKER_ID": worker_id}
        try:
            child = subprocess.Popen(command, cwd=self._workspace, env=environment, stdin=subprocess.DEVNULL)
        except OSError as error:
            raise ScaleError(f"worker_command cannot be started: {error.strerror}: {command[0]}") from None
        self._children[worker_id] = child

    def _end(self, processes: Iterable[Process], children: Sequence[Child]) -> None:
        """Ask these and their descendants to end, wait, and insist; our own children are reaped."""
        own = frozenset(who for child in children if child.returncode is None and (who := _who(child.pid)))
        roots = own | {(process.pid, process.ticks) for process in processes}
        claim = Claim(orphans=roots, recorded=own)
        known = _below(roots)
        gate.send(claim, known, signal.SIGTERM)
        if left := _wait(known, children):
            gate.kill(Claim(orphans=frozenset(left), recorded=own))
            _wait(left, children)


def _who(pid: int) -> Who | None:
    found = proc.one(pid)
    return (found.pid, found.ticks) if found else None


def _below(roots: Iterable[Who]) -> list[Who]:
    """These and their descendants, as far as they live."""
    now = table.read()
    return [*{(each.pid, each.ticks): None for root in roots for each in family(now, root)}]


def _wait(known: Iterable[Who], children: Sequence[Child]) -> list[Who]:
    """Those that outlive the grace."""
    deadline = time.monotonic() + GRACE
    while True:
        for child in children:
            child.poll()
        known = [who for who in known if _lives(who)]
        if not known or time.monotonic() >= deadline:
            return known
        time.sleep(POLL)


def _lives(who: Who) -> bool:
    now = proc.one(who[0])
    return now is not None and now.ticks == who[1] and now.is_alive


def _groups(processes: Iterable[Process]) -> dict[str, list[Process]]:
    """The processes of each scaled worker, oldest worker first."""
    groups: dict[str, list[Process]] = {}
    for process in sorted(processes, key=lambda one: (one.created, one.pid)):
        if process.worker_id is not None:
            groups.setdefault(process.worker_id, []).append(process)
    return groups


def _reason(code: int) -> str | None:
    if code == 0:
        return None
    if code > 0:
        return f"exited with code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
