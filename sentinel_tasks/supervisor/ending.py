"""How the launcher itself ends its service: by the steps of decisions/escalation.py, which a test compares."""

from __future__ import annotations

import time

from ..lineage.signals import signal
from ..lineage.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..lineage.reach import Who
    from .family import Family

TERM_SECONDS, KILL_SECONDS, LEFTOVER_SECONDS = 3.0, 1.0, 0.5
TASK_SECONDS = LEFTOVER_SECONDS + TERM_SECONDS + KILL_SECONDS
"""What was asked to end is first left to the task that asked, so that nothing is told twice; it is through by then."""
KILL_AGAIN_SECONDS = 0.1
"""Between two looks for what has appeared since the first SIGKILL."""


class Step(Value):
    """A signal, and its seconds after the first; one that `asks` goes to those that C-c would reach."""

    __slots__ = ("after", "asks", "signal")

    def __init__(self, after: float, signal: int, asks: bool = False) -> None:
        self.after, self.signal, self.asks = after, signal, asks


def stop_of_the_service(stop_timeout: float, stop_signal: int) -> list[Step]:
    """Its own signal as by C-c, then more and more firmly."""
    return [Step(0.0, stop_signal, asks=True), *end_of_leftovers(stop_timeout)]


def end_of_leftovers(patience: float) -> list[Step]:
    """The end of what did not end by itself in time."""
    return [Step(patience, signal.SIGTERM), Step(patience + TERM_SECONDS, signal.SIGKILL)]


class Ending:
    """One escalation on its way. Times are those of the monotonic clock."""

    def __init__(self, family: Family, steps: list[Step]) -> None:
        self.family = family
        now = time.monotonic()
        self._due = [each.replaced(after=now + each.after) for each in steps]
        self._gives_up_at = float("inf")
        self.reached: dict[Who, None] = {}

    @property
    def next_due(self) -> float:
        """When there is something to do."""
        return self._due[0].after if self._due else min(time.monotonic() + KILL_AGAIN_SECONDS, self._gives_up_at)

    def hurry(self, patience: float) -> None:
        """Waits no longer than this for what would end by itself."""
        if self._due and self._due[0].signal == signal.SIGTERM and not self._due[0].asks:
            earlier = max(0.0, self._due[0].after - time.monotonic() - patience)
            self._due = [each.replaced(after=each.after - earlier) for each in self._due]

    def advance(self) -> None:
        """Sends the step that is due by now; one that comes late puts off those after it as much."""
        if self._due and self._due[0].after <= time.monotonic():
            step = self._due.pop(0)
            self._send(step)
            late = time.monotonic() - step.after
            self._due = [each.replaced(after=each.after + late) for each in self._due]
            if not self._due:
                self._gives_up_at = time.monotonic() + KILL_SECONDS
        if not self._due:
            self._send(Step(0.0, signal.SIGKILL))

    def _send(self, step: Step) -> None:
        family = self.family
        if step.signal == signal.SIGKILL:
            found = family.end()
        else:
            found = family.send(step.signal, family.where_c_c_reaches() if step.asks else family.look())
        if not step.asks:
            self.reached.update(dict.fromkeys(found))

    def is_hopeless(self) -> bool:
        """True once nothing more can be tried."""
        return time.monotonic() >= self._gives_up_at
