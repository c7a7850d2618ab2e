"""Starts of services that need each other, as histories: who is launched when, and who is not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.start import Options, start
from sentinel_tasks.model import Condition, Service
from tests.engine.histories import DB, JOB, OLD, WEB, History, alive, ended, play, running, service, sick

NEW_DB, NEW_JOB, DB_READY, WEB_READY = "new session for db", "new session for job", "db is ready", "web is ready"
NEW_WEB, NEXT_WEB = "new session for web", "new window for web"


def web_after(**needed: Condition) -> Service:
    """`web`, which waits for these."""
    return service("web", 3000, depends_on=tuple(needed.items()))


SLOW_JOB = replace(JOB, startup_timeout=60.0)
NOT_HEALTHY = "not healthy after 30 s: HTTP 404 from http://localhost:3000/"
DONE = {"exit_code": 0}
FAILED = {"exit_code": 1}
HISTORIES = {
    "services that do not need each other start at once": History(
        {0: [], 1: [running(DB), alive()], 2: [running(DB), running()]},
        services=(DB, WEB),
        sent=[f"0: {NEW_DB}", f"0: {NEXT_WEB}", f"1: {DB_READY}", f"2: {WEB_READY}"],
        told=["db: running, changed, exit 0", "web: running, changed, exit 0"],
    ),
    "web is launched once db is healthy": History(
        {0: [], 1: [sick(DB)], 2: [running(DB)], 3: [running(DB)], 4: [running(DB), running()]},
        services=(web_after(db="healthy"), DB),
        sent=[f"0: {NEW_DB}", f"2: {DB_READY}", f"3: {NEXT_WEB}", f"4: {WEB_READY}"],
        told=["db: running, changed, exit 0", "web: running, changed, exit 0"],
    ),
    "web is launched once db is started": History(
        {0: [], 1: [alive(DB)], 2: [alive(DB), running()], 3: [running(DB)]},
        services=(web_after(db="started"), DB),
        sent=[f"0: {NEW_DB}", f"1: {NEXT_WEB}", f"2: {WEB_READY}", f"3: {DB_READY}"],
        told=["db: running, changed, exit 0", "web: running, changed, exit 0"],
    ),
    "web is launched once job is completed": History(
        {0: [], 1: [alive(JOB)], 2: [ended(JOB, run=DONE)], 3: [ended(JOB, run=DONE), running()]},
        services=(web_after(job="completed"), JOB),
        sent=[f"0: {NEW_JOB}", f"2: {NEXT_WEB}", f"3: {WEB_READY}"],
        told=["job: completed, changed, exit 0", "web: running, changed, exit 0"],
    ),
    "a one-shot that is done is not run again": History(
        {0: [ended(JOB, run=DONE, **OLD)], 1: [ended(JOB, run=DONE, **OLD), running()]},
        services=(web_after(job="completed"), JOB),
        sent=[f"0: {NEXT_WEB}", f"1: {WEB_READY}"],
        told=["job: completed, exit 0", "web: running, changed, exit 0"],
    ),
    "a one-shot that failed is run again": History(
        {0: [ended(JOB, run=FAILED, **OLD)], 1: [alive(JOB)], 2: [ended(JOB, run=DONE)]},
        services=(JOB,),
        sent=["0: same window for job"],
        told=["job: completed, changed, exit 0"],
    ),
    "a one-shot that does not end in time": History(
        {0: [], 1: [alive(JOB)], 30: [alive(JOB)]},
        services=(JOB,),
        sent=[f"0: {NEW_JOB}"],
        told=["job: starting, exit 1; not healthy after 30 s: still running"],
    ),
    "job fails: web is not started, and the cause is told": History(
        {0: [], 1: [ended(JOB, run=FAILED)], 2: []},
        services=(web_after(job="completed"), JOB),
        sent=[f"0: {NEW_JOB}"],
        told=[
            "job: crashed, exit 1; ended while starting: exit 1",
            "web: stopped, exit 1; waits for job, which failed: ended while starting: exit 1",
        ],
    ),
    "db fails: what does not need it goes on": History(
        {0: [], 1: [ended(DB, run=FAILED), alive()], 2: [running()]},
        services=(DB, WEB),
        sent=[f"0: {NEW_DB}", f"0: {NEXT_WEB}", f"2: {WEB_READY}"],
        told=["db: crashed, exit 1; ended while starting: exit 1", "web: running, changed, exit 0"],
    ),
    "db was started, but is late: web is not started though it had waited for that alone": History(
        {0: [], 1: [sick(DB), alive(JOB)], 30: [sick(DB), alive(JOB)], 31: [alive(JOB)], 32: [ended(JOB, run=DONE)]},
        services=(web_after(db="started", job="completed"), DB, SLOW_JOB),
        sent=[f"0: {NEW_DB}", "0: new window for job"],
        told=[
            f"db: unhealthy, exit 1; {NOT_HEALTHY}",
            "job: completed, changed, exit 0",
            f"web: stopped, exit 1; waits for db, which failed: {NOT_HEALTHY}",
        ],
    ),
    "web runs already and waits for nobody": History(
        {0: [running(**OLD)], 1: [ended(DB, run=FAILED)]},
        services=(web_after(db="healthy"), DB),
        sent=[f"0: {WEB_READY}", "0: new window for db"],
        told=["db: crashed, exit 1; ended while starting: exit 1", "web: running, exit 0"],
    ),
    "what is needed is started though only web is meant": History(
        {0: [], 1: [running(DB)], 2: [running(DB)], 3: [running(DB), running()]},
        services=(web_after(db="healthy"), DB, JOB),
        wanted=("web",),
        sent=[f"0: {NEW_DB}", f"1: {DB_READY}", f"2: {NEXT_WEB}", f"3: {WEB_READY}"],
        told=["db: running, changed, exit 0", "web: running, changed, exit 0"],
    ),
    "what is needed is waited for though nobody waits for web": History(
        {0: [], 1: [alive(DB)], 2: [running(DB)], 3: [running(DB), alive()]},
        services=(web_after(db="healthy"), DB),
        options=Options(wait=False),
        sent=[f"0: {NEW_DB}", f"2: {DB_READY}", f"3: {NEXT_WEB}"],
        told=["db: running, changed, exit 0", "web: starting, changed, exit 0"],
    ),
    "a dry run tells the plan of all": History(
        {0: [], 1: []},
        services=(web_after(db="healthy"), DB),
        options=Options(dry=True),
        sent=[],
        told=[
            "db: stopped, exit 0; would start db on port 5432: node .",
            "web: stopped, exit 0; would start web on port 3000: node .",
        ],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_start(name: str) -> None:
    history = HISTORIES[name]
    told = play(history, lambda world, wanted: start(world, wanted, history.options))
    assert told == (history.told, history.sent)
