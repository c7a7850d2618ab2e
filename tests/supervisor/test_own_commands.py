"""What the launcher ends of its own commands: questions, hooks, stop commands."""

from __future__ import annotations

from sentinel_tasks.lineage.process import Process
from sentinel_tasks.supervisor.family import with_descendants


def process(pid: int, parent: int, group: int) -> Process:
    return Process(pid, pid * 10, parent, group, 10, 1000)


def test_what_a_question_forks_while_it_is_ended_is_ended_with_it() -> None:
    """Its `sleep` outlived the service and its launcher."""
    service, shell, forked = process(20, 10, 10), process(30, 10, 30), process(31, 30, 30)
    assert with_descendants([30], [service, shell, forked]) == {30, 31}
    assert with_descendants([30], [service, forked.replaced(parent=10)]) == {30, 31}, "once the shell is gone"
