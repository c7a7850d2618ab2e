"""Linux's own list of TCP listeners, asked for over netlink: sock_diag(7).

/proc/net/tcp tells the same, but walks the table of all connections to its end each time: on a machine with much
memory that takes longer than everything else in a look.
"""

import struct
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from ..lineage.sockets import socket

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
REQUEST_DUMP = 0x1 | 0x100 | 0x200
LISTENING = 1 << 10
ERROR, DONE = 2, 3
HEADER = struct.Struct("=IHHII")
REQUEST = struct.Struct("=BBBxI48x")
SOCKET = struct.Struct("=4x2s2x16s40xII")
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


def _listeners(kernel: socket.socket, family: int) -> Iterator[Bound]:
    question = REQUEST.pack(family, socket.IPPROTO_TCP, 0, LISTENING)
    kernel.send(HEADER.pack(HEADER.size + len(question), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 0, 0) + question)
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
