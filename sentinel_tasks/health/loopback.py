"""Asks an address of this machine for a document by plain HTTP/1.1.

The standard library's client imports TLS and the parsing of mail, and httpx more still: each takes as long as all else
that looks at one service. This one speaks only what servers on one's own machine say every day; whatever else comes is
`NotUnderstood`, and httpx is asked to judge it.
"""

import re
import time
from collections.abc import Iterator, Mapping

from ..lineage.sockets import socket
from ..lineage.value import Value

ADDRESS = r"""http://((localhost|\[::1\]|127(?:\.[0-9]{1,3}){3}):([0-9]{1,5}))(/[!"$-~]*)?"""
"""Host and port, each of the two, and what goes into a request as it is."""
LARGEST_PORT = (1 << 16) - 1
VERSIONS = (b"HTTP/1.1 ", b"HTTP/1.0 ")
STATUSES = range(200, 600)
"""Statuses below 200 come before the one that counts."""
IN_A_NAME = b"!#$%&'*+.^_`|~-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
IN_NO_LINE = b"\r\n\0"
WITHOUT_BODY = (204, 304)
LARGEST_HEAD, PART = 1 << 16, 1 << 16
END_OF_HEAD = b"\r\n\r\n"


class NotUnderstood(Exception):
    """Only another client can ask this, or judge what the server said."""


class Silent(ConnectionResetError):
    """The server closed the connection without a word."""


class Response(Value):
    """The head of an answer, its headers in lower case, and its body as it comes."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: Iterator[bytes]) -> None:
        self.status, self.headers, self.body = status, headers, body


class Client:
    """One connection to that address, for one question; TimeoutError whenever the `deadline` has come.

    NotUnderstood for an address that is not this machine's, has something to be encoded, or wants more than plain HTTP.
    """

    def __init__(self, address: str, deadline: float) -> None:
        found = re.fullmatch(ADDRESS, address)
        if found is None or not 0 < int(found[3]) <= LARGEST_PORT:
            raise NotUnderstood
        self.deadline = deadline
        self._place, self._path = found[1], found[4] or "/"
        self._socket = self._connected(found[2].strip("[]").encode(), int(found[3]))

    def _connected(self, host: bytes, port: int) -> socket.socket:
        """A connection to one of its addresses; it is bytes, or Python imports how names of all the world are spelt."""
        refused: OSError = ConnectionRefusedError(f"nobody listens on port {port}")
        for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(self._left())
                made.connect(place)
                return made
            except OSError as reason:
                made.close()
                refused = reason
        raise refused

    def _left(self) -> float:
        """Seconds until the deadline."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def get(self, headers: Mapping[bytes, bytes]) -> Response:
        """The response, its body still to be read; OSError if the server breaks off."""
        lines = [f"GET {self._path} HTTP/1.1".encode(), b"Host: " + self._place.encode(), b"Connection: close"]
        lines += [b": ".join(pair) for pair in headers.items()]
        self._socket.settimeout(self._left())
        self._socket.sendall(b"\r\n".join([*lines, b"", b""]))
        head, _, begun = self._head().partition(END_OF_HEAD)
        line, _, rest = head.partition(b"\r\n")
        status, told = _status(line), _headers(rest)
        if status in WITHOUT_BODY:
            return Response(status, told, iter(()))
        return Response(status, told, _body(begun, iter(self._part, b""), told))

    def _part(self) -> bytes:
        self._socket.settimeout(self._left())
        return self._socket.recv(PART)

    def _head(self) -> bytes:
        """All that came until the head was whole."""
        found = b""
        while END_OF_HEAD not in found:
            part = self._part()
            if not part and not found:
                raise Silent("Remote end closed connection without response")
            if not part or len(found) > LARGEST_HEAD:
                raise NotUnderstood
            found += part
        return found

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()


def _status(line: bytes) -> int:
    """The number in the first line, which may have words after it."""
    number, blank, words = line[9:12], line[12:13], line[13:]
    if line[:9] not in VERSIONS or not number.isdigit() or blank not in (b"", b" ") or not _is_one_line(words):
        raise NotUnderstood
    if int(number) not in STATUSES:
        raise NotUnderstood
    return int(number)


def _is_one_line(text: bytes) -> bool:
    return text.translate(None, IN_NO_LINE) == text


def _headers(text: bytes) -> dict[str, str]:
    """The headers by their names in lower case; NotUnderstood for a line that is none, or two lengths."""
    told: dict[str, str] = {}
    for line in text.split(b"\r\n") if text else ():
        before, colon, after = line.partition(b":")
        if not (before and colon) or before.translate(None, IN_A_NAME) or not _is_one_line(after):
            raise NotUnderstood
        name, value = before.decode().lower(), after.strip(b" \t").decode("latin-1")
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
