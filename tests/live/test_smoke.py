"""The main job, once through: activate, status, logs, stop."""

from __future__ import annotations

from tests.lab import Lab, is_open, until


def test_a_service_is_started_seen_and_stopped(lab: Lab) -> None:
    port = lab.port()
    lab.configure(telemetry={"command": lab.server("--body", '{"total": 47}'), "port": port})
    assert lab.inv("telemetry.status").code == 3
    activated = lab.inv("telemetry.activate", "--json")
    assert activated.code == 0
    assert activated.json["state"] == "running"
    assert activated.json["changed"] is True
    assert activated.json["workers"] == 47
    assert lab.windows() == ["sentinel-app:2:📡 telemetry"]
    again = lab.inv("telemetry.activate", "--json")
    assert again.json["changed"] is False
    assert again.json["pid"] == activated.json["pid"]
    until(lambda: f"listening on {port}" in lab.inv("telemetry.logs").out)
    assert lab.inv("telemetry.stop").code == 0
    assert not is_open(port)
    assert lab.services() == []
    assert lab.inv("telemetry.status", "--json").json["state"] == "stopped"
