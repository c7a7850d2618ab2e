"""A pre-fork server as a service: gunicorn with four workers (SPEC §7)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from tests.api.conftest import RunningApi, Spawn, eventually

pytest.importorskip("gunicorn", reason="gunicorn is missing")

APPLICATION = """
import time

def application(environ, start_response):
    until = time.monotonic() + float(environ["QUERY_STRING"] or 0)
    while time.monotonic() < until:
        pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def shown(api: RunningApi) -> set[int]:
    return {worker["pid"] for worker in api.workers().values() if worker["service"] == "dev"}


def by_ps(master: int) -> dict[int, float]:
    """The server's processes and their resident MiB, as `ps` sees them."""
    command = ["ps", "-o", "pid=,rss=", "--ppid", str(master), "-p", str(master)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {int(pid): int(rss) / 1024 for pid, rss in map(str.split, lines)}


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
    resident = by_ps(master)
    for worker in api.workers().values():
        assert abs(worker["resource_usage"]["rss_mb"] - resident[worker["pid"]]) < 3


def test_a_killed_worker_and_its_successor_show_within_two_seconds(port: int, api: RunningApi) -> None:
    eventually(lambda: len(shown(api)) == 5)
    master = min(shown(api))
    victim = max(shown(api))
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in shown(api), 2)
    eventually(lambda: set(by_ps(master)) == shown(api) and len(shown(api)) == 5)


def test_the_worker_that_works_is_the_one_with_the_cpu(port: int, api: RunningApi) -> None:
    eventually(lambda: len(shown(api)) == 5)
    request = threading.Thread(
        target=httpx.get, args=(f"http://127.0.0.1:{port}/?4",), kwargs={"timeout": 30, "trust_env": False}
    )
    request.start()

    def working() -> list[int]:
        return [worker["pid"] for worker in api.workers().values() if worker["resource_usage"]["cpu_percent"] > 40]

    eventually(lambda: len(working()) == 1)
    busiest = max(shown(api), key=lambda pid: sum(psutil.Process(pid).cpu_times()[:2]))
    assert working() in ([busiest], [])
    request.join()
    eventually(lambda: {worker["status"] for worker in api.workers().values()} == {"idle"})
