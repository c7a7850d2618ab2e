"""What runs of which workspace, as /proc, the kernel's table of sockets and tmux tell it: nothing of ours is asked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.lab import Lab

Who = tuple[int, int]
"""Pid and start tick."""
RESERVED = re.compile(r"@(sentinel-port-[0-9]+-\w+-\w+)$", re.M)


def ticks_of(pid: int) -> int | None:
    """When the process began; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_alive(who: Who) -> bool:
    return ticks_of(who[0]) == who[1]


def of_workspace(path: Path) -> set[Who]:
    """Every process that carries its tags, its launchers, and all that is below those."""
    tag, name, found = f"SENTINEL_WORKSPACE={path}".encode(), os.fsencode(path), set[int]()
    parents: dict[int, int] = {}
    for pid in (int(entry) for entry in os.listdir("/proc") if entry.isdecimal()):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            parents[pid] = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            is_server = Path(f"/proc/{pid}/comm").read_text().startswith("tmux")  # its words are its first client's
            is_launcher = name in words and any(word.endswith(b"launch.py") for word in words) and not is_server
            if is_launcher or tag in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.add(pid)
    while more := {pid for pid, parent in parents.items() if parent in found and pid not in found}:
        found |= more
    return {(pid, ticks) for pid in found - {os.getpid()} if (ticks := ticks_of(pid)) is not None}


def sockets_of(whom: Iterable[Who]) -> set[str]:
    """The inodes of the sockets that they have open."""
    found = set()
    for pid, _ in whom:
        with suppress(OSError):
            for entry in os.scandir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if (place := os.readlink(entry.path)).startswith("socket:["):
                        found.add(place[8:-1])
    return found


def listening() -> set[tuple[int, str]]:
    """Every port on which somebody listens, with the socket's inode."""
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {(int(row[1].rpartition(":")[2], 16), row[9]) for row in rows if row[3] == "0A"}


def ports_of(whom: Iterable[Who]) -> set[int]:
    own = sockets_of(whom)
    return {port for port, inode in listening() if inode in own}


def reservations() -> set[str]:
    """The names of all port reservations that anybody holds."""
    return set(RESERVED.findall(Path("/proc/net/unix").read_text(errors="replace")))


def sessions(lab: Lab, servers: Iterable[str]) -> set[str]:
    """The workspaces that have a session or a window on any of these tmux servers."""
    told = [
        line
        for server in servers
        for line in lab.tmux(
            "list-panes", "-a", "-F", "#{@sentinel_workspace}\n#{@sentinel_home}", socket_name=server
        ).splitlines()
    ]
    return {line for line in told if line}
