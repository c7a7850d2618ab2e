"""What the launcher ends of its own commands: questions, hooks, stop commands."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from sentinel_tasks.lineage.process import Process
from sentinel_tasks.lineage.reach import Who
from sentinel_tasks.supervisor.family import Family

LAUNCHER = (10, 100)


def process(pid: int, parent: int, group: int) -> Process:
    return Process(pid, pid * 10, parent, group, 10, 1000)


class Scripted(Family):
    """What is below the launcher at each look, and what was sent."""

    def __init__(self, *looks: Iterable[Process]) -> None:
        super().__init__(LAUNCHER)
        self.looks, self.sent = iter(looks), list[int]()

    def _below(self) -> list[Process]:
        return [*next(self.looks)]

    def send(self, number: int, wanted: list[Process]) -> list[Who]:
        assert number == signal.SIGKILL
        self.sent += [each.pid for each in wanted]
        return []


def test_what_a_question_forks_while_it_is_ended_is_ended_with_it() -> None:
    """Its `sleep` outlived the service and its launcher."""
    service, shell = process(20, 10, 10), process(30, 10, 30)
    forked = process(31, 30, 30)
    family = Scripted([service, shell], [service, shell, forked], [service, forked.replaced(parent=10)])
    family.end_command(30)
    assert family.sent == [30, 31]
