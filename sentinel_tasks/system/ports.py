"""The door to sockets and psutil for ports: is one open, who listens there, which one is free."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress

from ..lineage.sockets import socket
from . import sock_diag
from .sock_diag import Bound

LOOPBACK = (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6))
CONNECT_SECONDS = 0.5
TAKEN = (errno.EADDRINUSE, errno.EACCES)
PAUSES_FOR_OWNERS = (0.0, 0.01, 0.05)
"""Seconds before each further look for whoever holds a socket of our own user that nobody seems to hold."""


def open_addresses(port: int) -> tuple[str, ...]:
    """The addresses of `localhost` at which something accepts (or has its hands full) on this port."""
    return tuple(address for address, family in LOOPBACK if _accepts(address, family, port))


def beside_localhost() -> dict[int, tuple[str, ...]]:
    """The other loopback addresses that are listened on, such as 127.0.0.2, by their port (Linux; else none)."""
    found: dict[int, tuple[str, ...]] = {}
    for each in sock_diag.listeners() or ():
        if each.address.startswith("127.") and each.address != LOOPBACK[0][0]:
            found[each.port] = (*found.get(each.port, ()), each.address)
    return found


def _accepts(address: str, family: int, port: int) -> bool:
    """Asks by a connection only where the kernel knows of no listener: a firewall may hand it on.

    Servers notice who connects and says nothing: they log it, and Python may lose a signal that comes as
    it wakes.
    """
    if sock_diag.is_listened_on(address, family, port) and _has_way_to(address, family, port):
        return True
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.settimeout(CONNECT_SECONDS)
            probe.connect((address, port))
            connected_to_itself = probe.getsockname() == probe.getpeername()
    except TimeoutError:
        return True
    except OSError:
        return False
    return not connected_to_itself


def _has_way_to(address: str, family: int, port: int) -> bool:
    """False where this machine has no such address, as ::1 with IPv6 switched off: nothing is sent to find out."""
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
            probe.connect((address, port))
    except OSError:
        return False
    return True


def listening(pids: Iterable[int]) -> list[tuple[int, int, str]]:
    """(port, pid, address) of every TCP socket on which these processes listen, as far as they can be seen."""
    if (table := sock_diag.listeners()) is None:
        return [(port, pid, address) for pid in pids for port, address in _as_psutil_sees(pid)]
    by_link = _by_link(table)
    return [(bound.port, pid, bound.address) for pid in pids for bound in _held(pid, by_link)]


def _by_link(table: Iterable[Bound]) -> Mapping[str, Bound]:
    """The sockets by what a process's open file is a link to."""
    return {f"socket:[{bound.inode}]": bound for bound in table}


def _held(pid: int, by_link: Mapping[str, Bound]) -> set[Bound]:
    """Those of these sockets that this process holds, if that is ours to see (Linux)."""
    found, readlink = set[Bound](), os.readlink
    with suppress(OSError):
        folder, files = _open_files(pid)
        for file in files:
            try:
                link = readlink(folder + file)
            except PermissionError:
                break  # its files can be listed, and none of them be looked at
            except OSError:
                continue
            if link in by_link:
                found.add(by_link[link])
    return found


def _open_files(pid: int) -> tuple[str, list[str]]:
    """Where they are told, and their numbers: once its first thread has ended, only the others show them.

    For root that thread has none then, and for its own user it can't be looked at.
    """
    folder = f"/proc/{pid}/fd/"
    try:
        if files := os.listdir(folder):
            return folder, files
    except PermissionError:
        pass
    threads = (f"/proc/{pid}/task/{name}/fd/" for name in os.listdir(f"/proc/{pid}/task") if name != str(pid))
    other = next(threads, None)
    return (other, os.listdir(other)) if other else (folder, [])


def _as_psutil_sees(pid: int) -> list[tuple[int, str]]:
    import psutil

    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except (psutil.Error, OSError):
        return []
    return [(c.laddr.port, c.laddr.ip) for c in connections if c.status == psutil.CONN_LISTEN and c.laddr]


def all_listeners() -> list[tuple[int, int | None, str]]:
    """(port, pid, address) of every TCP listener on the machine; pid None where the owner can't be seen."""
    if sock_diag.listeners() is None:
        return _all_as_psutil_sees()
    return _listeners_on(None)


def holders(port: int, among: Iterable[int]) -> list[tuple[int | None, str]]:
    """(pid, address) of each of these processes that holds a socket which listens on this port; pid None if none does.

    Nothing where that would take as long as looking for all listeners does (elsewhere than on Linux).
    """
    return [(pid, address) for _, pid, address in _listeners_on(port, [*among])]


def _listeners_on(port: int | None, among: Sequence[int] | None = None) -> list[tuple[int, int | None, str]]:
    """Those of this port, or of all, with whoever holds them among these processes, or among all.

    One of our own user without an owner is looked at again: a child may have taken it over during the look, or the
    kernel has still to close it for a process that is on its way out and shows no file any more.
    """
    for pause in (*PAUSES_FOR_OWNERS, None):
        owned, ownerless = _with_owners(_bound_to(port), port, among)
        if pause is None or not any(bound.uid == os.getuid() for bound in ownerless):
            break
        time.sleep(pause)
    return [*owned, *((bound.port, None, bound.address) for bound in ownerless)]


def _bound_to(port: int | None) -> list[Bound]:
    return [bound for bound in sock_diag.listeners() or () if port in (None, bound.port)]


def _with_owners(
    table: list[Bound], port: int | None, among: Sequence[int] | None
) -> tuple[list[tuple[int, int | None, str]], list[Bound]]:
    """The listeners with the processes that hold them, and those without one that still listen."""
    owners = _owners(table, among) if table else {}
    owned: list[tuple[int, int | None, str]] = [
        (bound.port, pid, bound.address) for bound, pids in owners.items() for pid in pids
    ]
    left = [bound for bound in table if bound not in owners]
    still = set(_bound_to(port)) if left else set()
    return owned, [bound for bound in left if bound in still]


def _owners(table: Iterable[Bound], among: Iterable[int] | None) -> dict[Bound, list[int]]:
    """The pids that hold each of these sockets, of those that anybody holds."""
    found: dict[Bound, list[int]] = {}
    by_link = _by_link(table)
    for pid in (int(name) for name in os.listdir("/proc") if name.isdecimal()) if among is None else among:
        for bound in _held(pid, by_link):
            found.setdefault(bound, []).append(pid)
    return found


def _all_as_psutil_sees() -> list[tuple[int, int | None, str]]:
    import psutil

    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):  # macOS tells an ordinary user of his own processes alone, each by itself
        return [(port, pid, address) for pid in psutil.pids() for port, address in _as_psutil_sees(pid)]
    found = [(c.pid, c.laddr) for c in connections if c.status == psutil.CONN_LISTEN]
    return [(address.port, pid, address.ip) for pid, address in found if address]


def uid_of(port: int) -> int | None:
    """The id of the user who listens on the port, where the kernel tells it without the process (Linux); else None."""
    return next((bound.uid for bound in sock_diag.listeners() or () if bound.port == port), None)


def is_free(port: int) -> bool:
    """True if a server could bind this port now on all addresses of both families, and nobody answers there.

    BSD lets a wildcard be bound beside an address that is taken.
    """
    return not open_addresses(port) and all(
        _can_bind(family, address, port) for family, address in ((socket.AF_INET, ""), (socket.AF_INET6, "::"))
    )


def _can_bind(family: int, address: str, port: int) -> bool:
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port))
    except OSError as reason:
        return reason.errno not in TAKEN
    return True
