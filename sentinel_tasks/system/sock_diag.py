"""Linux's own list of TCP listeners, asked for over netlink: sock_diag(7).

/proc/net/tcp tells the same, but walks the table of all connections to its end each time: on a machine with much
memory that takes longer than everything else in a look.
"""

import errno
import struct
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from ..lineage.sockets import socket

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
REQUEST, REQUEST_DUMP = 0x1, 0x1 | 0x100 | 0x200
LISTENING = 1 << 10
ERROR, DONE = 2, 3
LOOPBACK_INTERFACE = 1
ANY_COOKIE = b"\xff" * 8
HEADER = struct.Struct("=IHHII")
QUESTION = struct.Struct("=BBBxI2s2x16s16xI8s")
SOCKET = struct.Struct("=4x2s2x16s40xII")
ERROR_NUMBER = struct.Struct("=i")
MAPPED = "::ffff:"
"""An IPv4 address on a socket of IPv6, as Java has it."""
LARGEST_PARCEL = 1 << 16
SECONDS = 2.0


class Bound(NamedTuple):
    """One listening socket: where, whose by user id, and the inode by which its processes hold it."""

    port: int
    address: str
    uid: int
    inode: int


def listeners() -> list[Bound] | None:
    """Every TCP listener of this network namespace, whoever owns it; None where the kernel can't be asked so."""
    if sys.platform != "linux":
        return None
    try:
        with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)) as kernel:
            kernel.settimeout(SECONDS)
            return [*_listeners(kernel, socket.AF_INET), *_listeners(kernel, socket.AF_INET6)]
    except OSError:
        return None


def is_listened_on(address: str, family: int, port: int) -> bool | None:
    """True if the kernel would hand a connection from this machine to a listener; None where it can't be asked so.

    It looks as it does for a connection, wildcards of both families and bound interfaces included; nobody is connected.
    """
    if sys.platform != "linux":
        return None
    where = port.to_bytes(2, "big"), socket.inet_pton(family, address)
    try:
        with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)) as kernel:
            kernel.settimeout(SECONDS)
            question = QUESTION.pack(family, socket.IPPROTO_TCP, 0, LISTENING, *where, LOOPBACK_INTERFACE, ANY_COOKIE)
            _ask(kernel, REQUEST, question)
            answer = kernel.recv(LARGEST_PARCEL)
    except OSError:
        return None
    _, kind, *_ = HEADER.unpack_from(answer)
    if kind == SOCK_DIAG_BY_FAMILY:
        return True
    return False if ERROR_NUMBER.unpack_from(answer, HEADER.size) == (-errno.ENOENT,) else None


def _ask(kernel: socket.socket, flags: int, question: bytes) -> None:
    kernel.send(HEADER.pack(HEADER.size + len(question), SOCK_DIAG_BY_FAMILY, flags, 0, 0) + question)


def _listeners(kernel: socket.socket, family: int) -> Iterator[Bound]:
    _ask(kernel, REQUEST_DUMP, QUESTION.pack(family, socket.IPPROTO_TCP, 0, LISTENING, b"", b"", 0, b""))
    for kind, body in _messages(kernel):
        if kind == SOCK_DIAG_BY_FAMILY:
            port, address, uid, inode = SOCKET.unpack_from(body)
            width = 4 if family == socket.AF_INET else 16
            where = socket.inet_ntop(family, address[:width]).removeprefix(MAPPED)
            yield Bound(int.from_bytes(port, "big"), where, uid, inode)


def _messages(kernel: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Type and body of each message up to the end of the answer; OSError if the kernel refuses."""
    while True:
        parcel, place = kernel.recv(LARGEST_PARCEL), 0
        while place < len(parcel):
            length, kind, *_ = HEADER.unpack_from(parcel, place)
            if kind == ERROR:
                raise OSError("the kernel refuses")
            if kind == DONE:
                return
            yield kind, parcel[place + HEADER.size : place + length]
            place += (length + 3) & ~3
