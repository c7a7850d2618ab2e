"""The last minutes, one point a second, so that a page just opened can draw its lines."""

from __future__ import annotations

from collections import deque
from datetime import datetime

import msgspec

from sentinel_tasks.api.model import RegistryDocument

KEPT = 300


class Usage(msgspec.Struct):
    """What the workers of one service used together."""

    workers: int = 0
    cpu_percent: float = 0.0
    rss_mb: float = 0.0


class Point(msgspec.Struct, frozen=True):
    """One moment. Workers that name no service are under the empty name."""

    time: datetime
    queue_depth: int
    services: dict[str, Usage]


class History:
    """Remembers the last points."""

    def __init__(self) -> None:
        self._points: deque[Point] = deque(maxlen=KEPT)

    def add(self, document: RegistryDocument) -> None:
        """Remember a registry document as a point."""
        services: dict[str, Usage] = {}
        for worker in document.workers.values():
            if worker.status == "terminated":
                continue
            usage = services.setdefault(worker.service or "", Usage())
            usage.workers += 1
            usage.cpu_percent = round(usage.cpu_percent + (worker.resource_usage.cpu_percent or 0), 1)
            usage.rss_mb = round(usage.rss_mb + (worker.resource_usage.rss_mb or 0), 2)
        self._points.append(Point(document.timestamp, document.summary.total_queue_depth, services))

    def points(self) -> list[Point]:
        """The points remembered, oldest first."""
        return list(self._points)
