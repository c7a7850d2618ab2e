"""One worker in depth."""

import gzip
import sys

import psutil

from sentinel_tasks.api.snapshot import Turnstile
from tests.api.conftest import RunningApi, Spawn, Start
from tests.lab import until

OPEN_TWO = """
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
file = open("/etc/hostname")
time.sleep(60)
"""


def test_a_process_in_depth_with_its_secrets_masked(start: Start, spawn: Spawn) -> None:
    dev = spawn(
        "dev", [sys.executable, "-c", "import time; time.sleep(60)", "--password=hunter2"], DB_PASSWORD="hunter3"
    )
    until(lambda: psutil.Process(dev.pid).memory_info().rss > 1_000_000)
    api = start()
    answer = api.http.get(f"/api/workers/snapshot/dev-{dev.pid}")
    assert answer.headers["content-encoding"] == "gzip"
    document = answer.json()
    process = document["process"]
    assert document["worker"]["pid"] == process["pid"] == dev.pid
    assert process["command"][-1] == "--password=***"
    assert process["memory"]["rss"] > 1_000_000
    assert len(process["threads"]) == 1
    assert "hunter" not in answer.text


def test_on_the_wire_it_is_gzip(api: RunningApi) -> None:
    api.http.put("/api/workers/registry/w1", json={})
    with api.http.stream("GET", "/api/workers/snapshot/w1", headers={"Accept-Encoding": "identity"}) as answer:
        content = b"".join(answer.iter_raw())
    assert b'"id":"w1"' in gzip.decompress(content)


def test_files_and_connections_are_listed(start: Start, spawn: Spawn) -> None:
    dev = spawn("dev", [sys.executable, "-c", OPEN_TWO])
    until(lambda: "/etc/hostname" in [file.path for file in psutil.Process(dev.pid).open_files()])
    api = start()
    assert api.workers()[f"dev-{dev.pid}"]["resource_usage"]["open_files"] >= 5
    process = api.http.get(f"/api/workers/snapshot/dev-{dev.pid}").json()["process"]
    assert [file["path"] for file in process["files"]] == ["/etc/hostname"]
    assert [one["state"] for one in process["connections"]] == ["LISTEN"]


def test_only_processes_of_the_workspace_are_looked_into(start: Start) -> None:
    api = start(by_itself=True)
    api.http.put("/api/workers/registry/spy", json={"pid": api.process.pid})
    until(lambda: api.workers()["spy"]["resource_usage"]["rss_mb"])
    assert api.http.get("/api/workers/snapshot/spy").json()["process"] is None


def test_once_in_ten_seconds_for_each_worker(api: RunningApi) -> None:
    for worker_id in ("w1", "w2"):
        api.http.put(f"/api/workers/registry/{worker_id}", json={})
        assert api.http.get(f"/api/workers/snapshot/{worker_id}").status_code == 200
    again = api.http.get("/api/workers/snapshot/w1")
    assert again.status_code == 429
    assert 1 <= int(again.headers["retry-after"]) <= 10


def test_the_turnstile_opens_again() -> None:
    now = [0.0]
    turnstile = Turnstile(10, lambda: now[0])
    assert turnstile.wait("a") == 0
    now[0] = 4
    assert turnstile.wait("a") == 6
    assert turnstile.wait("b") == 0
    now[0] = 10
    assert turnstile.wait("a") == 0
