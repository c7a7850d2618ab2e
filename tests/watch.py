"""Who descends from whom, as seen while it happened: /proc is looked at all the time, nothing of ours is asked.

A long run has a warden above it (`below_a_warden`), to which whatever loses its parents comes: that is seen too,
however short-lived the parents were.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

PR_SET_CHILD_SUBREAPER = 36
PAUSE = 0.01
YOUNG_SECONDS = 2.0
"""For so long a process may turn into another program, and is looked at again, less often with its age."""
RECORD = re.compile(rb"/sentinel/([^/\0]+)-[0-9a-f]+/([a-z][a-z0-9-]*)\.run\.json\0")

Service = tuple[str, str]
"""The name of the workspace's folder, and of the service."""


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; none if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def is_living(pid: int) -> bool:
    """True while any of its threads runs."""
    fields = stat_of(pid)
    return bool(fields) and (fields[0] not in "ZX" or int(fields[17]) > 1)


def bytes_of(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def below_a_warden(main: Callable[[], int]) -> int:
    """Runs it in a child of this process, which becomes the parent of all that loses its own; in both its exit code."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    runner = os.fork()
    if runner == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == runner:
            return os.waitstatus_to_exitcode(status)


@dataclass
class Seen:
    """One process as it was seen: its first parent stays its parent, whoever adopts it later."""

    pid: int
    ticks: int
    parent: int
    session: int
    since: float
    name: bytes = b""
    command: bytes = b""
    tags: frozenset[bytes] = frozenset()
    above: Seen | None = field(default=None, repr=False)
    again: float = 0.0


class Watch(threading.Thread):
    """Watches the processes of one lab's folder, from the moment it is entered until it is left."""

    def __init__(self, folder: Path, warden: int | None = None) -> None:
        super().__init__(daemon=True)
        self.warden = warden
        self.folder = os.fsencode(folder)
        self.now: dict[int, Seen] = {}
        self.lock, self.over = threading.Lock(), threading.Event()

    def __enter__(self) -> Watch:
        self.look()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.over.set()
        self.join()

    def run(self) -> None:
        while not self.over.wait(PAUSE):
            self.look()

    def look(self) -> None:
        """Takes note of what is new, of what has turned into another program, and of what is gone."""
        with self.lock:
            pids = {int(name) for name in os.listdir("/proc") if name.isdecimal()}
            for pid in self.now.keys() - pids:
                del self.now[pid]
            now = time.monotonic()
            for pid in sorted(pids - self.now.keys()):
                self._meet(pid, now)
            for seen in self.now.values():
                if now - seen.since < YOUNG_SECONDS and now >= seen.again:
                    self._describe(seen)
                    seen.again = now + (now - seen.since) / 4

    def _meet(self, pid: int, now: float) -> None:
        if fields := stat_of(pid):
            parent = int(fields[1])
            self.now[pid] = Seen(pid, int(fields[19]), parent, int(fields[3]), now, above=self.now.get(parent))

    @staticmethod
    def _describe(seen: Seen) -> None:
        seen.name = bytes_of(seen.pid, "comm").strip() or seen.name
        seen.command = bytes_of(seen.pid, "cmdline") or seen.command
        if fields := stat_of(seen.pid):
            seen.session = int(fields[3])
        if not seen.tags:
            tags = bytes_of(seen.pid, "environ").split(b"\0")
            seen.tags = frozenset(each for each in tags if each.startswith((b"SENTINEL_SERVICE=", b"SENTINEL_WORK")))

    # What was seen

    def of(self, service: Service) -> list[int]:
        """The living processes of the service, without launchers."""
        return [seen.pid for seen in self._living() if self.owner(seen) == service and not self.launched(seen)]

    def launchers(self, service: Service) -> list[int]:
        return [seen.pid for seen in self._living() if self.launched(seen) == service]

    def strangers(self) -> list[int]:
        """The living ones that came to the warden and that no service can be told for."""
        return [
            seen.pid
            for seen in self._living()
            if stat_of(seen.pid)[1:2] == [str(self.warden)] and seen.pid != os.getpid()
            if not is_server(seen) and not self.launched(seen) and self.owner(seen) is None
        ]

    def _living(self) -> Iterator[Seen]:
        self.look()
        with self.lock:
            every = [*self.now.values()]
        return (seen for seen in every if is_living(seen.pid))

    def owner(self, seen: Seen) -> Service | None:
        """The service below whose launcher it was first seen; else that of its session or of its tags."""
        each: Seen | None = seen
        while each is not None and not is_server(each):
            if service := self.launched(each):
                return service
            if each.above is None:
                leader = self.now.get(each.session)
                return self.owner(leader) if leader not in (None, each) else self.tagged(each)
            each = each.above
        return None

    def launched(self, seen: Seen) -> Service | None:
        """The service whose launcher it is."""
        found = RECORD.search(seen.command + b"\0")
        if is_server(seen) or not found or b"launch.py\0" not in seen.command or self.folder not in seen.command:
            return None
        return os.fsdecode(found[1]), os.fsdecode(found[2])

    def tagged(self, seen: Seen) -> Service | None:
        tags = dict(each.split(b"=", 1) for each in seen.tags)
        workspace, name = tags.get(b"SENTINEL_WORKSPACE", b""), tags.get(b"SENTINEL_SERVICE", b"")
        return (Path(os.fsdecode(workspace)).name, os.fsdecode(name)) if self.folder in workspace else None


def is_server(seen: Seen) -> bool:
    """True for a tmux server: what runs below it is a window's, not its parents'."""
    return seen.name.startswith(b"tmux")
