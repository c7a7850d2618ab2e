"""Restarts as histories: the stop, then the start, and what keeps the second from following the first."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.restart import restart
from sentinel_tasks.engine.start import Options
from sentinel_tasks.errors import StateFolderUnusable
from sentinel_tasks.model import Report
from tests import facts
from tests.engine.histories import (
    CTRL_C,
    DB,
    JOB,
    OLD,
    WEB,
    History,
    alive,
    ended,
    play,
    running,
    service,
    stranger,
    stray,
)
from tests.scripted import ScriptedWorld

UP, DB_UP = running(**OLD), running(DB, **OLD)
BY_C_C = {"interrupted": True, "signal": "SIGINT"}
DOWN, DB_DOWN = ended(run=BY_C_C, **OLD), ended(DB, run=BY_C_C, **OLD)
INT, READY = ["0: INT 200", "0: INT 201"], "web is ready"
KILLED = ["10: TERM 201", "13: KILL 201", "14: KILL 201", "14: KILL 200"]
SAME_WINDOW, STARTED = "same window for web", "web: running, changed, exit 0"
NEEDS_DB = service("web", 3000, depends_on=(("db", "healthy"),))
TWO = service("web-2", 3002, template="pool")
TWO_UP, TWO_DOWN = running(TWO, **OLD), ended(TWO, run=BY_C_C, **OLD)
FOLLOWS_DB = service("web", 3000, depends_on=(("db", "healthy"),), restart_with=("db",))
NEEDS_JOB = service("web", 3000, depends_on=(("job", "completed"),))
DONE = {"exit_code": 0}
DONE_BEFORE = ended(JOB, run=DONE, **OLD)

HISTORIES = {
    "it is stopped, then started in the same window": History(
        {0: [UP], 1: [DOWN], 2: [running()]},
        sent=[*INT, f"1: {SAME_WINDOW}", f"2: {READY}"],
        told=[STARTED],
    ),
    "it needs more than C-c": History(
        {0: [UP], 10: [UP], 11: [DOWN], 12: [running()]},
        sent=[*INT, "10: TERM 201", f"11: {SAME_WINDOW}", f"12: {READY}"],
        told=[STARTED],
    ),
    "it does not stop, and is not started": History(
        {0: [UP], 10: [UP], 13: [UP], 14: [UP], 15.1: [UP]},
        sent=[*INT, *KILLED],
        told=["web: starting, changed, exit 1; would not stop: still there after SIGKILL: 200, 201"],
    ),
    "one does not stop, and none is started": History(
        {
            0: [UP, DB_UP],
            1: [UP, DB_DOWN],
            10: [UP, DB_DOWN],
            13: [UP, DB_DOWN],
            14: [UP, DB_DOWN],
            15.1: [UP, DB_DOWN],
        },
        services=(WEB, DB),
        sent=["0: INT 300", "0: INT 301", *INT, *KILLED],
        told=[
            "db: stopped, changed, exit 0",
            "web: starting, changed, exit 1; would not stop: still there after SIGKILL: 200, 201",
        ],
    ),
    "another one that needs it restarts with it": History(
        {
            0: [UP, DB_UP],
            1: [DOWN, DB_UP],
            2: [DOWN, DB_DOWN],
            3: [DOWN, running(DB)],
            4: [DOWN, running(DB)],
            5: [running(), running(DB)],
        },
        services=(FOLLOWS_DB, DB),
        wanted=("db",),
        sent=[
            *INT,
            "1: INT 300",
            "1: INT 301",
            "2: same window for db",
            "3: db is ready",
            f"4: {SAME_WINDOW}",
            f"5: {READY}",
        ],
        told=["db: running, changed, exit 0", STARTED],
    ),
    "one that would restart with it does not run": History(
        {0: [DB_UP], 1: [DB_DOWN], 2: [running(DB)]},
        services=(FOLLOWS_DB, DB),
        wanted=("db",),
        sent=["0: INT 300", "0: INT 301", "1: same window for db", "2: db is ready"],
        told=["db: running, changed, exit 0"],
    ),
    "what restarts with all of several follows one of them": History(
        {0: [UP, TWO_UP], 1: [DOWN, TWO_DOWN], 2: [running(), running(TWO)]},
        services=(service("web", 3000, restart_with=("pool",)), TWO),
        wanted=("web-2",),
        sent=[
            *INT,
            "0: INT 620",
            "0: INT 621",
            f"1: {SAME_WINDOW}",
            "1: same window for web-2",
            f"2: {READY}",
            "2: web-2 is ready",
        ],
        told=[STARTED, "web-2: running, changed, exit 0"],
    ),
    "it did not run": History(
        {0: [], 1: [running()]},
        sent=["0: new session for web", f"1: {READY}"],
        told=[STARTED],
    ),
    "only a stray was left": History(
        {0: [stray()], 1: [], 2: [running()]},
        sent=["0: INT 700", "1: new session for web", f"2: {READY}"],
        told=[STARTED],
    ),
    "it crashes when it is started again": History(
        {0: [UP], 1: [DOWN], 2: [ended(run={"exit_code": 3})]},
        sent=[*INT, f"1: {SAME_WINDOW}"],
        told=["web: crashed, exit 1; ended while starting: exit 3"],
    ),
    "a stranger takes the port between stop and start": History(
        {0: [UP], 1: [DOWN, stranger()]},
        sent=INT,
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
    "what it needs is left running": History(
        {0: [UP, DB_UP], 1: [DOWN, DB_UP], 2: [DOWN, DB_UP], 3: [running(), DB_UP]},
        services=(NEEDS_DB, DB),
        wanted=("web",),
        sent=[*INT, "1: db is ready", f"2: {SAME_WINDOW}", f"3: {READY}"],
        told=["db: running, exit 0", STARTED],
    ),
    "what it needs is started if it does not run": History(
        {0: [UP], 1: [DOWN], 2: [DOWN, running(DB)], 3: [DOWN, running(DB)], 4: [running(), running(DB)]},
        services=(NEEDS_DB, DB),
        wanted=("web",),
        sent=[*INT, "1: new window for db", "2: db is ready", f"3: {SAME_WINDOW}", f"4: {READY}"],
        told=["db: running, changed, exit 0", STARTED],
    ),
    "what needs it goes on running": History(
        {0: [UP, DB_UP], 1: [UP, DB_DOWN], 2: [UP, running(DB)]},
        services=(NEEDS_DB, DB),
        wanted=("db",),
        sent=["0: INT 300", "0: INT 301", "1: same window for db", "2: db is ready"],
        told=["db: running, changed, exit 0"],
    ),
    "a one-shot that is done runs once more": History(
        {0: [DONE_BEFORE], 1: [alive(JOB)], 2: [ended(JOB, run=DONE)]},
        services=(JOB,),
        sent=["0: same window for job"],
        told=["job: completed, changed, exit 0"],
    ),
    "a one-shot runs once more before what waits for it": History(
        {
            0: [DONE_BEFORE, UP],
            1: [DONE_BEFORE, DOWN],
            2: [alive(JOB), DOWN],
            3: [ended(JOB, run=DONE), DOWN],
            4: [ended(JOB, run=DONE), running()],
        },
        services=(NEEDS_JOB, JOB),
        sent=[*INT, "1: same window for job", f"3: {SAME_WINDOW}", f"4: {READY}"],
        told=["job: completed, changed, exit 0", STARTED],
    ),
    "a one-shot that only is needed is not run again": History(
        {0: [DONE_BEFORE, UP], 1: [DONE_BEFORE, DOWN], 2: [DONE_BEFORE, running()]},
        services=(NEEDS_JOB, JOB),
        wanted=("web",),
        sent=[*INT, f"1: {SAME_WINDOW}", f"2: {READY}"],
        told=["job: completed, exit 0", STARTED],
    ),
    "Ctrl-C while it is stopping": History(
        {0: [UP], 1: [CTRL_C]},
        sent=INT,
        told=["exit 130: interrupted; asked to stop, and may still end: web"],
    ),
    "Ctrl-C while it is starting again": History(
        {0: [UP], 1: [DOWN], 2: [CTRL_C]},
        sent=[*INT, f"1: {SAME_WINDOW}"],
        told=["exit 130: interrupted; web keeps starting in its window"],
    ),
    "a dry run of one that runs": History(
        {0: [UP]},
        options=Options(dry=True),
        sent=[],
        told=["web: stopped, exit 0; would start web on port 3000: node ."],
    ),
    "a dry run of a one-shot that is done": History(
        {0: [DONE_BEFORE]},
        services=(JOB,),
        options=Options(dry=True),
        sent=[],
        told=["job: stopped, exit 0; would start job: node ."],
    ),
    "a dry run on a port that is taken": History(
        {0: [UP, stranger(port=3001)]},
        services=(replace(WEB, port=3001),),
        options=Options(dry=True),
        sent=[],
        told=["web: conflict, exit 4; port 3001 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
    "its record tells the port that it has, and the one that it is to have is taken": History(
        {0: [running(run={"port": 3000}, **OLD), stranger(port=3001)]},
        services=(replace(WEB, port=3001),),
        options=Options(dry=True),
        sent=[],
        told=["web: conflict, exit 4; port 3001 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_restart(name: str) -> None:
    history = HISTORIES[name]

    def act(world: ScriptedWorld, wanted: Sequence[str]) -> list[Report]:
        done = restart(world, wanted, history.options)
        return done.stopped if done.started is None else done.started

    assert play(history, act) == (history.told, history.sent)


def test_what_could_not_be_started_again_is_not_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise StateFolderUnusable("the state folder can't be used")

    world = ScriptedWorld(facts.workspace(WEB), {0: [UP]})
    monkeypatch.setattr(world.state, "prepare", refuse)
    with pytest.raises(StateFolderUnusable):
        restart(world, ["web"], Options())
    assert world.sent == []
