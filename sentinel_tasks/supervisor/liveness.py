"""Whether the service still answers: asked again and again by a command, as long as a run goes on."""

from __future__ import annotations

import time

from .child import outcome
from .commands import last_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .commands import Commands
    from .window_state import Word

NEVER = float("inf")


class Liveness:
    """One service's liveness check; without one nothing is ever due."""

    def __init__(self, commands: Commands, give_up: Callable[[str], object]) -> None:
        self._commands, self._give_up = commands, give_up
        self.keys: dict[str, Any] | None = None
        self.next_due = NEVER
        self._run = self._failures = 0
        self._has_answered = False
        self._counts_from = 0.0
        self.show: Callable[[Word], object] = lambda word: None

    def begin(self) -> None:
        """A run has begun: failures count once it has answered, or has had its grace."""
        self._run, self._failures, self._has_answered = self._run + 1, 0, False
        if self.keys:
            self._counts_from = time.monotonic() + self.keys["grace"]
            self.next_due = time.monotonic() + self.keys["interval"]

    def advance(self, may_ask: bool) -> None:
        """Asks if it is time to; a service that is ending need not answer."""
        if self.keys is None or time.monotonic() < self.next_due:
            return
        self.next_due = time.monotonic() + self.keys["interval"]
        if may_ask:
            run, self.next_due = self._run, NEVER
            answered = lambda code, said: self._answered(run, code, said)  # noqa: E731
            self._commands.start(self.keys["command"], self.keys["timeout"], answered, is_shown=False)

    def _answered(self, run: int, code: int | None, said: str) -> None:
        if self.keys is None or run != self._run:
            return
        self.next_due = time.monotonic() + self.keys["interval"]
        if code == 0:
            self._has_answered, self._failures = True, 0
            self.show("running")
        elif self._has_answered or time.monotonic() >= self._counts_from:
            self._failures += 1
            self.show("unhealthy")
        if self._failures >= self.keys["retries"]:
            why = f"no answer in {self.keys['timeout']:g} s" if code is None else last_line(said) or outcome(code)
            self._give_up(f"it no longer answered ({self._failures} times): {why}")
