"""For workers: say how you fare, in one line. Standard library only; never raises, never waits for long.

from sentinel_tasks.api.client import report
report(status="working", current_job="resize 12", queue_depth=3)
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import time
from urllib.parse import quote, urlsplit

TIMEOUT = 0.5  # seconds
PAUSE = 5.0  # seconds without another try after an API that did not answer in time
LONGEST_TEXT = 500

_quiet_until = 0.0


def report(*, worker_id: str | None = None, url: str | None = None, **fields: object) -> bool:
    """Tell the Worker Telemetry API about this worker; True if it took the report.

    Fields (contract: API): `status` (idle, working, error, terminated), `queue_depth`, `current_job`,
    `messages_processed`,
    `errors`, `last_error`, `ttl` (seconds of silence after which the worker counts as terminated; 30), `service`.
    A field left out keeps its last value. `worker_id` is $WORKER_ID, else made of host and pid; `url` is
    $WORKER_API_URL, else the workspace's telemetry port on this machine.
    """
    name = os.environ.get("SENTINEL_SERVICE", "")
    if re.fullmatch(r"[a-z][a-z0-9-]{0,63}", name):
        fields.setdefault("service", name)
    fields.setdefault("pid", os.getpid())
    return _ask("PUT", worker_id, url, {key: _cut(value) for key, value in fields.items()})


def leave(*, worker_id: str | None = None, url: str | None = None) -> bool:
    """Take this worker out of the registry; True if it was in it."""
    return _ask("DELETE", worker_id, url, None)


def default_worker_id() -> str:
    """$WORKER_ID, else this machine's name and this process's pid."""
    given = os.environ.get("WORKER_ID")
    return given or re.sub(r"[^A-Za-z0-9._-]", "-", f"w-{socket.gethostname()}")[:100] + f"-{os.getpid()}"


def default_url() -> str:
    """$WORKER_API_URL, else loopback on the workspace's telemetry port."""
    names = ("SENTINEL_PORT_TELEMETRY", "WORKER_API_PORT")
    port = next((os.environ[name] for name in names if os.environ.get(name)), "3000")
    return os.environ.get("WORKER_API_URL") or f"http://127.0.0.1:{port}"


def _cut(value: object) -> object:
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def _ask(method: str, worker_id: str | None, url: str | None, document: dict[str, object] | None) -> bool:
    global _quiet_until  # noqa: PLW0603
    if time.monotonic() < _quiet_until:
        return False
    try:
        body = None if document is None else json.dumps(document)
        return 200 <= _status(method, worker_id or default_worker_id(), url or default_url(), body) < 300
    except (OSError, http.client.HTTPException):
        _quiet_until = time.monotonic() + PAUSE
    except (ValueError, TypeError):
        pass  # a value that is no JSON, or an address that is none: not worth a worker's life
    return False


def _status(method: str, worker_id: str, url: str, body: str | None) -> int:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=TIMEOUT)
    token = os.environ.get("TES_DEV_TOKEN")
    headers = {"Content-Type": "application/json", **({"X-TES-Dev-Token": token} if token else {})}
    try:
        connection.request(method, f"/api/workers/registry/{quote(worker_id, safe='')}", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
