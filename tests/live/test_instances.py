"""Several instances of one service, each behind a port of its own (contract: Configuration, Instances)."""

from __future__ import annotations

from typing import Any

from tests.lab import STAYS, Lab

APP = {
    "command": "env | grep -E 'SENTINEL_(PORT_WEB|INST)'; echo all told; exec sleep 600",
    "depends_on": ["web"],
    "health": {"log": "all told"},
}


def rows(lab: Lab) -> dict[str, Any]:
    """What `ps` tells of the instances."""
    found = lab.sentinel("ps", "--json").json["workspaces"][0]["services"]
    return {each["service"]: each for each in found if each["service"].startswith("web")}


def running(lab: Lab) -> dict[str, int]:
    """The pid of each that runs."""
    return {name: each["pid"] for name, each in rows(lab).items() if each["state"] == "running"}


def test_three_instances_are_scaled_and_leave_nothing(lab: Lab) -> None:
    keys = {**STAYS, "command": f"echo I am $SENTINEL_INSTANCE; {STAYS['command']}", "port": "auto"}
    lab.configure(web={**keys, "instances": 3}, app=APP)
    assert lab.inv("app.start").code == 0
    told, first = rows(lab), running(lab)
    assert [*first] == ["web-1", "web-2", "web-3"]
    ports = {name: each["port"] for name, each in told.items()}
    assert len(set(ports.values())) == 3
    assert {f"web-{n}: I am {n}" for n in (1, 2, 3)} <= {*lab.sentinel("logs", "web", "--json").json["lines"]}
    known = {
        "all told",
        f"SENTINEL_PORT_WEB={ports['web-1']}",
        *(f"SENTINEL_PORT_WEB_{n[-1]}={p}" for n, p in ports.items()),
    }
    assert {*lab.sentinel("logs", "app", "--json").json["lines"]} == known

    assert lab.inv("scale", "web=1").code == 0
    assert running(lab) == {"web-1": first["web-1"]}
    assert [*rows(lab)] == ["web-1"]
    scaled = lab.inv("scale", "web=2", "--json")
    assert (scaled.code, [each["changed"] for each in scaled.json["services"]]) == (0, [False, True])
    assert {**running(lab), "web-2": 0} == {"web-1": first["web-1"], "web-2": 0}

    lab.configure(web={**keys, "instances": 1}, app=APP)
    left = rows(lab)["web-2"]["notes"]
    assert left == ["it is configured no more; inv up --only web --apply ends it"]
    assert "inv up --only web --apply" in lab.inv("doctor").out
    assert lab.inv("up", "--only", "web", "--apply").code == 0
    assert running(lab) == {"web-1": first["web-1"]}

    assert lab.inv("down").code == 0
    assert lab.services() == []


def test_what_can_not_be_scaled_is_told_with_what_makes_it_possible(lab: Lab) -> None:
    one, fixed = {"command": "sleep 600"}, {"command": "sleep 600", "port": lab.port(), "instances": 1}
    lab.configure(web={**one, "instances": 2}, one=one, fixed=fixed)
    told = lab.inv("scale", "web=many", "one=2", "fixed=2", "wbe=1", "--json")
    assert told.code == 2
    reasons = {each["value"]: each["reason"] for each in told.json["problems"]}
    assert reasons == {
        "web=many": "must be NAME=N, such as web=3, with N from 1 to 100",
        "one=2": "there is one of it; with sentinel.services.one.instances: 1 there may be more",
        "fixed=2": "one port is not enough for 2; sentinel.services.fixed.port must be auto",
        "wbe=1": "unknown service; did you mean web?",
    }
    assert lab.state("scale.json") == []
    kept = lab.inv("scale", "web=3")
    assert (kept.code, kept.out) == (0, "web: does not run; inv web.start starts 3 of it\n")
    assert [*rows(lab)] == ["web-1", "web-2", "web-3"]
    assert (lab.inv("down").code, lab.state("scale.json")) == (0, [])
