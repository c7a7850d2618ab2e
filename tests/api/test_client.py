"""What a worker calls, against a real API."""

import os
import socket
import threading

import pytest

from sentinel_tasks.api import client
from tests.api.conftest import RunningApi
from tests.lab import LONG, PATIENCE


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_quiet_until", 0.0)
    monkeypatch.setattr(client, "TIMEOUT", PATIENCE)
    for name in ("WORKER_ID", "WORKER_API_URL", "WORKER_API_PORT", "SENTINEL_PORT_TELEMETRY", "SENTINEL_SERVICE"):
        monkeypatch.delenv(name, raising=False)


def test_report_and_leave(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_API_URL", api.url)
    monkeypatch.setenv("SENTINEL_SERVICE", "queue")
    assert client.report(status="working", current_job="x" * 1000, queue_depth=3) is True
    ((worker_id, worker),) = api.workers().items()
    assert worker_id == client.default_worker_id()
    assert (worker["pid"], worker["service"], worker["queue_depth"]) == (os.getpid(), "queue", 3)
    assert client.leave() is True
    assert client.leave() is False
    assert api.workers() == {}


def test_the_workspaces_port_and_the_workers_name_come_from_the_environment(
    api: RunningApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTINEL_PORT_TELEMETRY", str(api.port))
    monkeypatch.setenv("WORKER_ID", "worker-9")
    assert client.report(status="idle") is True
    assert list(api.workers()) == ["worker-9"]


def test_a_wrong_value_is_false_and_no_exception(api: RunningApi) -> None:
    assert client.report(url=api.url, status="asleep") is False
    assert client.report(url=api.url, status=object()) is False
    assert client.report(url="http://[", status="idle") is False
    assert client.report(url=api.url, status="idle") is True


def test_whoever_does_not_answer_is_not_asked_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 0.2)
    monkeypatch.setattr(client, "PAUSE", LONG)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("WORKER_API_PORT", str(silent.getsockname()[1]))
        assert [client.report(status="idle") for _ in range(20)] == [False] * 20
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_an_https_address_is_not_spoken_to_in_clear_text() -> None:
    """The report went out readable, with its token, on port 80."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        heard: list[bytes] = []

        def listen() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(100))

        thread = threading.Thread(target=listen)
        thread.start()
        assert not client.report(url=f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    hello = b"\x16\x03"  # TLS, a handshake
    assert heard[0].startswith(hello)
