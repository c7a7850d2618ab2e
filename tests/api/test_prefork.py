"""A pre-fork server as a service: gunicorn with four workers (contract: API)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest

from tests.api.conftest import RunningApi, Spawn
from tests.lab import free_port, until

pytest.importorskip("gunicorn", reason="gunicorn is missing")

APPLICATION = """
import os

def application(environ, start_response):
    while not os.path.exists(environ["QUERY_STRING"]):
        pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""

UNTITLED = "import sys; sys.modules['setproctitle'] = None; from gunicorn.app.wsgiapp import run; run()"
"""Where that package is installed, gunicorn loses the mark of its service, by which these tests are found."""


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


class Gunicorn(NamedTuple):
    port: int
    master: int


@pytest.fixture
def gunicorn(tmp_path: Path, spawn: Spawn) -> Gunicorn:
    """One with four workers, none of which it takes for stuck."""
    (tmp_path / "application.py").write_text(APPLICATION)
    port = free_port()
    command = ["-c", UNTITLED, "--workers", "4", "--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    server = spawn("dev", [sys.executable, *command, "--timeout", "0", "--chdir", str(tmp_path), "application"])
    return Gunicorn(port, server.pid)


def test_master_and_workers_are_shown_as_ps_shows_them_and_successors_too(gunicorn: Gunicorn, api: RunningApi) -> None:
    until(lambda: len(shown(api)) == 5)
    until(lambda: set(by_ps(gunicorn.master)) == shown(api))

    def agrees() -> bool:
        resident, workers = by_ps(gunicorn.master), api.workers().values()
        return all(abs(worker["resource_usage"]["rss_mb"] - resident[worker["pid"]]) < 1 for worker in workers)

    until(agrees)
    victim = max(shown(api) - {gunicorn.master})
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in shown(api))
    until(lambda: set(by_ps(gunicorn.master)) == shown(api) and len(shown(api)) == 5)


def test_the_worker_that_works_is_the_one_with_the_cpu(gunicorn: Gunicorn, api: RunningApi, tmp_path: Path) -> None:
    until(lambda: len(shown(api)) == 5)
    seen = tmp_path / "seen"
    address = f"http://127.0.0.1:{gunicorn.port}/?{seen}"
    request = threading.Thread(target=httpx.get, args=(address,), kwargs={"timeout": None, "trust_env": False})
    request.start()

    def busiest() -> int:
        """The one worker that takes clearly more than the others, or 0."""
        rising = sorted((worker["resource_usage"]["cpu_percent"], worker["pid"]) for worker in api.workers().values())
        return int(rising[-1][1]) if rising[-1][0] > 1 + 3 * rising[-2][0] else 0

    try:
        until(lambda: busiest() == max(shown(api), key=cpu_seconds))
    finally:
        seen.touch()
        request.join()
    until(lambda: {worker["status"] for worker in api.workers().values()} == {"idle"})
