"""uvicorn, told to serve one socket quietly and to end at once when asked."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sentinel_tasks.api.connections import ACCEPTED_AT_ONCE, BoundedProtocol, Listener, Seldom, most_silent

UNREAD_LIMIT = 60_000  # milliseconds that a client may leave what was sent to it unread


class Server(uvicorn.Server):
    """A server whose signals are an ordinary end: exit code 0, no word about clients that were cut off."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Asks the main loop to end."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A bound socket. Raises OSError if the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio would not turn Nagle's delay off (40 ms for some answers).
    listener = Listener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform == "linux":
        # Inherited by every connection: the kernel drops a client that never reads, however full its pipe.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_LIMIT)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _web_socket(**given: Any) -> asyncio.Protocol:
    """Imported for the first who wants one: no start waits for what a health check does not need."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    return WebSocketsSansIOProtocol(**given)


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP."""
    BoundedProtocol.most = most_silent()
    logging.getLogger("asyncio").addFilter(Seldom())
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        backlog=ACCEPTED_AT_ONCE,
        ws=_web_socket,  # type: ignore[arg-type]
        loop="asyncio",
        lifespan="on",
        log_level="error",  # a warning is what any client can have written, without end
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws_per_message_deflate=False,
        ws_max_size=4096,
        timeout_graceful_shutdown=0,
    )
    server = Server(config)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # a closed window is an end too, unless nohup says no
        signal.signal(signal.SIGHUP, server.handle_exit)
    server.run(sockets=[listener])
