"""The WebSocket stream."""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.api.conftest import RunningApi, Start
from tests.lab import PATIENCE, until


def stream(
    api: RunningApi, headers: Mapping[str, str] | None = None, subprotocols: Sequence[str] = ()
) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{api.port}/ws/workers/telemetry",
        proxy=None,
        additional_headers=headers,
        subprotocols=[Subprotocol(one) for one in subprotocols] or None,
        open_timeout=PATIENCE,
    )


def clients(api: RunningApi) -> str:
    lines = api.http.get("/metrics").text.splitlines()
    return next(line.split()[1] for line in lines if line.startswith("sentinel_stream_clients "))


def worker(client: ClientConnection) -> dict[str, Any]:
    """What the next document tells of it, which may have been sent before it was there."""
    found: dict[str, Any] = json.loads(client.recv(timeout=PATIENCE))["workers"].get("w1", {})
    return found


def test_the_document_comes_at_once_and_then_every_second(api: RunningApi) -> None:
    began = time.monotonic()
    with stream(api) as client:
        first = json.loads(client.recv(timeout=PATIENCE))
        assert set(first) == {"timestamp", "total", "summary", "workers"}
        api.http.put("/api/workers/registry/w1", json={"status": "working"})
        told = [worker(client) for _ in range(3)][-1]
        assert time.monotonic() - began > 1, "they came as fast as they could be sent"
        assert (told or until(lambda: worker(client)))["status"] == "working"


def test_clients_that_leave_are_forgotten(empty_api: RunningApi) -> None:
    with stream(empty_api) as client:
        client.recv()
        until(lambda: clients(empty_api) == "1.0")
    until(lambda: clients(empty_api) == "0.0")


def test_what_a_client_says_is_ignored(empty_api: RunningApi) -> None:
    with stream(empty_api) as client:
        client.recv()
        for _ in range(20):
            client.send("hello")
        client.recv()
        client.recv()


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_another_origin_is_refused(empty_api: RunningApi, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused:
        stream(empty_api, headers=headers)
    assert refused.value.response.status_code == 403


def test_the_token_comes_as_a_header_or_as_a_subprotocol(start: Start) -> None:
    api = start(TES_DEV_TOKEN="sécret")
    with pytest.raises(InvalidStatus) as refused:
        stream(api)
    assert refused.value.response.status_code == 401
    assert b"X-TES-Dev-Token" in (refused.value.response.body or b"")
    encoded = base64.urlsafe_b64encode("sécret".encode()).decode().rstrip("=")
    with stream(api, subprotocols=["sentinel.v1", f"token.{encoded}"]) as client:
        assert client.subprotocol == "sentinel.v1"
        client.recv()


def test_clients_are_bounded(api: RunningApi) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(stream(api))
        with pytest.raises(InvalidStatus) as refused:
            stream(api)
        assert refused.value.response.status_code == 503
        assert api.http.get("/healthz").status_code == 200
