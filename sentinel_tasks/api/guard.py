"""Who may ask, and how much: Host, Origin, token and body size, before any endpoint sees a request (contract: API)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentinel_tasks.api.options import Options, is_loopback
from sentinel_tasks.api.peer import is_of_this_user
from sentinel_tasks.api.responses import problem

TOKEN_HEADER = "X-TES-Dev-Token"
TOKEN_PROTOCOL = "token."  # a browser's WebSocket cannot send headers, so the token comes as a subprotocol
PUBLIC_PATHS = {
    "/", "/dashboard.js", "/page.js", "/services.js", "/dashboard.css", "/healthz", "/openapi.json",
}  # fmt: skip
MAX_BODY = 16 * 1024  # bytes
DISCARD_SECONDS = 2.0

AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?P<port>:\d{1,5})?")
ORIGIN = re.compile(r"https?://(?P<authority>[^/]+)")
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, PUT, POST, DELETE",
    "Access-Control-Allow-Headers": f"Content-Type, {TOKEN_HEADER}",
    "Access-Control-Max-Age": "600",
}


class Guard:
    """ASGI middleware: refuses what must not pass, and lets pages of loopback origins read the answers."""

    def __init__(self, app: ASGIApp, options: Options) -> None:
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it with a refusal."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        send = _with_headers(send, headers.get("origin"))
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            return await refusal(scope, receive, send)
        if scope["type"] == "http":
            if _length(headers) > MAX_BODY:
                if headers.get("expect") is None:
                    await _discard(receive)
                return await problem(413, _too_large())(scope, receive, send)
            receive = _bounded(receive)
        return await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._is_allowed_host(host, scope):
            return problem(403, "this Host is not served here: ask for localhost")
        if origin is not None and not self._is_allowed_origin(origin, host):
            return problem(403, "this Origin may not ask: only pages of this machine may")
        if origin is not None and scope.get("method") == "OPTIONS":
            return Response(status_code=204, headers=PREFLIGHT)
        if self._options.token is not None and scope["path"] not in PUBLIC_PATHS and not self._has_token(headers):
            return problem(401, f"a valid {TOKEN_HEADER} header is needed", {"WWW-Authenticate": TOKEN_HEADER})
        return None

    def _is_allowed_host(self, host: str, scope: Scope) -> bool:
        name = host_name(host)
        if name is None:
            return False
        own_address = (scope.get("server") or ("",))[0]
        return is_loopback(name) or name in self._options.allowed_hosts or name == own_address

    def _is_allowed_origin(self, origin: str, host: str) -> bool:
        match = ORIGIN.fullmatch(origin)
        if match is None:
            return False
        name = host_name(match["authority"])
        return name is not None and (is_loopback(name) or match["authority"].lower() == host.lower())

    def _has_token(self, headers: Headers) -> bool:
        wanted = (self._options.token or "").encode()
        given = headers.get(TOKEN_HEADER)
        offered = given.encode("latin-1") if given is not None else _token_of(headers.get("sec-websocket-protocol", ""))
        return hmac.compare_digest(offered, wanted)


def is_from_this_page(asked: HTTPConnection) -> bool:
    """True for a request of this user on this machine that no page of another origin has made.

    Another port of this machine is another origin. A browser tells the origin of what another page asks, or at least
    that it is another's; other programs tell neither.
    """
    headers = asked.headers
    host = headers.get("host", "").lower()
    if asked.client is None or not is_loopback(asked.client.host) or not is_of_this_user(*asked.client):
        return False
    is_own_origin = headers.get("origin", f"://{host}").lower().partition("://")[2] == host
    return is_own_origin and headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def host_name(authority: str) -> str | None:
    """The host in `name`, `name:port` or `[address]:port`, lower case, without brackets; None if it is none."""
    match = AUTHORITY.fullmatch(authority)
    return match["name"].strip("[]").lower() if match else None


def _token_of(protocols: str) -> bytes:
    for protocol in (one.strip() for one in protocols.split(",")):
        if protocol.startswith(TOKEN_PROTOCOL):
            encoded = protocol.removeprefix(TOKEN_PROTOCOL)
            with contextlib.suppress(binascii.Error, ValueError):
                return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    return b""


def _with_headers(send: Send, origin: str | None) -> Send:
    async def add(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "no-store")
            headers["X-Content-Type-Options"] = "nosniff"
            headers.add_vary_header("Origin")
            if origin is not None and message["status"] != 403:
                headers["Access-Control-Allow-Origin"] = origin
        await send(message)

    return add


def _length(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def _bounded(receive: Receive) -> Receive:
    """For bodies that come without a length: counts, and stops at the limit."""
    total = 0

    async def count() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > MAX_BODY:
            await _discard(receive)
            raise HTTPException(413, _too_large())
        return message

    return count


async def _discard(receive: Receive) -> None:
    """Read on for a moment without keeping anything: a client that is still sending would miss the answer."""
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_read_to_end(receive), DISCARD_SECONDS)


async def _read_to_end(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


def _too_large() -> str:
    return f"the body is larger than {MAX_BODY} bytes"
