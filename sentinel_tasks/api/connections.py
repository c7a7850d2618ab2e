"""Connections whose clients keep silent: they are closed after seconds, and never take the room of those who ask."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import time
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SILENT_SECONDS = 5.0
"""In which a client must say all that it asks: the head, and a body that has 16 KiB at most."""
MOST_SILENT, SHARE_OF_FILES = 256, 4
ACCEPTED_AT_ONCE = 16
WAITING_TO_BE_ACCEPTED = 512
QUIET_SECONDS = 60.0


class Listener(socket.socket):
    """A listening socket whose queue stays long, however few connections asyncio accepts at once.

    asyncio takes both numbers from one argument, and accepts as many before it looks at the first.
    """

    def listen(self, backlog: int = 0) -> None:
        """Listens with room for those who come while others are accepted."""
        super().listen(WAITING_TO_BE_ACCEPTED)


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, but for clients that are to speak next and do not: the longest silent ones go."""

    silent: ClassVar[dict[BoundedProtocol, asyncio.TimerHandle]] = {}
    most: ClassVar[int] = MOST_SILENT

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The client is to speak."""
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        """It has spoken, perhaps not to the end."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """It may ask for something else."""
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._forget()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Whatever it sends, the time that it has does not begin anew before it is answered."""
        if not self._is_to_speak():
            self._forget()
        elif self not in self.silent:
            self.silent[self] = self.loop.call_later(SILENT_SECONDS, self.transport.abort)
            if len(self.silent) > self.most:
                next(iter(self.silent)).drop()

    def _is_to_speak(self) -> bool:
        """False also for a stream: another protocol has the connection by then."""
        is_here = not self.transport.is_closing() and self.transport.get_protocol() is self
        return is_here and self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _forget(self) -> None:
        if (timer := self.silent.pop(self, None)) is not None:
            timer.cancel()

    def drop(self) -> None:
        """Closes the connection at once."""
        self._forget()
        self.transport.abort()


def most_silent() -> int:
    """How many silent connections leave enough files for those who ask, and for looking at processes."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_SILENT if soft == resource.RLIM_INFINITY else max(1, min(MOST_SILENT, soft // SHARE_OF_FILES))


class Seldom(logging.Filter):
    """Lets one record pass and holds back those that follow it soon: asyncio tells each connection it can't accept."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a record that comes too soon after another."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + QUIET_SECONDS
        return True
