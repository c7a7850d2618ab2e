"""The Starlette application, as lists of routes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.routing import Route

from sentinel_tasks.api import endpoints
from sentinel_tasks.api.options import Options
from sentinel_tasks.api.telemetry import Telemetry


def create_app(options: Options) -> Starlette:
    """The API of one workspace as an ASGI application; needs its lifespan to be run."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.telemetry = Telemetry(options)
        async with app.state.telemetry.running():
            yield

    return Starlette(routes=ROUTES, lifespan=lifespan)


ROUTES = [
    Route("/healthz", endpoints.healthz),
    Route("/api/workers/registry", endpoints.registry),
]
