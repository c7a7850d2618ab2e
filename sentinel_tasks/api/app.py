"""The Starlette application, as lists of routes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from sentinel_tasks.api import dashboard, endpoints, openapi, services
from sentinel_tasks.api.guard import Guard
from sentinel_tasks.api.options import Options
from sentinel_tasks.api.responses import problem
from sentinel_tasks.api.states import States
from sentinel_tasks.api.stream import stream
from sentinel_tasks.api.telemetry import Telemetry


class AnyConvertor(StringConvertor):
    """A worker's id as it came, slashes and line breaks too: the endpoint says what is wrong with it."""

    regex = r"[\s\S]*"


register_url_convertor("any", AnyConvertor())

ROUTES = [
    Route("/", dashboard.page),
    *(Route(f"/{name}", dashboard.script) for name in dashboard.SCRIPTS),
    Route("/dashboard.css", dashboard.style),
    Route("/healthz", endpoints.healthz),
    Route("/openapi.json", openapi.document),
    Route("/metrics", endpoints.read_metrics),
    Route("/api/workspace", endpoints.read_workspace),
    Route("/api/services", services.read),
    Route("/api/services/{name}/logs", services.logs),
    Route("/api/services/{name}/{verb}", services.act, methods=["POST"]),
    Route("/api/workers/registry", endpoints.read_registry),
    Route("/api/workers/registry/{id:any}", endpoints.Reporter),
    Route("/api/workers/scale", endpoints.scale, methods=["POST"]),
    Route("/api/workers/snapshot/{id:any}", endpoints.take_snapshot),
    Route("/ws/workers/telemetry", endpoints.upgrade_required),
    Route("/ws/services", endpoints.upgrade_required),
    WebSocketRoute("/ws/workers/telemetry", stream),
    WebSocketRoute("/ws/services", services.stream),
]


def create_app(options: Options) -> Starlette:
    """The API of one workspace as an ASGI application; needs its lifespan to be run."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        telemetry = app.state.telemetry = Telemetry(options)
        app.state.states = States(options, lambda: telemetry.sampler.own_cpu_percent)
        app.state.busy, app.state.logs_read = set[str](), 0
        async with telemetry.running():
            yield
            await app.state.states.close()

    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Guard, options=options)],
        exception_handlers={HTTPException: _refused, ClientDisconnect: _gone, Exception: _failed},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, error.detail, error.headers)


async def _gone(request: Request, error: Exception) -> Response:
    return problem(400, "the client left before its request was whole")


async def _failed(request: Request, error: Exception) -> Response:
    return problem(500, "this is a bug; the log has more")
