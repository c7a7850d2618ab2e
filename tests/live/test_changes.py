"""A configuration that changes while a service runs: nobody said a word of it."""

from __future__ import annotations

import json
import stat
from typing import Any

from tests.lab import STAYS, Lab

CHANGED = "its configuration has changed since it was started: command, env.LEVEL, env_file.TOKEN, health"


def configure(lab: Lab, **keys: Any) -> None:
    (lab.path / "invoke.yaml").write_text(json.dumps({"sentinel": {"services": {"dev": keys, "telemetry": STAYS}}}))


def test_what_has_changed_is_told_and_applied(lab: Lab) -> None:
    keys: dict[str, Any] = {**STAYS, "port": lab.port()}
    (lab.path / ".env").write_text("TOKEN=hunter2\n")
    configure(lab, **keys, env={"LEVEL": "info", "SAME": 1}, env_file=".env")
    assert lab.inv("up").code == 0
    fresh = lab.inv("dev.status", "--json").json
    assert (fresh["config"], fresh["config_changes"], fresh["notes"]) == ("current", [], [])
    (lab.path / ".env").write_text("TOKEN=hunter3\n")
    later = {**keys, "command": f"echo new; {keys['command']}", "health": {"log": "^up"}}
    configure(lab, **later, env={"LEVEL": "debug", "SAME": 1}, env_file=".env")
    assert f"{CHANGED}; inv dev.restart applies it" in lab.inv("dev.status").out
    assert CHANGED in lab.inv("ps").out
    up = lab.inv("up")
    found = [CHANGED in up.out, "already running" in up.out, "inv up --apply" in up.out]
    assert (up.code, found) == (0, [True] * 3), up.said
    told = lab.sentinel("status", "dev", "--json").json
    assert (told["config"], told["config_changes"]) == ("changed", ["command", "env.LEVEL", "env_file.TOKEN", "health"])
    doctor = lab.inv("doctor")
    assert (doctor.code, f"dev: {CHANGED}" in doctor.out, "inv up --only dev --apply" in doctor.out) == (1, True, True)
    before = {each["service"]: each["pid"] for each in lab.inv("ps", "--json").json["workspaces"][0]["services"]}
    applied = lab.inv("up", "--apply")
    assert (applied.code, "dev: restarted" in applied.out, "telemetry: already running" in applied.out) == (
        0,
        True,
        True,
    )
    after = {each["service"]: each["pid"] for each in lab.inv("ps", "--json").json["workspaces"][0]["services"]}
    assert (before["telemetry"], before["dev"] != after["dev"]) == (after["telemetry"], True)
    assert lab.inv("dev.status", "--json").json["config"] == "current"
    assert "already running" in lab.inv("up", "--apply").out


def test_what_nobody_knows_is_not_said_to_have_changed(lab: Lab) -> None:
    port, other = lab.port(), lab.port()
    keys: dict[str, Any] = {**STAYS, "port": port}
    configure(lab, **keys, env={"TOKEN": "hunter2"})
    assert lab.inv("dev.start", "--port", str(other)).code == 0
    told = lab.inv("dev.status", "--json").json
    assert (told["port"], told["config"]) == (other, "current"), "what a flag asked for is no change"
    for file in lab.state("dev.started.json") + lab.state("salt"):
        assert (stat.S_IMODE(file.stat().st_mode), b"hunter2" in file.read_bytes()) == (0o600, False)
    assert b"env.TOKEN" in lab.state("dev.started.json")[0].read_bytes()
    (lab.path / "invoke.yaml").write_text("sentinel: [")
    assert lab.inv("dev.status", "--json").json["config"] is None, "a broken file tells nothing"
    configure(lab, **{**keys, "command": "exec sleep 601"})
    assert lab.inv("dev.stop").code == 0
    assert lab.inv("dev.status", "--json").json["config"] is None, "what does not run has no other configuration"
