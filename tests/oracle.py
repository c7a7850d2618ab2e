"""What runs, as /proc, tmux and sockets tell it; nothing of our own code is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.lab import Lab


class Oracle:
    """The truth about one lab's workspace."""

    def __init__(self, lab: Lab, home: str) -> None:
        self.lab, self.home = lab, home

    def panes(self) -> list[tuple[str, int, bool]]:
        said = self.lab.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid} #{pane_dead}")
        rows = [line.split() for line in said.splitlines()]
        return [(pane, int(pid), dead == "1") for pane, pid, dead in rows]

    def own_pids(self, name: str, home: str | None = None) -> list[int]:
        """Living processes that carry this service's mark, from /proc."""
        wanted = {f"SENTINEL_SERVICE={name}".encode(), f"SENTINEL_WORKSPACE={home or self.home}".encode()}
        return [pid for pid in self.pids() if wanted <= self.environ(pid) and self.status(pid)[0] not in "ZX"]

    def launchers(self, name: str, home: str) -> list[int]:
        """The processes of panes in which the service runs, and it itself."""
        panes = {pid for _, pid, dead in self.panes() if not dead}
        pids = self.own_pids(name, home)
        return [*pids, *(panes & {parent for pid in pids for parent in self.ancestors(pid)})]

    @staticmethod
    def pids() -> Iterator[int]:
        return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())

    @staticmethod
    def environ(pid: int) -> set[bytes]:
        try:
            return set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
        except OSError:
            return set()

    @staticmethod
    def status(pid: int) -> list[str]:
        """State letter and parent, from /proc."""
        try:
            return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            return ["X", "0"]

    def parent(self, pid: int) -> int:
        return int(self.status(pid)[1])

    def ancestors(self, pid: int) -> Iterator[int]:
        while pid > 1:
            yield pid
            pid = self.parent(pid)

    @staticmethod
    def is_held(path: Path) -> bool:
        """True if a process holds a lock on the file, as the kernel tells it."""
        inodes = {row.split()[5].rpartition(":")[2] for row in Path("/proc/locks").read_text().splitlines()}
        with suppress(FileNotFoundError):
            return str(path.stat().st_ino) in inodes
        return False

    def listeners(self, port: int) -> set[int]:
        """The pids that listen on the port, from /proc."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
        wanted = {f"socket:[{inode}]" for inode in inodes}
        return {pid for pid in self.pids() if wanted & set(self.open_files(pid))}

    @staticmethod
    def open_files(pid: int) -> Iterator[str]:
        with suppress(OSError):
            for path in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    yield os.readlink(path)
