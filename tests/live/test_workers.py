"""`telemetry.workers` and `telemetry.open`: what the API knows, whatever API answers."""

from __future__ import annotations

import json

from tests.lab import Lab, until

SHOP = """
from sentinel_tasks import service, telemetry, workspace

queue = service("queue", command="echo up; exec sleep 600", health={"log": "up"})
namespace = workspace(telemetry, queue)
"""


def test_the_embedded_api_lists_the_processes_of_the_workspace(lab: Lab) -> None:
    lab.configure(telemetry={"port": lab.port()})
    (lab.path / "tasks.py").write_text(SHOP)
    assert lab.inv("up").code == 0
    pid = lab.sentinel("status", "queue", "--json").json["pid"]
    listed = until(lambda: lab.inv("telemetry.workers", "--json").json["workers"], "a worker")
    assert [(worker["service"], worker["pid"]) for worker in listed] == [("queue", pid)]
    table = lab.inv("telemetry.workers").out
    assert f"queue-{pid}" in table
    assert "idle" in table
    status = lab.inv("telemetry.status").out
    assert "Workers: 1 (1 idle, 0 working, 0 error)" in status


def test_another_api_lists_its_workers_too_and_where_there_is_no_browser_its_address_is_told(lab: Lab) -> None:
    body = json.dumps({"workers": {"a": {"status": "working", "current_job": "x\x1b[31m"}, "b": {"status": "idle"}}})
    port = lab.port()
    lab.configure(telemetry={"command": lab.server("--body", body), "port": port})
    assert lab.inv("telemetry.activate", "--json").json["workers"] == 2
    table = lab.inv("telemetry.workers").out
    assert "\x1b" not in table
    assert [line.split()[0] for line in table.splitlines()] == ["WORKER", "a", "b"]
    assert lab.inv("telemetry.open").out.strip() == f"http://localhost:{port}/"


def test_without_an_api_both_say_so(lab: Lab) -> None:
    lab.configure(telemetry={"command": lab.server(), "port": lab.port()})
    assert lab.inv("telemetry.workers").code == 3
    assert lab.inv("telemetry.workers", "--json").json["workers"] == []
    assert lab.inv("telemetry.open").code == 3


def test_a_health_check_that_lists_no_workers_is_not_taken_for_a_registry_without_any(lab: Lab) -> None:
    body = '{"total": 3, "summary": {"total": 3}}'
    lab.configure(telemetry={"command": lab.server("--body", body), "health": "/up", "port": lab.port()})
    assert lab.inv("telemetry.activate").code == 0
    told = lab.inv("telemetry.workers")
    assert (told.code, told.out.strip()) == (0, "its health check does not list the workers")
    assert lab.inv("telemetry.workers", "--json").json["workers"] is None
