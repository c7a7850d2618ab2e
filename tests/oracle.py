"""What runs, as /proc, tmux, sockets and the servers themselves tell it; nothing of our own code is asked."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from tests.lab import Lab
from tests.watch import Service, Watch, bytes_of, is_living, stat_of

SECOND = "second"
"""The name of another socket."""
QUESTION = re.compile(rb"/probe\.py\0|^true\0$")
HERE = {
    "0100007F", "00000000", "0" * 32, "00000000000000000000000001000000", "0000000000000000FFFF00000100007F",
}  # fmt: skip
"""Loopback and wildcard addresses as /proc/net spells them."""


class Oracle:
    """The truth about one lab's workspace."""

    def __init__(self, lab: Lab, watch: Watch, roster: Path) -> None:
        self.lab, self.watch, self.roster = lab, watch, roster

    def service(self, name: str, workspace: str | None = None) -> Service:
        return workspace or self.lab.path.name, name

    def living(self, name: str) -> list[int]:
        """The service's processes, by the lineage that was seen."""
        return self.watch.of(self.service(name))

    def launchers(self, name: str) -> list[int]:
        """A launcher's child that is about to become another program is none."""
        found = self.watch.launchers(self.service(name))
        return [pid for pid in found if parent(pid) not in found]

    def in_windows(self, name: str) -> list[int]:
        """Its launchers that a living pane runs."""
        panes = {pid for _, pid, dead in self.panes() if not dead}
        return [pid for pid in self.launchers(name) if pid in panes]

    def mains(self, name: str) -> list[int]:
        """The children of its launchers, of which there is one; what was put aside in another session is none.

        Nor is what asks whether the service still answers.
        """
        above = self.launchers(name)
        found = [pid for pid in self.living(name) if parent(pid) in above and session(pid) in above]
        return [pid for pid in found if not QUESTION.search(command_line(pid)) and is_living(pid)]

    def unmarked(self, name: str) -> list[int]:
        """Those of its processes whose environment does not tell whose they are, or not any more."""
        return [pid for pid in self.living(name) if b"SENTINEL_SERVICE=" not in bytes_of(pid, "environ")]

    def log_pumps(self, name: str) -> list[int]:
        """Those that write what the service prints to its log."""
        log = re.compile(re.escape(os.fsencode(self.lab.folder)) + rb"/[^\0]*/" + os.fsencode(name) + rb"\.log\0")
        lines = {int(path.name): bytes_of(int(path.name), "cmdline") for path in Path("/proc").glob("[0-9]*")}
        return [pid for pid, line in lines.items() if b"/pump.py\0" in line and log.search(line)]

    def panes(self) -> list[tuple[str, int, bool]]:
        """Of every tmux server on which a service may have a window."""
        words = ("list-panes", "-a", "-F", "#{pane_id} #{pane_pid} #{pane_dead}")
        said = [self.lab.tmux(*words), *(tmux(path, *words) for path in self.other_sockets())]
        rows = [line.split() for line in "\n".join(said).splitlines()]
        return [(row[0], int(row[1]), row[2] == "1") for row in rows if len(row) == 3]

    def other_sockets(self) -> list[Path]:
        """The sockets of the tmux servers to which a task is sent at times."""
        user = f"tmux-{os.getuid()}"
        paths = (Path("tmux", user, SECOND), Path("tmux-elsewhere", user, "default"))
        return [path for each in paths if (path := self.lab.folder / each).exists()]

    @staticmethod
    def is_held(path: Path) -> bool:
        """True if a process holds a lock on the file, as the kernel tells it."""
        inodes = {row.split()[5].rpartition(":")[2] for row in Path("/proc/locks").read_text().splitlines()}
        with suppress(FileNotFoundError):
            return str(path.stat().st_ino) in inodes
        return False

    # Sockets

    @staticmethod
    def listeners(port: int) -> set[int]:
        """The pids that listen on the port at a loopback or wildcard address of either family."""
        inodes = set()
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                row = line.split()
                address, _, number = row[1].rpartition(":")
                if row[3] == "0A" and int(number, 16) == port and address in HERE:
                    inodes.add(f"socket:[{row[9]}]")
        pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()) if inodes else ()
        return {pid for pid in pids if inodes & set(open_files(pid))}

    @staticmethod
    def who_answers(port: int, times: int = 4) -> set[int]:
        """The pids that answer there when asked, both families; only those of servers that tell theirs."""
        found = set()
        for host in ("127.0.0.1", "::1"):
            for _ in range(times):
                with suppress(OSError, ValueError, http.client.HTTPException):
                    connection = http.client.HTTPConnection(host, port, timeout=3)
                    connection.request("GET", "/")
                    found.add(int(connection.getresponse().read()))
        return found

    # Signals that were received

    def received(self, pids: Iterable[int]) -> dict[int, Counter[str]]:
        """The signals that these received, as far as they are on the roster."""
        entries = ((pid, self.roster / str(pid)) for pid in pids)
        return {pid: Counter(path.read_text().split()[1:]) for pid, path in entries if path.exists()}


def tmux(path: Path, *words: str) -> str:
    """What the tmux server at this socket answers; an empty string if it refuses."""
    return subprocess.run(["tmux", "-u", "-S", path, *words], capture_output=True, text=True, check=False).stdout


def is_port_open(port: int) -> bool:
    """True if something accepts at one of the loopback addresses."""
    return any(_accepts(host, port) for host in ("127.0.0.1", "::1"))


def _accepts(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def command_line(pid: int) -> bytes:
    """Its words, once it has some: in the midst of an exec a process has none, nor has one that has ended."""
    while not (line := bytes_of(pid, "cmdline")) and stat_of(pid)[:1] not in ([], ["Z"], ["X"]):
        pass
    return line


def parent(pid: int) -> int:
    fields = stat_of(pid)
    return int(fields[1]) if fields else 0


def session(pid: int) -> int:
    fields = stat_of(pid)
    return int(fields[3]) if fields else 0


def still_living(pids: Iterable[int]) -> list[int]:
    return [pid for pid in pids if is_living(pid)]


def open_files(pid: int) -> Iterator[str]:
    """What it has open; of one whose first thread has ended, the other threads tell."""
    folders = [f"/proc/{pid}/fd"]
    if stat_of(pid)[:1] == ["Z"]:
        with suppress(OSError):
            folders = [f"{task}/fd" for task in Path(f"/proc/{pid}/task").iterdir()]
    for folder in folders:
        with suppress(OSError):
            for path in Path(folder).iterdir():
                with suppress(OSError):
                    yield os.readlink(path)
