"""The door to sockets and psutil for ports: is one open, who listens there, which one is free."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))
CONNECT_SECONDS = 0.5
TABLES, LISTEN_IN_PROC = ("/proc/net/tcp", "/proc/net/tcp6"), "0A"
TAKEN = (errno.EADDRINUSE, errno.EACCES)


def open_addresses(port: int) -> tuple[str, ...]:
    """The loopback addresses at which something accepts (or has its hands full) on this port."""
    return tuple(address for address, family in LOOPBACK if _accepts(address, family, port))


def _accepts(address: str, family: socket.AddressFamily, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(CONNECT_SECONDS)
            probe.connect((address, port))
            connected_to_itself = probe.getsockname() == probe.getpeername()
    except TimeoutError:
        return True
    except OSError:
        return False
    return not connected_to_itself


def listening(pids: Iterable[int]) -> list[tuple[int, int, str]]:
    """(port, pid, address) of every TCP socket on which these processes listen, as far as they can be seen."""
    return [(port, pid, address) for pid in pids for port, address in _listening(pid)]


def _listening(pid: int) -> list[tuple[int, str]]:
    import psutil

    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except (psutil.Error, OSError):
        return []
    return [(c.laddr.port, c.laddr.ip) for c in connections if c.status == psutil.CONN_LISTEN and c.laddr]


def all_listeners() -> list[tuple[int, int | None, str]]:
    """(port, pid, address) of every TCP listener on the machine; pid None where the owner can't be seen."""
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):
        return []
    found = [(c.pid, c.laddr) for c in connections if c.status == psutil.CONN_LISTEN]
    return [(address.port, pid, address.ip) for pid, address in found if address]


def covers(listening_address: str, connected_address: str) -> bool:
    """True if a listener at the first address is who answers at the second; `::` answers for IPv4 too, as a rule."""
    if listening_address in (connected_address, "::"):
        return True
    return listening_address == "0.0.0.0" and "." in connected_address


def uid_of(port: int) -> int | None:
    """The id of the user who listens on the port, where the kernel tells it without the process (Linux); else None."""
    return next((uid for table in TABLES if (uid := _uid_in(Path(table), port)) is not None), None)


def _uid_in(table: Path, port: int) -> int | None:
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return None
    found = (int(row[7]) for row in rows if row[3] == LISTEN_IN_PROC and int(row[1].rpartition(":")[2], 16) == port)
    return next(found, None)


def is_free(port: int) -> bool:
    """True if a server could bind this port now, on all addresses of both families."""
    return all(_can_bind(family, address, port) for family, address in ((socket.AF_INET, ""), (socket.AF_INET6, "::")))


def _can_bind(family: socket.AddressFamily, address: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError as reason:
        return reason.errno not in TAKEN
    return True
