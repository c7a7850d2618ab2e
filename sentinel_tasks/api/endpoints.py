"""The endpoints of the contract (API): requests in, documents out."""

from __future__ import annotations

import asyncio
import gzip
import math
from datetime import datetime, timezone

import msgspec
import psutil
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response

from sentinel_tasks.api import snapshot
from sentinel_tasks.api.model import MAX_REPORTERS, WORKER_ID, Receipt, ScaleRequest, SelfReport, is_worker_id
from sentinel_tasks.api.registry import TooManyReportersError
from sentinel_tasks.api.responses import JSON, decoded, document, problem
from sentinel_tasks.api.scale import ScaleError
from sentinel_tasks.api.telemetry import Telemetry


async def healthz(request: Request) -> Response:
    """Liveness: that requests are answered and the background work gets done."""
    if not _telemetry(request).is_alive():
        return problem(503, "the background work has stopped")
    return document({"status": "ok"})


async def read_registry(request: Request) -> Response:
    """Every worker."""
    return Response(_telemetry(request).payload(), media_type=JSON)


class Reporter(HTTPEndpoint):
    """A worker that reports itself."""

    async def put(self, request: Request) -> Response:
        """It tells how it fares."""
        return await _report(request)

    async def delete(self, request: Request) -> Response:
        """It leaves."""
        if _telemetry(request).registry.remove(request.path_params["id"]):
            return Response(status_code=204)
        return problem(404, "no worker of this id reports itself")


async def _report(request: Request) -> Response:
    worker_id = request.path_params["id"]
    if not is_worker_id(worker_id):
        return problem(400, f"a worker's id must match {WORKER_ID}")
    said = decoded(await request.body(), SelfReport)
    if isinstance(said, Response):
        return said
    try:
        reporter = _telemetry(request).registry.report(worker_id, said)
    except TooManyReportersError:
        return problem(429, f"{MAX_REPORTERS} workers report themselves already", {"Retry-After": "10"})
    return document(Receipt(worker_id, reporter.ttl))


async def scale(request: Request) -> Response:
    """Start or end workers of the configured command."""
    wanted = decoded(await request.body(), ScaleRequest)
    if isinstance(wanted, Response):
        return wanted
    if _telemetry(request).options.read_only:
        return problem(403, "this API was started with --read-only")
    try:
        return document(await _telemetry(request).scale(wanted.count))
    except ScaleError as error:
        return problem(409, str(error))


async def take_snapshot(request: Request) -> Response:
    """One worker in depth, always gzipped; the process part is null for a worker that is none of the workspace's."""
    telemetry, worker_id = _telemetry(request), request.path_params["id"]
    worker = telemetry.registry.document().workers.get(worker_id)
    if worker is None:
        return problem(404, "there is no worker of this id")
    wait = telemetry.snapshots.wait(worker_id)
    if wait > 0:
        return problem(429, "one snapshot a worker in 10 seconds", {"Retry-After": str(math.ceil(wait))})
    process = telemetry.sampler.process(worker.pid) if worker.pid is not None else None
    try:
        inside = await asyncio.to_thread(snapshot.look_into, process) if process is not None else None
    except psutil.Error:
        return problem(404, "the worker's process has just ended")
    content = msgspec.json.encode({"timestamp": datetime.now(timezone.utc), "worker": worker, "process": inside})
    return Response(gzip.compress(content, 6), media_type=JSON, headers={"Content-Encoding": "gzip"})


async def read_workspace(request: Request) -> Response:
    """What the dashboard shows beside the workers: whose workspace it is, its services' ports and the last minutes."""
    telemetry = _telemetry(request)
    options = telemetry.options
    return document(
        {
            "workspace": options.workspace,
            "session": options.session,
            "service": options.service,
            "scalable": options.worker_command is not None,
            "services": {name: {"port": port} for name, port in options.service_ports.items()},
            "history": telemetry.history.points(),
        }
    )


def read_metrics(request: Request) -> Response:
    """Prometheus text. In a thread, for the first one imports the library."""
    from prometheus_client import CONTENT_TYPE_LATEST

    from sentinel_tasks.api import metrics

    telemetry = _telemetry(request)
    content = metrics.text(telemetry.registry.document(), telemetry.hub.clients, telemetry.hub.skipped)
    return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def upgrade_required(request: Request) -> Response:
    """The stream's address, asked for without WebSocket."""
    return problem(426, "this is a WebSocket", {"Upgrade": "websocket"})


def _telemetry(request: Request) -> Telemetry:
    found: Telemetry = request.app.state.telemetry
    return found
