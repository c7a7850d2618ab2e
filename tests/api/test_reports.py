"""Workers that report themselves, and what the API refuses."""

import json
import socket

import httpx
import pytest

from tests.api.conftest import RunningApi, Start
from tests.lab import until


def put(api: RunningApi, worker_id: str, **fields: object) -> httpx.Response:
    return api.http.put(f"/api/workers/registry/{worker_id}", json=fields)


def test_a_worker_comes_works_fails_and_leaves(api: RunningApi) -> None:
    assert put(api, "w1", status="working", current_job="a", queue_depth=3).json() == {"id": "w1", "ttl": 30.0}
    assert api.workers()["w1"]["current_job"] == "a"
    assert api.registry()["summary"] == {"total": 1, "idle": 0, "working": 1, "error": 0, "total_queue_depth": 3}
    put(api, "w1", status="error", errors=1, last_error="boom")
    assert api.workers()["w1"]["last_error"] == "boom"
    assert api.http.delete("/api/workers/registry/w1").status_code == 204
    assert api.workers() == {}
    assert api.http.delete("/api/workers/registry/w1").status_code == 404


def test_a_silent_worker_terminates(api: RunningApi) -> None:
    put(api, "w1", status="working", ttl=1)
    until(lambda: api.workers()["w1"]["status"] == "terminated")


@pytest.mark.parametrize(
    "worker_id", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%20b", "-x", "x" * 129, "%00", "%F0%9F%9A%80"]
)
def test_a_wrong_id_is_a_clear_400(empty_api: RunningApi, worker_id: str) -> None:
    answer = put(empty_api, worker_id, status="idle")
    assert answer.status_code == 400
    assert "id must match" in answer.json()["error"]
    assert empty_api.workers() == {}


def test_climbing_out_of_the_path_finds_nothing(empty_api: RunningApi) -> None:
    with socket.create_connection(("127.0.0.1", empty_api.port)) as raw:
        raw.sendall(
            b"PUT /api/workers/registry/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"status": "\xff"}', b'{"status": "asleep"}', b'{"queue_depth": -1}',
        b'{"queue_depth": 1.5}', b'{"queue_depth": "3"}', b'{"errors": 1e400}', b'{"ttl": 0}', b'{"ttl": 1e9}',
        b'{"ttl": NaN}', b'{"pid": 0}', b'{"pid": 99999999999999999999}', b'{"service": "../x"}', b'{"unknown": 1}',
        b'{"current_job": 1}', b'{"current_job": "\\ud800"}', b"[" * 10_000,
        json.dumps({"current_job": "x" * 501}).encode(),
    ],
)  # fmt: skip
def test_a_wrong_body_is_a_clear_400(empty_api: RunningApi, body: bytes) -> None:
    answer = empty_api.http.put("/api/workers/registry/w1", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert empty_api.workers() == {}


def test_a_huge_body_is_refused_and_the_sender_hears_it(empty_api: RunningApi) -> None:
    chunk = bytes(100_000)
    whole = empty_api.http.put("/api/workers/registry/w1", content=bytes(4_000_000))
    pieces = empty_api.http.put("/api/workers/registry/w1", content=(chunk for _ in range(40)))
    for answer in (whole, pieces):
        assert answer.status_code == 413
        assert "larger than" in answer.json()["error"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "[::2]", "10.0.0.1", "a b", ""]
)
def test_another_host_is_refused(empty_api: RunningApi, host: str) -> None:
    answer = empty_api.http.get("/api/workers/registry", headers={"Host": host})
    assert answer.status_code in {400, 403}
    assert "Host" in answer.text or "Invalid" in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "127.1.2.3:80", "[::1]:3000"])
def test_loopback_hosts_are_served(empty_api: RunningApi, host: str) -> None:
    assert empty_api.http.get("/api/workers/registry", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost.evil.example", "file://", "http://[::2]"]
)
def test_another_origin_is_refused(empty_api: RunningApi, origin: str) -> None:
    answer = empty_api.http.get("/api/workers/registry", headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_a_loopback_origin_may_ask(empty_api: RunningApi) -> None:
    origin = {"Origin": "http://localhost:3002"}
    answer = empty_api.http.get("/api/workers/registry", headers=origin)
    assert answer.headers["access-control-allow-origin"] == origin["Origin"]
    asked = {**origin, "Access-Control-Request-Method": "PUT"}
    preflight = empty_api.http.options("/api/workers/registry/w1", headers=asked)
    assert preflight.status_code == 204
    assert "PUT" in preflight.headers["access-control-allow-methods"]


def test_a_further_host_can_be_allowed(start: Start) -> None:
    api = start(arguments=["--allow-host", "dev.example"])
    assert api.http.get("/healthz", headers={"Host": "dev.example:3000"}).status_code == 200
    assert api.http.get("/healthz", headers={"Host": "dev.example", "Origin": "http://dev.example"}).status_code == 200
    assert api.http.get("/healthz", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/api/workers/registry", "/api/workspace", "/metrics", "/ws/workers/telemetry", "/api/", "/nothing"]
)
def test_with_a_token_set_everything_of_the_api_needs_it(closed_api: RunningApi, path: str) -> None:
    for wrong in ({}, {"X-TES-Dev-Token": "wrong"}, {"X-TES-Dev-Token": ""}, {"Sec-WebSocket-Protocol": "token.!!"}):
        refused = closed_api.http.get(path, headers=wrong)
        assert (refused.status_code, "X-TES-Dev-Token" in refused.json()["error"]) == (401, True)
    assert closed_api.http.get(path, headers=[(b"X-TES-Dev-Token", "pässword".encode())]).status_code != 401


@pytest.mark.parametrize("path", ["/", "/healthz", "/dashboard.js", "/dashboard.css", "/openapi.json"])
def test_the_page_itself_and_liveness_need_no_token(closed_api: RunningApi, path: str) -> None:
    assert closed_api.http.get(path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("POST", "/api/workers/registry", 405),
        ("GET", "/api/workers/scale", 405),
        ("GET", "/api/workers/registry/w1", 405),
        ("GET", "/ws/workers/telemetry", 426),
        ("GET", "/api/workers/snapshot/nobody", 404),
        ("GET", "/metrics/", 404),
    ],
)
def test_what_is_not_there_is_told_as_json(empty_api: RunningApi, method: str, path: str, status: int) -> None:
    answer = empty_api.http.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["error"])


def test_liveness(empty_api: RunningApi) -> None:
    assert empty_api.http.get("/healthz").json() == {"status": "ok"}
