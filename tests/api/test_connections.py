"""Clients that connect and keep silent, or never come to an end: those who ask are answered all the same."""

from __future__ import annotations

import contextlib
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.api.conftest import RunningApi, marked
from tests.lab import PATIENCE, until

FILES = 200
HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
BODY = b"PUT /api/workers/registry/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"


HURRIED = 2.0
SO_FAR = [b"", b"GET", HEAD, BODY]
"""Nothing, a word, half a head, half a body."""


@pytest.fixture
def poor(tmp_path: Path) -> Iterator[RunningApi]:
    """An API that may open few files."""
    api = _launched(tmp_path, f"ulimit -n {FILES}", "-m", "sentinel_tasks.api")
    yield api
    api.end()


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API that has less patience; its tests share it."""
    lines = ["from sentinel_tasks.api import __main__, connections", f"connections.SILENT_SECONDS = {HURRIED}"]
    api = _launched(tmp_path_factory.mktemp("workspace"), ":", "-c", "; ".join([*lines, "__main__.main()"]))
    yield api
    api.end()


def _launched(workspace: Path, before: str, *words: str) -> RunningApi:
    with (workspace / "stderr").open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", f'{before}; exec "$@"', "sh", sys.executable, *words, "--port", "0"],
            env=marked(workspace, "telemetry"), stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    return RunningApi(process, workspace)


@contextlib.contextmanager
def clients(api: RunningApi, count: int, *says: bytes) -> Iterator[list[socket.socket]]:
    """Connections that each say one of these and then nothing."""
    with contextlib.ExitStack() as opened:
        found = []
        for number in range(count):
            found.append(opened.enter_context(socket.create_connection(("127.0.0.1", api.port), PATIENCE)))
            with contextlib.suppress(OSError):
                found[-1].sendall(says[number % len(says)])
        yield found


def has_ended(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(65536, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_silent_connections_keep_no_one_from_being_answered(poor: RunningApi) -> None:
    """500 of them at `ulimit -n 200`: `/healthz` timed out for good, with 33 MB of stderr a minute."""
    many = min(500, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
    with clients(poor, many, *SO_FAR) as silent:
        for _ in range(20):
            assert poor.http.get("/healthz", headers={"Connection": "close"}).status_code == 200
        until(lambda: all(map(has_ended, silent)))
    assert poor.registry()["total"] >= 0
    assert (poor.workspace / "stderr").stat().st_size < 10_000


def test_a_head_that_never_ends_is_broken_off(hurried: RunningApi) -> None:
    with clients(hurried, 1, HEAD) as (client,):
        dripping = threading.Thread(target=_drip, args=(client,), daemon=True)
        dripping.start()
        dripping.join(PATIENCE)
        assert not dripping.is_alive(), "it was let go on"


def _drip(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while not has_ended(client):
            client.setblocking(True)
            client.sendall(b"X: y\r\n")
            time.sleep(0.05)


def test_what_no_server_understands_is_not_written_to_the_log(poor: RunningApi) -> None:
    with clients(poor, 100, b"\x16\x03\x01 not HTTP\r\n\r\n") as (*_, last):
        until(lambda: last.recv(65536) == b"" or True)
    assert poor.registry()["total"] >= 0
    assert (poor.workspace / "stderr").read_bytes() == b""


def test_whoever_asks_again_and_again_on_one_connection_is_not_silent(hurried: RunningApi) -> None:
    with clients(hurried, 1, b"") as (client,):
        began = last = time.monotonic()
        while time.monotonic() - began < 1.5 * HURRIED:
            client.sendall(HEAD + b"\r\n")
            answer = _answer(client)
            if time.monotonic() - last > HURRIED / 2:
                return  # the machine was so slow that it was silent
            assert answer.endswith(b'{"status":"ok"}')
            last = time.monotonic()
            time.sleep(0.1)


def _answer(client: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"}") and (more := client.recv(65536)):
        answer += more
    return answer


def test_a_stream_lasts_although_its_client_says_nothing(hurried: RunningApi) -> None:
    with connect(f"ws://127.0.0.1:{hurried.port}/ws/workers/telemetry", proxy=None, open_timeout=PATIENCE) as client:
        began = time.monotonic()
        while time.monotonic() - began < 1.5 * HURRIED:
            assert client.recv(PATIENCE)
