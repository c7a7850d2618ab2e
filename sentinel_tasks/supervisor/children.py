"""The ends of the launcher's children: the service's own process, and those that were adopted."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Children:
    """How they ended: exit codes, below 0 for a signal."""

    def __init__(self, is_a_commands: Callable[[int, int], bool] = lambda pid, code: False) -> None:
        self._is_a_commands = is_a_commands
        self.main = 0
        self.code: int | None = None
        self.adopted_code = 0
        self.are_there = False

    def begin(self, main: int) -> None:
        """Knows the service's own process, so that its end is told apart from that of an adopted one."""
        self.main, self.code, self.are_there = main, None, True

    def reap(self) -> bool:
        """Takes note of every end that was not noted yet; true if there was one."""
        found = False
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                pid, self.are_there = 0, False
            if pid == 0:
                return found
            self._note(pid, os.waitstatus_to_exitcode(status))
            found = True

    def _note(self, pid: int, code: int) -> None:
        if pid == self.main:
            self.main, self.code = 0, code
            self.adopted_code = 0
        elif not self._is_a_commands(pid, code):
            self.adopted_code = code
