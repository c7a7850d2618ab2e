"""One worker's process in depth (contract: API). Never its environment; its command line with secrets masked."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeVar

import psutil

from sentinel_tasks.text.masking import masked

MOST = 500  # entries of each list
INTERVAL = 10.0  # seconds between two snapshots of one worker

T = TypeVar("T")


class Turnstile:
    """Lets each key pass once in an interval."""

    def __init__(self, interval: float = INTERVAL, now: Callable[[], float] = time.monotonic) -> None:
        self._interval = interval
        self._now = now
        self._passed: dict[str, float] = {}

    def wait(self, key: str) -> float:
        """Pass, and 0; or the seconds that are still to wait."""
        now = self._now()
        self._passed = {name: at for name, at in self._passed.items() if now - at < self._interval}
        if key in self._passed:
            return self._interval - (now - self._passed[key])
        self._passed[key] = now
        return 0.0


def look_into(process: psutil.Process) -> dict[str, object]:
    """Memory (bytes), threads, files, connections and more; null for what may not be seen.

    Raises psutil.NoSuchProcess if it has ended.
    """
    with process.oneshot():
        times = process.cpu_times()
        return {
            "pid": process.pid,
            "parent_pid": process.ppid(),
            "name": process.name(),
            "state": process.status(),
            "user": _allowed(process.username),
            "created_at": datetime.fromtimestamp(process.create_time(), timezone.utc),
            "command": _allowed(lambda: masked(process.cmdline())),
            "executable": _allowed(process.exe),
            "cwd": _allowed(process.cwd),
            "nice": _allowed(process.nice),
            "cpu_seconds": {"user": times.user, "system": times.system},
            "context_switches": _allowed(lambda: process.num_ctx_switches()._asdict()),
            "memory": _allowed(lambda: process.memory_full_info()._asdict()),
            "open_descriptors": _allowed(process.num_fds),
            "threads": _allowed(lambda: [thread._asdict() for thread in process.threads()[:MOST]]),
            "files": _allowed(lambda: _files(process)),
            "connections": _allowed(lambda: _connections(process)),
            "children": _allowed(lambda: [child.pid for child in process.children()[:MOST]]),
        }


def _files(process: psutil.Process) -> list[dict[str, object]]:
    return [{"path": file.path, "descriptor": file.fd} for file in process.open_files()[:MOST]]


def _connections(process: psutil.Process) -> list[dict[str, object]]:
    return [
        {
            "family": one.family.name,
            "type": one.type.name,
            "local": _address(one.laddr),
            "remote": _address(one.raddr),
            "state": one.status,
        }
        for one in process.net_connections()[:MOST]
    ]


def _address(address: object) -> str | None:
    if not address:
        return None
    host, port = getattr(address, "ip", None), getattr(address, "port", None)
    return f"{f'[{host}]' if ':' in str(host) else host}:{port}"


def _allowed(look: Callable[[], T]) -> T | None:
    try:
        return look()
    except (psutil.AccessDenied, psutil.ZombieProcess, OSError):
        return None
