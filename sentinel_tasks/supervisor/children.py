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
        self._ended: list[tuple[int, int]] = []

    def begin(self, main: int) -> None:
        """Knows the service's own process, so that its end is told apart from that of an adopted one."""
        self.main, self.code, self.are_there = main, None, True

    def reap(self) -> bool:
        """Takes note of every end that was not noted yet; true if there was one."""
        self.collect()
        ended, self._ended = self._ended, []
        for pid, code in ended:
            self._note(pid, code)
        return bool(ended)

    def collect(self) -> bool:
        """Has the kernel forget those that have ended, which is noted later; true if there was one.

        In the midst of anything: nobody is told of it, and what forks on does not use up the machine's pids meanwhile.
        """
        known = len(self._ended)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                pid, self.are_there = 0, False
            if pid == 0:
                return len(self._ended) > known
            self._ended.append((pid, os.waitstatus_to_exitcode(status)))

    def _note(self, pid: int, code: int) -> None:
        if pid == self.main:
            self.main, self.code = 0, code
            self.adopted_code = 0
        elif not self._is_a_commands(pid, code):
            self.adopted_code = code
