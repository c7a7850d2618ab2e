"""Waits as histories: what is waited for, what ends a wait at once, and that nothing is ever sent."""

from __future__ import annotations

from typing import Any

import pytest

from sentinel_tasks.engine.wait import Goal, wait
from sentinel_tasks.model import Report
from tests.engine.histories import DB, JOB, OLD, WEB, History, alive, ended, play, running, sick, stranger
from tests.facts import NOW
from tests.scripted import ScriptedWorld

UP, STARTS = running(**OLD), alive(**OLD)
FAILED = ended(run={"exit_code": 3}, **OLD)
AGAIN = alive(run={"exit_code": 1, "ended": NOW, "next_start": NOW + 9, "restarts": 1}, **OLD)
BY_C_C: dict[str, Any] = {"interrupted": True, "signal": "SIGINT"}
TAKEN = "port 3000 is held by node (pid 800)"
NOT_THERE = "it is not running, and nothing starts it"

HISTORIES: dict[str, tuple[Goal, float | None, History]] = {
    "it is healthy already": ("healthy", None, History({0: [UP]}, told=["web: running, exit 0"])),
    "it becomes healthy": ("healthy", None, History({0: [STARTS], 1: [UP]}, told=["web: running, exit 0"])),
    "it is started already": ("started", None, History({0: [STARTS]}, told=["web: starting, exit 0"])),
    "it fails while it is waited for": (
        "healthy",
        None,
        History({0: [STARTS], 1: [FAILED]}, told=["web: crashed, exit 1; exit 3"]),
    ),
    "nothing is there to wait for": ("healthy", None, History({0: []}, told=[f"web: stopped, exit 3; {NOT_THERE}"])),
    "it is started again after a crash": (
        "healthy",
        None,
        History({0: [AGAIN], 9: [UP]}, told=["web: running, exit 0"]),
    ),
    "it is not healthy in time": (
        "healthy",
        2.0,
        History(
            {0: [sick(**OLD)], 2: [sick(**OLD)]},
            told=["web: starting, exit 1; not healthy in time: HTTP 404 from http://localhost:3000/"],
        ),
    ),
    "without a timeout it has the time of a start": (
        "healthy",
        None,
        History(
            {0: [STARTS], 29: [STARTS], 30: [STARTS]},
            told=["web: unhealthy, exit 1; not healthy in time: nothing listens on port 3000"],
        ),
    ),
    "a one-shot completes": (
        "completed",
        None,
        History(
            {0: [alive(JOB, **OLD)], 1: [ended(JOB, run={"exit_code": 0}, **OLD)]},
            services=(JOB,),
            told=["job: completed, exit 0"],
        ),
    ),
    "a one-shot completes, and what it printed is not in its log yet": (
        "completed",
        None,
        History(
            {
                0: [alive(JOB, **OLD)],
                1: [ended(JOB, run={"exit_code": 0}, is_writing=True, **OLD)],
                1.1: [ended(JOB, run={"exit_code": 0}, **OLD)],
            },
            services=(JOB,),
            told=["job: completed, exit 0"],
        ),
    ),
    "it stops": (
        "stopped",
        None,
        History({0: [UP], 1: [ended(run=BY_C_C, **OLD)]}, told=["web: stopped, exit 0"]),
    ),
    "it has crashed and is waited for to stop": (
        "stopped",
        None,
        History({0: [FAILED]}, told=["web: crashed, exit 0; exit 3"]),
    ),
    "it does not stop": (
        "stopped",
        1.0,
        History({0: [UP], 1: [UP]}, told=["web: running, exit 1; not stopped in time: 200"]),
    ),
    "one of two fails, and the other is not waited for": (
        "healthy",
        None,
        History(
            {0: [STARTS, alive(DB, **OLD)], 1: [FAILED, alive(DB, **OLD)]},
            services=(WEB, DB),
            told=["web: crashed, exit 1; exit 3"],
        ),
    ),
    "its port is in other hands": (
        "healthy",
        0.0,
        History(
            {0: [stranger()]}, told=["web: conflict, exit 1; not healthy in time: port 3000 is held by node (pid 800)"]
        ),
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_wait(name: str) -> None:
    goal, timeout, history = HISTORIES[name]

    def act(world: ScriptedWorld, wanted: list[str]) -> list[Report]:
        return wait(world, wanted, goal, timeout)

    told, sent = play(history, act)
    assert sent == []
    assert [line.split(", outside")[0] for line in told] == history.told
