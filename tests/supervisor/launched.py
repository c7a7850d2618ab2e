"""A real launcher with its state folder: at the end of a pipe, or in a pane of a real tmux server of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from sentinel_tasks.lineage import proc, table
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.model import Run
from sentinel_tasks.supervisor import launch
from sentinel_tasks.system.spec_fifo import send_spec
from sentinel_tasks.system.state_folder import State
from tests.lab import PATIENCE, until

SCRIPT = launch.__file__
READY = "echo ready; "
PATCHED = f"""
import os, sys, time
sys.path.append({str(Path(SCRIPT).parents[2])!r})
from sentinel_tasks.supervisor import commands, launcher, restarts
{{}}
os._exit(launcher.main(*sys.argv[1:]))
"""
"""A launcher in which something is made different first."""
KEEPS_RECORDS = """
from sentinel_tasks.supervisor import record
write = record.Record.note
def note(self, **facts):
    write(self, **facts)
    with open(self.path) as file, open(f"{self.path}.each", "a") as kept:
        print(file.read().strip(), file=kept)
record.Record.note = note
"""
PATIENT, HASTY = "commands.TMUX_SECONDS = 60.0", "commands.TMUX_SECONDS = 0.3"
"""With a tmux that may be slow on a busy machine, and with one that does not answer."""
LONG_PAUSE = "restarts.FIRST_DELAY = restarts.LONGEST_DELAY = 3600.0"
STOP_SECONDS = 20.0
"""No service needs as long to end as it is asked to; one that has missed its signal ends in less than PATIENCE."""


class Launched:
    """What every launcher has: a FIFO, a record, events."""

    pid: int

    def __init__(self, folder: Path, name: str = "L1", patch: str = "") -> None:
        self.folder, self.name, self.patch = folder, name, patch
        self.state = State(folder)
        self.record = self.state.record("web")
        self.fifo = self.state.make_fifo("web", name)

    @property
    def argv(self) -> list[str]:
        options = ["-I", "-S", "-X", "utf8"]
        program = ["-c", PATCHED.format(self.patch)] if self.patch else [SCRIPT]
        words = [str(self.fifo), str(self.record), self.name, str(self.folder), "web"]
        return [sys.executable, *options, *program, *words]

    def give(self, command: str | Sequence[str], **spec: Any) -> None:
        """The spec of a service that runs this command."""
        given: dict[str, Any] = {
            "command": command,
            "cwd": str(self.folder),
            "env": {"PATH": os.environ["PATH"], "COLOUR": "red"},
            "restart": "never",
            "service": "web",
            "events": str(self.state.events),
            "stop_timeout": STOP_SECONDS,
        }
        assert send_spec(self.fifo, {**given, **spec})

    @property
    def told(self) -> Run:
        found = self.state.run("web")
        assert found is not None
        return found

    def records(self) -> list[Run]:
        """Each that was there, of a launcher that keeps them."""
        lines = self.record.with_name(f"{self.record.name}.each").read_text().splitlines()
        return [msgspec.json.decode(line, type=Run) for line in lines]

    def events(self) -> list[str]:
        return [each["event"] for each in self._events()]

    def reasons(self) -> list[str]:
        return [each["reason"] for each in self._events()]

    def _events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.state.events.read_text().splitlines()]

    def below(self) -> list[Process]:
        """What lives below the launcher."""
        return below(self.pid)

    def marked(self) -> list[Process]:
        """What lives in the folder of this test, launchers and terminal servers apart."""
        if not _is_anybody_in(self.folder):
            return []
        others = [each for each in table.read().values() if each.is_alive and each.kind == ""]
        return [each for each in others if _works_in(each.pid, self.folder)]

    def end_all(self, *pids: int) -> None:
        """Ends these, and what is left of the service; that may fork between the look and its end."""
        end(*pids, *(each.pid for each in [*self.below(), *self.marked()]))
        while left := self.marked():
            end(*(each.pid for each in left))

    def wait_for_end(self) -> None:
        """Until the launcher is gone."""
        until(lambda: not is_alive(self.pid), "the launcher's end")


class Piped(Launched):
    """A launcher in a session of its own, whose output is read through a pipe."""

    def __init__(self, folder: Path, name: str = "L1", patch: str = "") -> None:
        super().__init__(folder, name, patch)
        self.process = subprocess.Popen(
            self.argv, stdin=-1, stdout=-1, stderr=subprocess.STDOUT, start_new_session=True
        )
        self.pid, self.said = self.process.pid, b""

    def run(self, command: str | list[str], **spec: Any) -> tuple[int, Run]:
        """Exit code and record of a service that ends by itself."""
        self.give(command, **spec)
        return self.end(), self.told

    def end(self) -> int:
        self.said += self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode

    def wait_for(self, word: bytes) -> None:
        """Until the service has printed a line that ends in this word."""
        assert self.process.stdout is not None
        while not (line := self.process.stdout.readline()).rstrip().endswith(word):
            assert line, f"ended before it said {word!r}"
            self.said += line
        self.said += line

    def close(self) -> None:
        """Ends what is left of it."""
        self.end_all(self.pid)
        self.process.communicate()


class InPane(Launched):
    """A launcher in a pane of a tmux server that is this test's own."""

    def __init__(self, folder: Path, name: str = "L1", patch: str = "") -> None:
        super().__init__(folder, name, patch)
        self.socket = folder / f"tmux-{name}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "s", "-x", "200", "-y", "50", *self.argv)
        self.tmux("set-option", "-g", "remain-on-exit", "on")
        self.pid = int(self.tmux("display-message", "-p", "-t", "=s:", "#{pane_pid}"))
        self.server = int(self.tmux("display-message", "-p", "#{pid}"))

    def tmux(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-u", "-S", str(self.socket), *words], capture_output=True, check=False)
        return done.stdout.decode().strip()

    def screen(self, *words: str) -> str:
        return self.tmux("capture-pane", "-p", "-J", *words, "-t", "=s:")

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "=s:", *keys)

    def wait_for(self, word: str) -> None:
        """Until the screen shows this word."""
        until(lambda: word in self.screen(), f"{word!r} on the screen")

    def close(self) -> None:
        """Ends what is left of it."""
        self.end_all(self.server, self.pid)


def below(pid: int) -> list[Process]:
    """The living descendants of a process."""
    found, pids, processes = [], [pid], table.read()
    for above in pids:
        new = [each for each in processes.values() if each.parent == above and each.is_alive]
        pids += [each.pid for each in new]
        found += new
    return found


def named(pid: int, command: str) -> Process:
    """The living process below that one that runs this command, once it does."""

    def pids() -> list[int]:
        return [each.pid for each in below(pid) if command_of(each.pid).startswith(command)]

    found = proc.one(until(pids, command)[0])  # as it is now: it may have left its session since the look
    assert found is not None
    return found


def command_of(pid: int) -> str:
    """Its words, each followed by a space; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    process = proc.one(pid)
    return process is not None and process.is_alive


def end(*pids: int) -> None:
    """Ends them for good, as far as they are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _is_anybody_in(folder: Path) -> bool:
    """As a look at all processes would find, which takes ten times as long; also of one that begins meanwhile."""
    known: set[int] = set()
    for _ in range(table.LISTS):
        new = {*proc.pids()} - known
        if any(_works_in(pid, folder) for pid in new):
            return True
        known |= new
    return False


def _works_in(pid: int, folder: Path) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/cwd") == str(folder)
    except OSError:
        return False
