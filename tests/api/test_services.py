"""Who may have services started and stopped over HTTP, and what else is refused before anything runs."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from sentinel_tasks.api import peer
from sentinel_tasks.api.options import Options
from sentinel_tasks.api.states import EVENTS, SCALES, States, _refusal
from sentinel_tasks.system.state_folder import State
from tests.api.conftest import RunningApi, Start
from tests.lab import Lab, until

FOREIGN = ({"Origin": "http://localhost:5173"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"})


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_port_of_this_machine_may_do_nothing(empty_api: RunningApi, headers: dict[str, str]) -> None:
    for method, path in (("POST", "/web/stop"), ("GET", "/web/logs"), ("GET", "")):
        answer = empty_api.http.request(method, f"/api/services{path}", headers=headers)
        assert (answer.status_code, "origin" in answer.json()["error"]) == (403, True)


def test_its_stream_of_services_is_not_for_another_page_either(empty_api: RunningApi) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{empty_api.port}/ws/services", origin=Origin("http://localhost:5173"), proxy=None)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [("Web/stop", 400), ("--yes/stop", 400), ("web/remove", 404), ("telemetry/stop", 409), ("telemetry/restart", 409)],
)
def test_what_can_not_be_done_is_refused(empty_api: RunningApi, path: str, status: int) -> None:
    assert empty_api.http.post(f"/api/services/{path}").status_code == status


@pytest.mark.parametrize("body", ["", "{}", '{"count": 0}', '{"count": 101}', '{"count": "x"}'])
def test_a_wrong_number_of_instances_is_refused(empty_api: RunningApi, body: str) -> None:
    assert empty_api.http.post("/api/services/web/scale", content=body).status_code == 400


def test_one_that_only_shows_does_nothing(start: Start) -> None:
    api = start(WORKER_API_READ_ONLY="1", SENTINEL_WORKER_COMMAND='["sleep", "60"]')
    for path, body in (("services/web/start", None), ("workers/scale", {"count": 1})):
        answer = api.http.post(f"/api/{path}", json=body)
        assert (answer.status_code, "--read-only" in answer.json()["error"]) == (403, True)


def test_with_a_token_nothing_is_told_or_done_without_it(closed_api: RunningApi) -> None:
    for method, path in (("GET", ""), ("GET", "/web/logs"), ("POST", "/web/start")):
        assert closed_api.http.request(method, f"/api/services{path}").status_code == 401


def test_state_log_and_acts_are_those_of_the_tasks(lab: Lab, start: Start) -> None:
    """Nothing that is started from here takes the API's own environment for its own."""
    command = "echo $SENTINEL_SERVICE ${WORKER_API_PORT-none} >told; echo ready; exec sleep 9999"
    lab.configure(worker={"command": command, "health": {"log": "ready"}})
    api = start(by_itself=True, **{**lab.environ, "SENTINEL_WORKSPACE": str(lab.path), "WORKER_API_PORT": "0"})
    done = api.http.post("/api/services/worker/start").json()
    assert (done["code"], done["error"], done["services"][0]["state"]) == (0, None, "running")
    assert (lab.path / "told").read_text() == "worker none\n"
    told = api.http.get("/api/services").json()
    states = {each["service"]: each["state"] for each in told["workspaces"][0]["services"]}
    assert (states["worker"], told["cpu_percent"] is None) == ("running", False)
    assert "start" in [event["event"] for event in told["events"]]
    with api.http.stream("GET", "/api/services/worker/logs") as log:
        assert json.loads(next(log.iter_lines()))["line"] == "ready"
    unknown = api.http.post("/api/services/nobody/start").json()
    assert (unknown["code"], "nobody" in unknown["error"]) == (2, True)
    assert api.http.post("/api/services/worker/stop").json()["code"] == 0
    until(lambda: lab.inv("worker.status").code == 3)


REFUSED = {"error": "the configuration is wrong", "problems": [{"key": "web.port", "value": 0, "reason": "no port"}]}


def test_why_nothing_can_be_told_is_told() -> None:
    whole = json.dumps(REFUSED, indent=2).encode().splitlines(keepends=True)
    assert _refusal(whole, [], 2) == {"error": REFUSED["error"], "warnings": ["web.port: no port"]}
    assert _refusal([], ["no such module"], 1) == {"error": "ps ended with exit code 1", "warnings": ["no such module"]}


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_whose_the_other_end_of_a_connection_is(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as listener, socket.socket(family) as client:
        listener.bind((host, 0))
        listener.listen()
        client.connect(listener.getsockname())
        with listener.accept()[0]:
            assert peer.uid_of(*client.getsockname()[:2]) == os.getuid()
    assert peer.uid_of("127.0.0.9", 9) is None


def test_another_user_of_this_machine_is_not_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "uid_of", lambda host, port: os.getuid() + 1)
    assert not peer.is_of_this_user("127.0.0.1", 1)


def test_the_files_that_it_reads_are_those_that_the_tasks_write(tmp_path: Path) -> None:
    written = State(tmp_path)
    assert (written.scales_file.name, written.events.name) == (SCALES, EVENTS)


@pytest.mark.parametrize("changed", ["scale.json", "invoke.yaml"])
def test_services_that_were_scaled_or_configured_anew_are_looked_at_anew(tmp_path: Path, changed: str) -> None:
    """After `scale web=1` the page went on showing three of them."""
    states = States(Options(str(tmp_path)))
    states.learn([{"log": str(tmp_path / "web.log")}])
    assert not states.is_outdated()
    (tmp_path / changed).write_text("{}")
    assert states.is_outdated()
