from datetime import datetime, timezone

import pytest

from sentinel_tasks.api.model import MAX_REPORTERS, Ended, Process, ResourceUsage, SelfReport
from sentinel_tasks.api.registry import Registry, TooManyReportersError

DAY = datetime(2030, 1, 1, tzinfo=timezone.utc)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> Registry:
    return Registry(clock, lambda: DAY)


def process(
    pid: int,
    service: str | None = "dev",
    worker_id: str | None = None,
    parent: int = 1,
    cpu: float = 0,
    stopped: bool = False,
) -> Process:
    usage = ResourceUsage(rss_mb=10.0, cpu_percent=cpu, threads=1, open_files=3)
    return Process(pid, parent, service, worker_id, 1_000_000.0, stopped, usage)


def statuses(registry: Registry) -> dict[str, str]:
    return {key: worker.status for key, worker in registry.document().workers.items()}


def test_processes_are_workers_named_by_service_and_pid(registry: Registry) -> None:
    registry.observe({7: process(7), 8: process(8, cpu=50), 9: process(9, stopped=True)})
    assert statuses(registry) == {"dev-7": "idle", "dev-8": "working", "dev-9": "error"}
    summary = registry.document().summary
    assert (summary.total, summary.idle, summary.working, summary.error) == (3, 1, 1, 1)
    registry.observe({8: process(8)})
    assert statuses(registry) == {"dev-8": "idle"}


def test_a_report_keeps_what_it_leaves_out(registry: Registry) -> None:
    registry.report("w", SelfReport(status="working", messages_processed=5, current_job="a"))
    registry.report("w", SelfReport(queue_depth=2, current_job=None))
    worker = registry.document().workers["w"]
    assert (worker.status, worker.messages_processed, worker.queue_depth, worker.current_job) == ("working", 5, 2, None)
    assert registry.document().summary.total_queue_depth == 2


def test_a_silent_worker_terminates_and_then_leaves(registry: Registry, clock: Clock) -> None:
    registry.report("w", SelfReport(status="working", ttl=10.0, queue_depth=4))
    clock.now += 9.9
    registry.observe({})
    assert statuses(registry) == {"w": "working"}
    clock.now += 0.1
    registry.observe({})
    assert statuses(registry) == {"w": "terminated"}
    assert registry.document().summary.total_queue_depth == 0
    clock.now += 10
    registry.observe({})
    assert statuses(registry) == {}


def test_a_terminated_worker_that_reports_again_is_back(registry: Registry, clock: Clock) -> None:
    registry.report("w", SelfReport(status="working", ttl=1.0))
    clock.now += 2
    registry.observe({})
    registry.report("w", SelfReport(queue_depth=1))
    assert statuses(registry) == {"w": "idle"}


def test_a_worker_that_says_it_ends_lingers_only_shortly(registry: Registry, clock: Clock) -> None:
    registry.report("w", SelfReport(status="terminated", ttl=3600.0))
    registry.observe({})
    assert statuses(registry) == {"w": "terminated"}
    clock.now += 30
    registry.observe({})
    assert statuses(registry) == {}


def test_report_and_process_of_one_pid_are_one_worker(registry: Registry) -> None:
    registry.observe({7: process(7)})
    registry.report("mine", SelfReport(status="error", pid=7, last_error="boom"))
    worker = registry.document().workers["mine"]
    assert list(registry.document().workers) == ["mine"]
    assert (worker.service, worker.status, worker.resource_usage.rss_mb) == ("dev", "error", 10.0)


def test_a_reported_process_that_dies_terminates_before_its_ttl(registry: Registry) -> None:
    registry.report("mine", SelfReport(status="working", pid=7))
    registry.observe({7: process(7, service=None)})
    assert statuses(registry) == {"mine": "working"}
    registry.observe({})
    assert statuses(registry) == {"mine": "terminated"}


def test_a_pid_that_was_never_seen_says_nothing(registry: Registry) -> None:
    registry.report("elsewhere", SelfReport(status="working", pid=7))
    registry.observe({})
    assert statuses(registry) == {"elsewhere": "working"}
    assert registry.document().workers["elsewhere"].resource_usage == ResourceUsage()


def test_a_scaled_worker_is_one_worker_however_many_processes_it_has(registry: Registry) -> None:
    shell, child = process(7, "telemetry", "worker-1"), process(8, "telemetry", "worker-1", parent=7, cpu=20)
    registry.observe({8: child, 7: shell})
    registry.report("worker-1", SelfReport(status="working"))
    worker = registry.document().workers["worker-1"]
    assert list(registry.document().workers) == ["worker-1"]
    assert (worker.pid, worker.resource_usage.rss_mb, worker.resource_usage.cpu_percent) == (7, 20.0, 20.0)


def test_a_scaled_worker_that_ended_unasked_says_how(registry: Registry, clock: Clock) -> None:
    registry.report("worker-1", SelfReport(status="working"))
    registry.observe({}, [Ended("worker-1", 7, DAY, "exited with code 3", clock.now)])
    worker = registry.document().workers["worker-1"]
    assert (worker.status, worker.last_error) == ("terminated", "exited with code 3")
    registry.remove("worker-1")
    assert statuses(registry) == {"worker-1": "terminated"}
    clock.now += 60
    registry.observe({})
    assert statuses(registry) == {}


def test_reporters_are_bounded(registry: Registry) -> None:
    for number in range(MAX_REPORTERS):
        registry.report(f"w{number}", SelfReport())
    with pytest.raises(TooManyReportersError):
        registry.report("one-more", SelfReport())
    registry.report("w0", SelfReport(queue_depth=1))
    assert registry.document().total == MAX_REPORTERS


def test_removing_tells_whether_there_was_one(registry: Registry) -> None:
    registry.report("w", SelfReport())
    assert registry.remove("w") is True
    assert registry.remove("w") is False


def test_the_document_is_made_once_until_something_changes(registry: Registry) -> None:
    before = registry.document()
    assert registry.document() is before
    registry.report("w", SelfReport())
    assert registry.document() is not before
