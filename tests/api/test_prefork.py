"""A pre-fork server as a service: gunicorn with four workers (contract: API)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.conftest import RunningApi, Spawn, eventually
from tests.lab import free_port

pytest.importorskip("gunicorn", reason="gunicorn is missing")

APPLICATION = """
import time

def application(environ, start_response):
    until = time.process_time() + float(environ["QUERY_STRING"] or 0)
    while time.process_time() < until:
        pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""


def shown(api: RunningApi) -> set[int]:
    return {worker["pid"] for worker in api.workers().values() if worker["service"] == "dev"}


def by_ps(master: int) -> dict[int, float]:
    """The server's processes and their resident MiB, as `ps` sees them."""
    command = ["ps", "-o", "pid=,rss=", "--ppid", str(master), "-p", str(master)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {int(pid): int(rss) / 1024 for pid, rss in map(str.split, lines)}


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


@pytest.fixture
def port(tmp_path: Path, spawn: Spawn) -> int:
    """The port of a gunicorn with four workers."""
    (tmp_path / "application.py").write_text(APPLICATION)
    port = free_port()
    command = ["-m", "gunicorn", "--workers", "4", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    spawn("dev", [sys.executable, *command, "--chdir", str(tmp_path), "application"])
    return port


def test_master_and_workers_are_shown_as_ps_shows_them(port: int, api: RunningApi) -> None:
    eventually(lambda: len(shown(api)) == 5)
    master = min(shown(api))
    eventually(lambda: set(by_ps(master)) == shown(api))

    def agrees() -> bool:
        resident, workers = by_ps(master), api.workers().values()
        return all(abs(worker["resource_usage"]["rss_mb"] - resident[worker["pid"]]) < 1 for worker in workers)

    eventually(agrees)


def test_a_killed_worker_and_its_successor_show(port: int, api: RunningApi) -> None:
    eventually(lambda: len(shown(api)) == 5)
    master = min(shown(api))
    victim = max(shown(api))
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in shown(api))
    eventually(lambda: set(by_ps(master)) == shown(api) and len(shown(api)) == 5)


def test_the_worker_that_works_is_the_one_with_the_cpu(port: int, api: RunningApi) -> None:
    eventually(lambda: len(shown(api)) == 5)
    request = threading.Thread(
        target=httpx.get, args=(f"http://127.0.0.1:{port}/?4",), kwargs={"timeout": 30, "trust_env": False}
    )
    request.start()

    def busiest() -> int:
        """The one worker that takes clearly more than the others, or 0."""
        rising = sorted((worker["resource_usage"]["cpu_percent"], worker["pid"]) for worker in api.workers().values())
        return int(rising[-1][1]) if rising[-1][0] > 10 + 3 * rising[-2][0] else 0

    eventually(lambda: busiest() == max(shown(api), key=cpu_seconds), 20)
    request.join()
    eventually(lambda: {worker["status"] for worker in api.workers().values()} == {"idle"})
