"""Prometheus text of the registry, on a registry of our own: nothing of this process, only of the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sentinel_tasks.api.model import RegistryDocument, Worker

LABELS = ("worker", "service")
STATUSES = ("idle", "working", "error", "terminated")
MEBIBYTE = 1024 * 1024

GAUGES: tuple[tuple[str, str, Callable[[Worker], float | None]], ...] = (
    ("sentinel_worker_queue_depth", "Jobs waiting for the worker.", lambda one: one.queue_depth),
    (
        "sentinel_worker_start_time_seconds",
        "When the worker came, since the epoch.",
        lambda one: one.created_at.timestamp(),
    ),
    (
        "sentinel_worker_resident_memory_bytes",
        "Resident memory.",
        lambda one: _scaled(one.resource_usage.rss_mb, MEBIBYTE),
    ),
    (
        "sentinel_worker_cpu_ratio",
        "CPU in use, 1 being one core.",
        lambda one: _scaled(one.resource_usage.cpu_percent, 0.01),
    ),
    ("sentinel_worker_threads", "Threads.", lambda one: one.resource_usage.threads),
    ("sentinel_worker_open_fds", "Open file descriptors.", lambda one: one.resource_usage.open_files),
)
COUNTERS: tuple[tuple[str, str, Callable[[Worker], float]], ...] = (
    (
        "sentinel_worker_messages_processed",
        "Messages that the worker says it processed.",
        lambda one: one.messages_processed,
    ),
    ("sentinel_worker_errors", "Errors that the worker says it had.", lambda one: one.errors),
)


class WorkerCollector(Collector):
    """Turns one registry document into metric families."""

    def __init__(self, document: RegistryDocument, stream_clients: int, skipped: int) -> None:
        self._workers = list(document.workers.values())
        self._stream_clients = stream_clients
        self._skipped = skipped

    def collect(self) -> Iterable[Metric]:
        """All families, each with one sample a worker that has the value."""
        yield self._states()
        yield GaugeMetricFamily("sentinel_stream_clients", "Clients of the stream.", self._stream_clients)
        yield CounterMetricFamily("sentinel_stream_skipped", "Documents that slow clients skipped.", self._skipped)
        for name, help_text, value in GAUGES:
            yield self._filled(GaugeMetricFamily(name, help_text, labels=LABELS), value)
        for name, help_text, value in COUNTERS:
            yield self._filled(CounterMetricFamily(name, help_text, labels=LABELS), value)

    def _states(self) -> Metric:
        family = GaugeMetricFamily("sentinel_workers", "Workers by service and status.", labels=("service", "status"))
        counts: dict[tuple[str, str], int] = {}
        for worker in self._workers:
            for status in STATUSES:
                key = (worker.service or "", status)
                counts[key] = counts.get(key, 0) + (worker.status == status)
        for key, count in counts.items():
            family.add_metric(key, count)
        return family

    def _filled(
        self, family: GaugeMetricFamily | CounterMetricFamily, value: Callable[[Worker], float | None]
    ) -> Metric:
        for worker in self._workers:
            number = value(worker)
            if number is not None:
                family.add_metric((worker.id, worker.service or ""), number)
        return family


def text(document: RegistryDocument, stream_clients: int, skipped: int) -> bytes:
    """The document in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(WorkerCollector(document, stream_clients, skipped))
    return generate_latest(registry)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
