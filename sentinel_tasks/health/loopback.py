"""Asks an address of this machine for a document by plain HTTP/1.1.

The standard library's client imports TLS and the parsing of mail, and httpx more still: each takes as long as all else
that looks at one service. This one speaks only what servers on one's own machine say every day; whatever else comes is
`NotUnderstood`, and httpx is asked to judge it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from ..lineage.sockets import socket
from .question import is_loopback

PLAIN = r"[!-~]+"
"""What goes into a request as it is; anything else is for httpx to encode."""
STATUS = rb"HTTP/1\.[01] ([2-5][0-9]{2})(?: [^\r\n]*)?"
"""Statuses below 200 come before the one that counts."""
HEADER = rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*"
WITHOUT_BODY = (204, 304)
LARGEST_HEAD, PART = 1 << 16, 1 << 16
END_OF_HEAD = b"\r\n\r\n"


class NotUnderstood(Exception):
    """The server said what only a stricter client can judge."""


class Silent(ConnectionResetError):
    """The server closed the connection without a word."""


class Response(NamedTuple):
    """The head of an answer, its headers in lower case, and its body as it comes."""

    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]


def can_ask(address: str) -> bool:
    """True for plain HTTP at a loopback address, without anything to be encoded or to log in with."""
    if not re.fullmatch(PLAIN, address):
        return False
    try:
        asked = urlsplit(address)
        return asked.scheme == "http" and is_loopback(asked.hostname) and "@" not in asked.netloc and bool(asked.port)
    except ValueError:
        return False


class Client:
    """One connection to that address, for one question."""

    def __init__(self, address: str, timeout: float) -> None:
        self._asked = urlsplit(address)
        self._socket = _connected((self._asked.hostname or "").encode(), self._asked.port or 0, timeout)

    def get(self, headers: Mapping[bytes, bytes]) -> Response:
        """The response, its body still to be read; OSError if the server breaks off."""
        path = f"{self._asked.path or '/'}{f'?{self._asked.query}' if self._asked.query else ''}"
        lines = [f"GET {path} HTTP/1.1".encode(), b"Host: " + self._asked.netloc.encode(), b"Connection: close"]
        lines += [b": ".join(pair) for pair in headers.items()]
        self._socket.sendall(b"\r\n".join([*lines, b"", b""]))
        head, _, begun = self._head().partition(END_OF_HEAD)
        status, _, rest = head.partition(b"\r\n")
        found = re.fullmatch(STATUS, status)
        if not found:
            raise NotUnderstood
        told = _headers(rest)
        if int(found[1]) in WITHOUT_BODY:
            return Response(int(found[1]), told, iter(()))
        return Response(int(found[1]), told, _body(begun, iter(lambda: self._socket.recv(PART), b""), told))

    def _head(self) -> bytes:
        """All that came until the head was whole."""
        found = b""
        while END_OF_HEAD not in found:
            part = self._socket.recv(PART)
            if not part and not found:
                raise Silent("Remote end closed connection without response")
            if not part or len(found) > LARGEST_HEAD:
                raise NotUnderstood
            found += part
        return found

    def close(self) -> None:
        """Ends whatever is under way, in another thread too."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _connected(host: bytes, port: int, timeout: float) -> socket.socket:
    """A connection to one of the host's addresses; as bytes, or Python imports how names of all the world are spelt."""
    refused: OSError = ConnectionRefusedError(f"nobody listens on port {port}")
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        made.settimeout(timeout)
        try:
            made.connect(place)
            return made
        except OSError as reason:
            made.close()
            refused = reason
    raise refused


def _headers(text: bytes) -> dict[str, str]:
    """The headers by their names in lower case; NotUnderstood for a line that is none, or two lengths."""
    told: dict[str, str] = {}
    for line in text.split(b"\r\n") if text else ():
        found = re.fullmatch(HEADER, line)
        if not found:
            raise NotUnderstood
        name, value = found[1].decode().lower(), found[2].decode("latin-1")
        if name == "content-length" and told.get(name, value) != value:
            raise NotUnderstood
        told[name] = value
    length, coding = told.get("content-length", "0"), told.get("transfer-encoding", "")
    if not (length.isdecimal() and length.isascii()) or coding.lower() not in ("", "identity", "chunked"):
        raise NotUnderstood
    return told


def _body(begun: bytes, coming: Iterator[bytes], headers: Mapping[str, str]) -> Iterator[bytes]:
    """The body's bytes, until it ends by its length, its last chunk, or the connection."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        yield from _of_chunks(begun, coming)
        return
    left = int(headers["content-length"]) if "content-length" in headers else None
    part = begun
    while left is None or left > 0:
        if part:
            yield part if left is None else part[:left]
            left = None if left is None else left - len(part)
        if left is None or left > 0:
            part = next(coming, b"")
            if not part:
                return


def _of_chunks(begun: bytes, coming: Iterator[bytes]) -> Iterator[bytes]:
    """What is in the chunks; ValueError if they are none."""
    waiting = begun
    while True:
        while b"\r\n" not in waiting:
            part = next(coming, b"")
            if not part:
                return
            waiting += part
        size, _, waiting = waiting.partition(b"\r\n")
        left = int(size.partition(b";")[0], 16)
        if not left:
            return
        while len(waiting) < left + 2:
            part = next(coming, b"")
            if not part:
                yield waiting[:left]
                return
            waiting += part
        yield waiting[:left]
        waiting = waiting[left + 2 :]
