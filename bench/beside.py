"""Our programs beside others, in turns: seconds of a status, a start until the service answers, a stop, and a save."""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from tests.lab import Lab, until

from .peers import Peer, Pm2, Watchfiles, answers, found, installed

SENTINEL = str(Path(sys.executable).with_name("sentinel"))
TASKS = "from sentinel_tasks import workspace\n\nnamespace = workspace()\n"
NOTHING = "-"


class Ours(Peer):
    """This project, by Invoke's tasks or by its own program."""

    def __init__(self, lab: Lab, command: Sequence[str], port: int, own_program: bool) -> None:
        self.own_program = own_program
        self.name = "sentinel" if own_program else "inv"
        super().__init__(lab, command, port)
        self.path = SENTINEL if own_program else str(Path(sys.executable).with_name("inv"))

    def prepare(self) -> None:
        (self.folder / "tasks.py").write_text(TASKS)
        self.lab.configure(self.folder, web={"command": self.command, "port": self.port, "health": "/"})

    def _words(self, verb: str) -> Sequence[str]:
        return [verb, "web"] if self.own_program else [f"web.{verb}"]

    def do_start(self) -> None:
        self.run(*self._words("start"))

    def do_stop(self) -> None:
        self.run(*self._words("stop"))

    def status_words(self) -> Sequence[str]:
        return self._words("status")

    def close(self) -> None:
        self.run("down")


def table(lab: Lab, runs: int, empty: Callable[[], float]) -> Iterator[str]:
    """A line for each program: medians of seconds, and the status as a ratio to an empty task of the same turn."""
    made: list[Peer] = []
    try:
        for program in (False, True):
            port = lab.port()
            made.append(Ours(lab, [*lab.server(), "--port", str(port)], port, program))
        for kind in installed():
            port = lab.port()
            made.append(kind(lab, [*lab.server(), "--port", str(port)], port))
        yield from _lines(made, runs, empty)
    finally:
        for each in made:
            each.close()


def _lines(made: Sequence[Peer], runs: int, empty: Callable[[], float]) -> Iterator[str]:
    columns = ("status", "ratio", "start", "stop")
    spent = {each.name: {column: list[float]() for column in columns} for each in made}
    for turn in range(runs + 1):
        plain = empty()
        for each in made:
            row = {"start": each.start()}
            if each.tells:
                each.status()
                row["status"] = each.status()
                row["ratio"] = row["status"] / plain
            row["stop"] = each.stop()
            if turn:  # the first one warms up
                for what, seconds in row.items():
                    spent[each.name][what].append(seconds)
    yield f"{'':12} {'status':>8} {'/ empty':>8} {'start':>8} {'stop':>8}"
    for name, of_one in spent.items():
        shown = (f"{median(each):.3f}" if each else NOTHING for each in of_one.values())
        status, ratio, start, stop = shown
        yield f"{name:12} {status:>8} {ratio:>8} {start:>8} {stop:>8}"


# From a save to the new answer


def pid_at(port: int) -> str:
    """The pid that the test server answers with; empty while nobody does."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        said = b""
        while part := connection.recv(4096):
            said += part
        found = re.search(rb"\r\n\r\n.*?(\d+)", said, re.S)
        return found[1].decode() if found else ""
    return ""


class Watching:
    """A program that starts the service anew when its file changes."""

    def __init__(self, name: str, lab: Lab) -> None:
        self.name, self.port = name, lab.port()
        self.command = [*lab.server(), "--port", str(self.port), "--tell-pid"]
        self.peer = {"sentinel": self._sentinel, "pm2": self._pm2, "watchfiles": self._watchfiles}[name](lab)
        until(lambda: pid_at(self.port), name)

    def _file_in(self, peer: Peer) -> None:
        self.file = peer.folder / "watched" / "app.py"
        self.file.parent.mkdir()
        self.file.write_text("0\n")

    def _sentinel(self, lab: Lab) -> Peer:
        peer = Ours(lab, self.command, self.port, own_program=True)
        self._file_in(peer)
        lab.configure(peer.folder, web={"command": self.command, "port": self.port, "watch": ["watched/*.py"]})
        peer.do_start()
        return peer

    def _pm2(self, lab: Lab) -> Peer:
        peer = Pm2(lab, self.command, self.port)
        self._file_in(peer)
        peer.watch(str(self.file.parent))
        return peer

    def _watchfiles(self, lab: Lab) -> Peer:
        peer = Watchfiles(lab, self.command, self.port)
        self._file_in(peer)
        peer.do_start()
        return peer

    def save(self) -> float:
        """Seconds from the save until another process answers."""
        before = pid_at(self.port)
        began = time.monotonic()
        self.file.write_text(f"{began}\n")
        until(lambda: pid_at(self.port) not in ("", before), f"{self.name} to see a save")
        return time.monotonic() - began

    def close(self) -> None:
        self.peer.close()
        until(lambda: not answers(self.port), f"{self.name} to end")


def saves(lab: Lab, runs: int) -> str:
    """Medians of seconds from a save to the new answer, of each program that is installed."""
    names = ["sentinel", *(["pm2"] if found("pm2") else []), *(["watchfiles"] if found("watchfiles") else [])]
    made = [Watching(name, lab) for name in names]
    try:
        spent = [[each.save() for each in made] for _ in range(runs + 1)][1:]
    finally:
        for each in made:
            each.close()
    return ", ".join(
        f"{name} {median(times):.3f} s" for name, times in zip(names, zip(*spent, strict=True), strict=True)
    )
