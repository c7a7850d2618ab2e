"""Asks an address of this machine with the standard library's client, which Invoke has imported already (ssl, email).

httpx, with all that it imports, takes as long as the rest of a task that looks at one service.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

from .question import is_loopback

PLAIN = re.compile(r"[!-~]+")
"""What goes into a request as it is; anything else is for httpx to encode."""
INTERIM = range(100, 200)
"""Statuses before the one that counts, which this client takes for it."""


class NotUnderstood(Exception):
    """The server said what only a stricter client can judge."""


def can_ask(address: str) -> bool:
    """True for plain HTTP at a loopback address, without anything to be encoded or to log in with."""
    if not PLAIN.fullmatch(address):
        return False
    try:
        asked = urlsplit(address)
        return asked.scheme == "http" and is_loopback(asked.hostname) and "@" not in asked.netloc and bool(asked.port)
    except ValueError:
        return False


class Client:
    """One connection to that address."""

    def __init__(self, address: str, timeout: float) -> None:
        self._asked = urlsplit(address)
        self._connection = HTTPConnection(self._asked.hostname or "", self._asked.port, timeout=timeout)
        self._connection.connect()
        self._socket = self._connection.sock

    def get(self, headers: Mapping[bytes, bytes]) -> HTTPResponse:
        """The response's head; its body is still to be read."""
        target = f"{self._asked.path or '/'}{f'?{self._asked.query}' if self._asked.query else ''}"
        self._connection.putrequest("GET", target, skip_accept_encoding=True)
        for name, value in headers.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        try:
            response = self._connection.getresponse()
        except OSError:
            raise
        except HTTPException as reason:
            raise NotUnderstood from reason
        if response.status in INTERIM or not response.headers.get("Content-Length", "0").isdecimal():
            raise NotUnderstood
        return response

    def close(self) -> None:
        """Ends whatever is under way, in another thread too."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._connection.close()
