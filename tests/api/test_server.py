"""The program: starting, ending, and saying why not."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.sync.client import connect

from sentinel_tasks import installation
from sentinel_tasks.api import stream
from tests.api.conftest import Start, clean_environment
from tests.lab import PATIENCE, until

RUN_WITHOUT = "import sys, runpy; sys.modules['{}'] = None; runpy.run_module('sentinel_tasks.api', run_name='__main__')"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_taken_port_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("-m", "sentinel_tasks.api", WORKER_API_PORT=str(port))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@pytest.mark.parametrize("library", ["starlette", "uvicorn", "websockets", "prometheus_client"])
def test_a_missing_extra_names_the_command_that_installs_it(library: str) -> None:
    result = run("-c", RUN_WITHOUT.format(library), PORT="0")
    assert result.returncode == 1
    typed = installation.command(installation.extra("api"))
    assert result.stderr == f"the Worker Telemetry API needs {library}: {typed}\n"


def test_a_wrong_value_is_one_line() -> None:
    result = run("-m", "sentinel_tasks.api", PORT="many")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_at_once_and_quietly_with_streams_open(
    start: Start, number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    api = start(by_itself=True)
    api.registry()
    with connect(f"ws://127.0.0.1:{api.port}/ws/workers/telemetry", proxy=None, open_timeout=PATIENCE) as client:
        client.recv()
        assert api.end(number, stream.PATIENCE / 2) == 0
    assert capfd.readouterr().err == ""


def test_it_ends_at_once_although_a_stream_is_not_read(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    api = start(by_itself=True)
    for number in range(300):
        api.http.put(f"/api/workers/registry/w{number}", json={"current_job": "x" * 400})
    with socket.create_connection(("127.0.0.1", api.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(
            b"GET /ws/workers/telemetry HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        until(lambda: "sentinel_stream_clients 1.0" in api.http.get("/metrics").text)
        assert api.end(seconds=stream.PATIENCE / 2) == 0, "it waited for the client"
    assert capfd.readouterr().err == ""


def test_asked_to_end_while_still_starting() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sentinel_tasks.api", "--port", "0"], env=clean_environment(), stderr=subprocess.PIPE
    )
    try:
        until(lambda: _handles_interrupt(process.pid))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.communicate()


def _handles_interrupt(pid: int) -> bool:
    """The interpreter takes SIGINT over early; ours is in place as soon as SIGTERM (15) is caught too."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
    return bool(caught & (1 << (signal.SIGTERM - 1)))


def test_the_service_is_telemetry_unless_told_otherwise(start: Start) -> None:
    api = start(SENTINEL_SERVICE="")
    document = api.http.get("/api/workspace").json()
    assert document["service"] == "telemetry"
    assert Path(document["workspace"]) == api.workspace
