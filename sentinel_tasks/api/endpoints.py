"""The endpoints of SPEC §7: requests in, documents out."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sentinel_tasks.api.telemetry import Telemetry


async def healthz(request: Request) -> Response:
    """Liveness."""
    return json_response({"status": "ok"})


async def registry(request: Request) -> Response:
    """Every worker."""
    return Response(telemetry(request).payload(), media_type="application/json")


def telemetry(request: Request) -> Telemetry:
    """What the application's lifespan set up."""
    found: Telemetry = request.app.state.telemetry
    return found


def json_response(document: object, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(msgspec.json.encode(document), status, media_type="application/json")
