"""Commands of the launcher's own beside its service, such as the stop command: in the service's environment and folder.

Each has its time. They are no part of the service: how they end is not how it ends, and nobody waits for them with it.
"""

from __future__ import annotations

import os
import time

from ..lineage.signals import signal
from .child import NOT_RUNNABLE, OF_THE_PANE, spawn
from .kernel import Kernel
from .wakeup import HeldBack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .family import Family
    from .specification import Spec
    from .wakeup import Wakeup

    Ended = Callable[[int | None, str], object]
    """Is told the exit code, below 0 for a signal, None if it took too long; and the end of what was not shown."""

MOST_SAID, LONGEST_LINE = 4096, 200
AT_ONCE = 1 << 16
"""Bytes that are read at once, which is also what a pipe holds."""
TMUX_SECONDS = 2.0
"""How long tmux may take to hear of something."""


class Output:
    """A pipe of which only the end is kept: what is printed is read as it comes, so that nobody waits to print."""

    def __init__(self, wakeup: Wakeup) -> None:
        self._wakeup, self._said = wakeup, b""
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)

    def is_theirs(self) -> None:
        """The command has the other end now."""
        os.close(self.writer)
        self._wakeup.listen(self._reader)

    def read(self) -> str:
        """What was printed until now; never waits."""
        if self._reader >= 0:
            try:
                part = os.read(self._reader, AT_ONCE)
            except BlockingIOError:
                part = None
            self._said = (self._said + (part or b""))[-MOST_SAID:]
            if part == b"":
                self._close()
        return self._said.decode("utf-8", "replace")

    def end(self) -> str:
        """What was printed at all; whoever prints on now has no reader."""
        said = self.read()
        self._close()
        return said

    def _close(self) -> None:
        if self._reader >= 0:
            self._wakeup.forget(self._reader)
            os.close(self._reader)
            self._reader = -1


def last_line(said: str) -> str:
    """The last line that says something."""
    return next((line.strip()[:LONGEST_LINE] for line in said.splitlines()[::-1] if line.strip()), "")


class Running:
    """One of them: until when it may run, who is told of its end, how it is ended, where it prints to if not shown."""

    def __init__(
        self, deadline: float, tell: Ended, end: Callable[[int], object], output: Output | None = None
    ) -> None:
        self.deadline, self.tell, self.end, self.output = deadline, tell, end, output


class Commands:
    """Those that run now."""

    def __init__(self, family: Family, wakeup: Wakeup) -> None:
        self.family, self.wakeup, self.kernel = family, wakeup, Kernel()
        self.spec: Spec = {}
        self._running: dict[int, Running] = {}
        self._theirs: set[int] = set()
        family.commands = self._theirs

    def start(self, command: str | list[str], seconds: float, tell: Ended, is_shown: bool, **otherwise: object) -> None:
        """Starts a command that may take so many seconds; `is_shown` says that its output is for the pane.

        What it has `otherwise` than the service stands in the place of that in the specification.
        """
        spec: dict[str, Any] = {**self.spec, "command": command, **otherwise}
        with HeldBack():
            try:
                output = None if is_shown else Output(self.wakeup)
                pid = spawn(spec, self.kernel, lambda: _apart(output))
            except OSError as refused:
                tell(NOT_RUNNABLE[0], refused.strerror or "")
                return
            if output:
                output.is_theirs()
            self._theirs.add(pid)
            self._running[pid] = Running(time.monotonic() + seconds, tell, self.family.end_command, output)

    def tell_tmux(self, words: list[str], tell: Ended) -> None:
        """Has a client of tmux run these words. It starts nothing of its own: nobody has to look for what it left."""
        actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0), *((os.POSIX_SPAWN_DUP2, 0, to) for to in (1, 2))]
        env = {name: os.environ[name] for name in OF_THE_PANE if name in os.environ}
        defaults = (signal.SIGPIPE, signal.SIGXFSZ)
        try:
            pid = os.posix_spawnp(words[0], words, env, file_actions=actions, setpgroup=0, setsigdef=defaults)
        except OSError as refused:
            tell(NOT_RUNNABLE[0], refused.strerror or "")
            return
        self._theirs.add(pid)
        self._running[pid] = Running(time.monotonic() + TMUX_SECONDS, tell, self.family.kill_child)

    def take(self, pid: int, code: int) -> bool:
        """Takes note of an end; false if that was none of them."""
        if (found := self._running.pop(pid, None)) is None:
            return False
        if not found.output or not self.family.end_group(pid):
            self._theirs.discard(pid)  # what is shown may go on, as a stop command that returns at once
        found.tell(code, found.output.end() if found.output else "")
        return True

    @property
    def next_due(self) -> float:
        """When the first of them has had its time."""
        return min((each.deadline for each in self._running.values()), default=float("inf"))

    def advance(self) -> None:
        """Reads what they print, and ends those that have had their time."""
        now = time.monotonic()
        for pid in self._theirs - self._running.keys():
            if not self.family.end_group(pid):
                self._theirs.discard(pid)
        for pid, each in [*self._running.items()]:
            said = each.output.read() if each.output else ""
            if each.deadline <= now:
                self._end(pid)
                each.tell(None, said)

    def end_all(self) -> None:
        """Ends those that still run, and tells nobody."""
        for pid in [*self._running]:
            self._end(pid)

    def _end(self, pid: int) -> None:
        each = self._running[pid]
        each.end(pid)
        self._running[pid] = Running(float("inf"), lambda code, said: None, each.end, each.output)


def _apart(output: Output | None) -> None:
    """In a group of its own, which C-c does not reach, and without the terminal's input."""
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    if output is not None:
        os.dup2(output.writer, 1)
        os.dup2(output.writer, 2)
