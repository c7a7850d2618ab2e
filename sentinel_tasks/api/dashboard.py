"""The dashboard's files, with the policy that keeps the page to itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

SCRIPTS = ("dashboard.js", "page.js", "services.js")
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)


async def page(request: Request) -> Response:
    """The page."""
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    return Response(_file("dashboard.html"), media_type="text/html", headers=headers)


async def script(request: Request) -> Response:
    """What makes it live."""
    return Response(_file(request.url.path[1:]), media_type="text/javascript")


async def style(request: Request) -> Response:
    """How it looks."""
    return Response(_file("dashboard.css"), media_type="text/css")


@cache
def _file(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()
