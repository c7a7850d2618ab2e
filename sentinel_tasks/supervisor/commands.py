"""Commands of the launcher's own beside its service, such as the stop command: in the service's environment and folder.

Each has its time. They are no part of the service: how they end is not how it ends, and nobody waits for them with it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from .child import NOT_RUNNABLE, spawn
from .family import Family
from .kernel import Kernel
from .specification import Spec
from .wakeup import held_back

Ended = Callable[[int | None, str], object]
"""Is told the exit code, below 0 for a signal, None if it took too long; and the last line that was not shown."""
MOST_SAID, LONGEST_LINE = 4096, 200


class Running(NamedTuple):
    """One of them, until when it may run, and who is told of its end."""

    deadline: float
    tell: Ended
    output: int | None = None


class Commands:
    """Those that run now."""

    def __init__(self, family: Family) -> None:
        self.family, self.kernel = family, Kernel()
        self.spec: Spec = {}
        self._running: dict[int, Running] = {}
        family.commands = self._running

    def start(self, command: str | list[str], seconds: float, tell: Ended, is_shown: bool) -> None:
        """Starts a command that may take so many seconds; `is_shown` says that its output is for the pane."""
        spec: dict[str, Any] = {**self.spec, "command": command}
        output = None if is_shown else _file()
        with held_back():
            try:
                pid = spawn(spec, self.kernel, lambda: _apart(is_shown, output))
            except OSError as refused:
                tell(NOT_RUNNABLE[0], refused.strerror or "")
                return
            self._running[pid] = Running(time.monotonic() + seconds, tell, output)

    def take(self, pid: int, code: int) -> bool:
        """Takes note of an end; false if that was none of them."""
        if (found := self._running.pop(pid, None)) is None:
            return False
        found.tell(code, _last_line(found.output))
        return True

    @property
    def next_due(self) -> float:
        """When the first of them has had its time."""
        return min((each.deadline for each in self._running.values()), default=float("inf"))

    def advance(self) -> None:
        """Ends those that have had their time."""
        now = time.monotonic()
        for pid, each in [*self._running.items()]:
            if each.deadline <= now:
                self._end(pid)
                each.tell(None, "")

    def end_all(self) -> None:
        """Ends those that still run, and tells nobody."""
        for pid in [*self._running]:
            self._end(pid)

    def _end(self, pid: int) -> None:
        self.family.end_command(pid)
        self._running[pid] = self._running[pid]._replace(deadline=float("inf"), tell=lambda code, said: None)


def _apart(is_shown: bool, output: int | None) -> None:
    """In a group of its own, which C-c does not reach, and without the terminal's input."""
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    for descriptor in () if is_shown else (1, 2):
        os.dup2(nothing if output is None else output, descriptor)


def _file() -> int | None:
    """A file in memory, which takes whatever is written and blocks nobody; None where the system has none."""
    try:
        return os.memfd_create("output")
    except (AttributeError, OSError):
        return None


def _last_line(output: int | None) -> str:
    """The last line in the file, which is closed."""
    if output is None:
        return ""
    size = os.fstat(output).st_size
    said = os.pread(output, MOST_SAID, max(0, size - MOST_SAID)).decode("utf-8", "replace")
    os.close(output)
    return next((line.strip()[:LONGEST_LINE] for line in said.splitlines()[::-1] if line.strip()), "")
