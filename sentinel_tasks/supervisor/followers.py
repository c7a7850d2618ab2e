"""Tells the services that restart with this one, once it is healthy again after a restart.

Every launcher beside ours that listens is told; each knows itself with whom its service restarts.
"""

from __future__ import annotations

import os
import time

from .orders import RESTART, Order, send

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .commands import Commands
    from .record import Record
    from .specification import Spec

NEVER = float("inf")
FIRST, BETWEEN = 0.1, 0.25
"""Seconds until the first question, and between two."""
SUFFIX = ".orders"


class Followers:
    """Where nobody beside us listens, nothing is ever due."""

    def __init__(self, record: Record, commands: Commands) -> None:
        self._record, self._commands = record, commands
        self._service = self._called = ""
        self._check: dict[str, Any] = {}
        self._run, self._until = 0, NEVER
        self.next_due = NEVER

    def follow(self, spec: Spec) -> None:
        """From now on by this specification."""
        self._service, self._check = spec["service"], spec.get("healthy") or {}
        self._called = spec.get("called") or self._service

    def begin(self, is_restart: bool) -> None:
        """A run has begun."""
        self._run, self.next_due = self._run + 1, NEVER
        if is_restart and self._fifos():
            now = time.monotonic()
            self._until = now + self._check.get("within", 0.0)
            self.next_due = now + self._check.get("after", FIRST)

    def _fifos(self) -> list[str]:
        folder, own = os.path.dirname(self._record.path), f"{self._service}{SUFFIX}"
        try:
            return [os.path.join(folder, each) for each in os.listdir(folder) if each.endswith(SUFFIX) and each != own]
        except OSError:
            return []

    def advance(self) -> None:
        """Asks or tells if it is time to."""
        if (now := time.monotonic()) < self.next_due:
            return
        self.next_due = NEVER
        if now >= self._until or self._is_healthy_unasked():
            self._tell()
        elif "command" in self._check:
            run = self._run
            told = lambda code, said: self._answered(run, code)  # noqa: E731
            self._commands.start(self._check["command"], self._check["timeout"], told, is_shown=False)
        else:
            self.next_due = now + BETWEEN

    def _is_healthy_unasked(self) -> bool:
        by_notice = self._check.get("notify")
        return bool(self._record.facts.get("ready")) if by_notice else "command" not in self._check

    def _answered(self, run: int, code: int | None) -> None:
        if run == self._run and code == 0:
            self._tell()
        elif run == self._run:
            self.next_due = time.monotonic() + BETWEEN

    def _tell(self) -> None:
        for path in self._fifos():
            send(path, Order(RESTART, f"{self._service} restarted", self._called))
