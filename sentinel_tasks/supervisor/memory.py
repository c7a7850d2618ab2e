"""A limit on the memory of a service: what all its processes use together is looked at as long as a run goes on.

It is no rlimit: RLIMIT_AS counts addresses, of which node, Go and a JVM reserve gigabytes that they never use, and a
process that meets a limit of the kernel's ends in ways of its own, which nobody could tell from any other failure.
"""

from __future__ import annotations

import time

from ..lineage.memory import FAR_BEYOND, SHORTEST, pause, too_much, used

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .family import Family

NEVER = float("inf")
IDLE = 50
"""A look that took long is not followed by another one before so many times as long."""


class Memory:
    """One service's limit; without one nothing is ever due. `give_up` is told why, `kill` ends what uses far more."""

    def __init__(self, family: Family, give_up: Callable[[str], object], kill: Callable[[], object]) -> None:
        self._family, self._give_up, self._kill = family, give_up, kill
        self.limit: int | None = None
        self.next_due = NEVER

    def begin(self) -> None:
        """A run has begun."""
        self.next_due = NEVER if self.limit is None else time.monotonic() + SHORTEST

    def advance(self) -> None:
        """Looks if it is time to."""
        began = time.monotonic()
        if self.limit is None or began < self.next_due:
            return
        found = used([each.pid for each in self._family.look()], self.limit)
        took = time.monotonic() - began
        self.next_due = began + took + max(pause(found, self.limit), IDLE * took)
        if found > self.limit:
            self._give_up(too_much(found, self.limit))
        if found > FAR_BEYOND * self.limit:
            self._kill()
