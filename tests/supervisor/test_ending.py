"""The steps by which a launcher ends its service, by a clock of the test's."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from sentinel_tasks.supervisor import ending
from sentinel_tasks.supervisor.ending import Ending, stop_of_the_service


class Clock:
    """A family that notes what it is sent, and the time at which that was."""

    def __init__(self) -> None:
        self.now, self.sent = 0.0, list[str]()

    def monotonic(self) -> float:
        return self.now

    def where_c_c_reaches(self) -> list[Any]:
        return []

    look = where_c_c_reaches

    def send(self, number: int, whom: object) -> list[Any]:
        self.sent.append(f"{self.now:g}: {signal.Signals(number).name}")
        return []

    def end(self) -> list[Any]:
        return self.send(signal.SIGKILL, None)


@pytest.mark.parametrize(
    ("looks", "sent"),
    [
        ((0, 9.9, 10, 12.9, 13), ["0: SIGINT", "10: SIGTERM", "13: SIGKILL", "13: SIGKILL"]),
        ((0, 20, 22.9, 23), ["0: SIGINT", "20: SIGTERM", "23: SIGKILL", "23: SIGKILL"]),
        ((5, 14.9, 15), ["5: SIGINT", "15: SIGTERM"]),
    ],
    ids=["in time", "the machine slept through the steps", "late from the first one on"],
)
def test_each_step_leaves_its_time_to_the_service(
    looks: tuple[float, ...], sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Any = Clock()
    monkeypatch.setattr(ending, "time", clock)
    asked = Ending(clock, stop_of_the_service(10.0, signal.SIGINT))
    for clock.now in looks:
        asked.advance()
    assert clock.sent == sent
