"""The folder of tmux's sockets: where it is, and why it can't be trusted if it can't."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress

STANDARD = "/tmp"
DEFAULT = "default"
CONNECT_SECONDS = 0.5
CREDENTIALS = struct.Struct("3i")
"""Pid, user and group of whoever listens at a socket (unix(7))."""


def socket_folder(environ: Mapping[str, str]) -> str:
    """Where tmux keeps this user's sockets; as tmux itself finds it (`TMUX_TMPDIR`, else /tmp)."""
    wanted = environ.get("TMUX_TMPDIR") or STANDARD
    base = wanted if os.path.exists(wanted) else STANDARD
    return os.path.join(os.path.realpath(base), f"tmux-{os.getuid()}")


def distrust(folder: str) -> str:
    """Why nobody should put a server's socket there, or nothing; a folder that is not there yet is tmux's to make."""
    try:
        found = os.lstat(folder)
    except OSError:
        return ""
    if stat.S_ISLNK(found.st_mode):
        return "it is a symbolic link"
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a folder"
    if found.st_uid != os.getuid():
        return "it belongs to another user"
    if found.st_mode & 0o022:
        return f"others may write to it (mode {stat.S_IMODE(found.st_mode):04o})"
    return ""


def servers(folder: str) -> list[str]:
    """The names of the sockets at which somebody listens, in order; a server that is gone leaves its socket behind."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))
    except OSError:
        return []
    return [name for name in names if _listens(os.path.join(folder, name))]


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_SECONDS)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def socket_of(server: int) -> str | None:
    """The path at which that very tmux server answers; None if its socket was removed, or where that can't be told."""
    return next((path for path in _paths(server) if _answering(path) == server), None)


def _paths(pid: int) -> Iterator[str]:
    """Where the process has bound sockets, as Linux tells it."""
    inodes = set()
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                inodes.add(os.readlink(entry.path).removeprefix("socket:[").removesuffix("]"))
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as table:
            for row in table:
                *_, inode, path = row.rstrip("\n").split(None, 7) if row.count("/") else ("", "")
                if inode in inodes:
                    yield path


def _answering(path: str) -> int | None:
    """The pid of whoever listens there."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_SECONDS)
        try:
            probe.connect(path)
            told = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        except OSError:
            return None
    pid: int = CREDENTIALS.unpack(told)[0]
    return pid
