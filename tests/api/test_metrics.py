"""Prometheus reads what we write."""

import shutil
import subprocess

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import RunningApi, Spawn, Start
from tests.lab import until


def test_the_numbers_are_the_registrys(start: Start, spawn: Spawn) -> None:
    dev = spawn("dev")
    until(lambda: psutil.Process(dev.pid).memory_info().rss > 100_000)
    api = start()
    api.http.put(
        "/api/workers/registry/w1",
        json={"status": "error", "queue_depth": 3, "messages_processed": 7, "errors": 2, "service": "queue"},
    )
    answer = api.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    reported = (("service", "queue"), ("worker", "w1"))
    assert samples[("sentinel_worker_queue_depth", reported)] == 3
    assert samples[("sentinel_worker_messages_processed_total", reported)] == 7
    assert samples[("sentinel_worker_errors_total", reported)] == 2
    assert samples[("sentinel_workers", (("service", "queue"), ("status", "error")))] == 1
    assert samples[("sentinel_workers", (("service", "queue"), ("status", "idle")))] == 0
    found = (("service", "dev"), ("worker", f"dev-{dev.pid}"))
    assert samples[("sentinel_worker_resident_memory_bytes", found)] > 100_000
    assert ("sentinel_worker_resident_memory_bytes", reported) not in samples
    assert "python_" not in answer.text


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is missing (Debian package: prometheus)")
def test_promtool_has_no_complaint(api: RunningApi, spawn: Spawn) -> None:
    api.http.put("/api/workers/registry/w1", json={"queue_depth": 3, "service": "queue"})
    text = api.http.get("/metrics").text
    result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
