"""The registry of real processes."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sentinel_tasks.api import sampling
from tests.api.conftest import RunningApi, Spawn, Start
from tests.lab import LONG, until

CHILDREN_WITHOUT_ENVIRONMENT = "for n in 1 2; do env -i sleep 60 & done; wait"
BURN = "import time\nwhile time.sleep(0.01) is None: sum(range(200_000))"


def pids(api: RunningApi) -> set[int]:
    return {worker["pid"] for worker in api.workers().values()}


def test_each_marked_process_is_a_worker_and_the_api_is_not(start: Start, spawn: Spawn) -> None:
    dev, queue = spawn("dev"), spawn("queue")
    spawn("telemetry")
    spawn("dev", workspace=Path("/elsewhere"))
    spawn("dev", SENTINEL_RUN="1")
    api = start(by_itself=True)
    document = api.registry()
    assert {worker["pid"]: worker["service"] for worker in document["workers"].values()} == {
        dev.pid: "dev",
        queue.pid: "queue",
    }
    assert document["total"] == document["summary"]["total"] == 2
    worker = document["workers"][f"dev-{dev.pid}"]
    assert set(worker) == {
        "id", "service", "pid", "status", "created_at", "messages_processed", "errors", "last_error",
        "current_job", "queue_depth", "resource_usage",
    }  # fmt: skip
    assert set(worker["resource_usage"]) == {"rss_mb", "cpu_percent", "threads", "open_files"}


def test_workers_that_are_born_or_killed_show_and_descendants_without_the_mark_too(
    api: RunningApi, spawn: Spawn
) -> None:
    born = spawn("dev")
    until(lambda: born.pid in pids(api))
    born.kill()
    until(lambda: born.pid not in pids(api))
    parent = spawn("dev", ["sh", "-c", CHILDREN_WITHOUT_ENVIRONMENT])
    until(lambda: len(pids(api)) == 3)
    children = psutil.Process(parent.pid).children()
    assert pids(api) == {child.pid for child in children} | {parent.pid}
    assert {worker["service"] for worker in api.workers().values()} == {"dev"}
    children[0].kill()  # nobody waits for it yet
    until(lambda: pids(api) == {children[1].pid, parent.pid})


LATE = {"": "SENTINEL_SERVICE=dev", "telemetry": "WORKER_ID=worker-1", "dev": "SENTINEL_SERVICE=queue"}
"""The service that a process is of at first, and what it is started anew with."""


def test_processes_that_get_their_mark_after_they_were_first_seen(
    spawn: Spawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "SETTLED_AGE", LONG)
    sampler, go = sampling.Sampler(str(tmp_path), "telemetry"), tmp_path / "go"
    wanted: dict[int, str | None] = {}
    for before, after in LATE.items():
        late = spawn(before, ["sh", "-c", f"until [ -e {go} ]; do sleep 0.05; done; exec env {after} sleep 60"])
        wanted[late.pid] = after.partition("SENTINEL_SERVICE=")[2] or "telemetry"
    assert {one.service for one in sampler.sample().values()} == {"dev"}
    go.touch()
    until(lambda: {one.pid: one.service for one in sampler.sample().values()} == wanted)


def test_usage_agrees_with_ps(api: RunningApi, spawn: Spawn) -> None:
    busy = spawn("dev", [sys.executable, "-c", BURN])

    def agrees() -> bool:
        usage = api.workers().get(f"dev-{busy.pid}", {}).get("resource_usage")
        return usage is not None and (
            abs(usage["rss_mb"] - ps(busy.pid, "rss") / 1024) < 1
            and usage["threads"] == ps(busy.pid, "nlwp")
            and usage["open_files"] == len(list(Path(f"/proc/{busy.pid}/fd").iterdir()))
            and 0.5 * (used := ps(busy.pid, "pcpu")) < usage["cpu_percent"] < 2 * used
        )

    until(agrees)


def ps(pid: int, column: str) -> float:
    command = ["ps", "-o", f"{column}=", "-p", str(pid)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
