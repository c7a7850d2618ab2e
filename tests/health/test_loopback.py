"""Our own client on loopback, beside the standard library's: the same answers, however they come in."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_tasks.health.loopback import WITHOUT_BODY, Client, NotUnderstood
from tests.lab import PATIENCE


class Teller:
    """A server that tells the same bytes to everybody, in these pieces, and closes."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.pieces: Sequence[bytes] = ()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with closing(client), suppress(OSError):  # who has all that it wants leaves
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if not client.recv(1 << 16):
                    continue
                for piece in self.pieces:
                    client.sendall(piece)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)


@pytest.fixture(scope="module")
def teller() -> Iterator[Teller]:
    made = Teller()
    yield made
    made.close()


def ours(teller: Teller) -> tuple[int, bytes]:
    with closing(Client(f"http://127.0.0.1:{teller.port}/", time.monotonic() + PATIENCE)) as client:
        response = client.get({b"Accept": b"*/*"})
        return response.status, b"".join(response.body)


def theirs(teller: Teller) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", teller.port, timeout=PATIENCE)
    with closing(connection):
        connection.request("GET", "/", headers={"Accept": "*/*"})
        response = connection.getresponse()
        try:
            return response.status, response.read()
        except http.client.IncompleteRead as cut:
            return response.status, cut.partial


def chunked(parts: Sequence[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


BODIES = st.lists(st.binary(max_size=40), max_size=4)
ANSWERS = st.builds(
    lambda status, reason, kind, parts, more: (
        b"HTTP/1.1 %d%b\r\n" % (status, reason)
        + b"".join(b"%b: %b\r\n" % each for each in more)
        + {
            "length": b"Content-Length: %d\r\n\r\n" % len(b"".join(parts)) + b"".join(parts),
            "chunks": b"transfer-encoding: Chunked\r\n\r\n" + chunked(parts),
            "close": b"\r\n" + b"".join(parts),
            "cut": b"Content-Length: %d\r\n\r\n" % (len(b"".join(parts)) + 7) + b"".join(parts),
        }[kind]
    ),
    st.integers(200, 599).filter(lambda status: status not in WITHOUT_BODY),
    st.sampled_from([b"", b" OK", b" Not Found \xe4"]),
    st.sampled_from(["length", "chunks", "close", "cut"]), BODIES,
    st.lists(st.tuples(st.sampled_from([b"X-A", b"Set-Cookie"]), st.sampled_from([b"", b"a: b", b"\xff x"]))),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(ANSWERS, st.lists(st.integers(0, 300), max_size=5))
def test_it_reads_what_the_standard_library_reads(teller: Teller, answer: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cut for cut in cuts if cut < len(answer)), len(answer)]
    teller.pieces = [answer[a:b] for a, b in pairwise(places)]
    assert ours(teller) == theirs(teller)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
        b"HTTP/1.1 200 OK\n\nhello",
        b"HTTP/1.1 200 OK\r\nServer: x",
        b"x" * (1 << 17),
    ],
    ids=lambda each: each[:40],
)
def test_what_it_does_not_understand_is_left_to_a_stricter_client(teller: Teller, answer: bytes) -> None:
    teller.pieces = [answer]
    with pytest.raises(NotUnderstood):
        ours(teller)
