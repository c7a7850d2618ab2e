"""Starts as histories: what is seen turn by turn, what is done about it, and what is told at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.start import Options, start
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.model import Answer, Health, Listener, Pane, Run
from tests import facts
from tests.engine.histories import (
    CTRL_C,
    DB,
    JOB,
    OLD,
    WATCHING,
    WEB,
    History,
    alive,
    by_hand,
    ended,
    locked,
    play,
    running,
    service,
    sick,
    stranger,
)
from tests.facts import NOW, PATH
from tests.scripted import ScriptedWorld
from tests.turns import Fact

NEW, READY = "0: new session for web", "web is ready"
STARTED = "web: running, changed, exit 0"
LATE = "web: unhealthy, exit 1; not healthy after 30 s"
NOT_FOUND = "HTTP 404 from http://localhost:3000/"
NO_WAIT, DRY = Options(wait=False), Options(dry=True)
LONG_AGO = {"began": NOW - 3600, "started": NOW - 3600}

WITHOUT_PORT = service("web")
COMMANDED = service("web", 3000, health=Health("command", "is-ready"))
SELDOM = service("web", 3000, health=Health("http", "/", interval=10))
SLOW = Answer(True, "200", 26_000)
VITE = facts.listener(command="node node_modules/.bin/vite")
AWAITS = {"awaits_ready": True}
ONCE_MORE = {"exit_code": 1, "ended": NOW, "next_start": NOW + 9, "restarts": 1}

CLEANING_UP = alive(run={"exit_code": 1, "ended": NOW}, pids=(200, 203), foreground=(200,), **OLD)

WAITING = {
    "it is healthy at the first look": History(
        {0: [], 1: [running()]},
        sent=[NEW, f"1: {READY}"],
        told=[STARTED],
    ),
    "its launcher wants to know that it is ready": History(
        {0: [], 1: [alive(run=AWAITS)], 2: [running(run=AWAITS)]},
        sent=[NEW, f"2: {READY}", "2: USR1 210"],
        told=[STARTED],
    ),
    "it is healthy after some looks": History(
        {0: [], 1: [alive()], 2: [sick()], 3: [running()]},
        sent=[NEW, f"3: {READY}"],
        told=[STARTED],
    ),
    "its health check hangs for a while": History(
        {0: [], 1: [running(hangs=True)], 2: [running(hangs=True)], 3: [running()]},
        sent=[NEW, f"3: {READY}"],
        told=[STARTED],
    ),
    "its health check hangs for ever": History(
        {0: [], 2: [running(hangs=True)], 30: [running(hangs=True)]},
        sent=[NEW],
        told=[f"{LATE}: no answer from http://127.0.0.1:3000/ for 28 s"],
    ),
    "its page takes longer than a status waits for it": History(
        {0: [], 2: [running(hangs=True)], 9: [running(hangs=True)], 28: [running(answer=SLOW)]},
        sent=[NEW, f"28: {READY}"],
        told=[f"{STARTED}; its health check took 26 s, but status waits 5 s for it: health: {{…, timeout: 52}}"],
    ),
    "its health check hangs after it was refused": History(
        {0: [], 1: [sick()], 2: [sick(hangs=True)], 4: [sick(hangs=True)], 30: [sick(hangs=True)]},
        sent=[NEW],
        told=[f"{LATE}: no answer from http://127.0.0.1:3000/ for 28 s"],
    ),
    "its health check hangs for less than its timeout: the refusal before is the cause that is told": History(
        {0: [], 1: [sick()], 27: [sick(hangs=True)], 30: [sick(hangs=True)]},
        sent=[NEW],
        told=[f"{LATE}: {NOT_FOUND}"],
    ),
    "its health command hangs for ever": History(
        {0: [], 2: [running(COMMANDED, hangs=True)], 30: [running(COMMANDED, hangs=True)]},
        services=(COMMANDED,),
        sent=[NEW],
        told=[f"{LATE}: the health command has been asked for 28 s"],
    ),
    "it is asked at intervals": History(
        {0: [], 1: [sick(SELDOM)], 3: [running(SELDOM)], 12: [running(SELDOM)]},
        services=(SELDOM,),
        sent=[NEW, f"12: {READY}"],
        told=[STARTED],
    ),
    "it is not healthy in time, and not a moment earlier": History(
        {0: [], 1: [alive()], 29.9: [sick()], 30: [sick()]},
        sent=[NEW],
        told=[f"{LATE}: {NOT_FOUND}"],
    ),
    "its time counts from the launch, not from when its process began": History(
        {0: [], 2: [sick(run={"started": NOW + 2})], 29.9: [sick(run={"started": NOW + 2})], 30: [sick()]},
        sent=[NEW],
        told=[f"{LATE}: {NOT_FOUND}"],
    ),
    "it listens on another port": History(
        {0: [], 29: [alive(port=3001)], 30: [alive(port=3001)]},
        sent=[NEW],
        told=[f"{LATE}: nothing listens on port 3000; it listens on 3001 instead"],
    ),
    "a server of one port listens on another port": History(
        {
            0: [],
            2: [alive(port=5173, listener=VITE)],
            2.9: [alive(port=5173, listener=VITE)],
            3: [alive(port=5173, listener=VITE)],
        },
        sent=[NEW],
        told=["web: unhealthy, exit 1; nothing listens on port 3000; it listens on 5173 instead"],
    ),
    "a server of one port has another one for a moment": History(
        {0: [], 2: [alive(port=5173, listener=VITE)], 2.5: [running()]},
        sent=[NEW, f"2.5: {READY}"],
        told=[STARTED],
    ),
    "without a check it must stay up for a second": History(
        {0: [], 0.5: [alive(WITHOUT_PORT)], 0.9: [alive(WITHOUT_PORT)], 1: [alive(WITHOUT_PORT)]},
        services=(WITHOUT_PORT,),
        sent=[NEW, f"1: {READY}"],
        told=[STARTED],
    ),
    "it crashes, and its policy starts it again": History(
        {0: [], 1: [alive(run=ONCE_MORE)], 2: [running()]},
        sent=[NEW, f"2: {READY}"],
        told=[STARTED],
    ),
    "it is suspended": History(
        {0: [], 1: [alive(WITHOUT_PORT, is_suspended=True)], 30: [alive(WITHOUT_PORT, is_suspended=True)]},
        services=(WITHOUT_PORT,),
        sent=[NEW],
        told=[f"{LATE}: it is suspended; kill -CONT -- -210 lets it go on"],
    ),
    "Ctrl-C leaves it starting": History(
        {0: [], 1: [alive()], 2: [CTRL_C]},
        sent=[NEW],
        told=["exit 130: interrupted; web keeps starting in its window"],
    ),
    "Ctrl-C comes while windows are opened": History(
        {0: [Fact("web", refusal=KeyboardInterrupt())]},
        services=(DB, WEB),
        sent=["0: new session for db"],
        told=["exit 130: interrupted; db keeps starting in its window; not started: web"],
    ),
    "nobody waits for it": History(
        {0: [alive()]},
        options=NO_WAIT,
        sent=[NEW],
        told=["web: starting, changed, exit 0"],
    ),
    "nobody waits for what starts already": History(
        {0: [alive(**OLD)]},
        options=NO_WAIT,
        sent=[],
        told=["web: starting, exit 0"],
    ),
}

ENDS = {
    "it crashes before it is healthy": History(
        {0: [], 1: [alive()], 2: [ended(run={"exit_code": 3})]},
        sent=[NEW],
        told=["web: crashed, exit 1; ended while starting: exit 3"],
    ),
    "it crashes before anybody looked": History(
        {0: [], 0.1: [ended(run={"exit_code": 127})]},
        sent=[NEW],
        told=["web: crashed, exit 1; ended while starting: exit 127"],
    ),
    "its launcher was killed: that is put on record before it is started again": History(
        {0: [ended(run={"ended": None}, **OLD)], 1: [running()]},
        sent=["0: record that web lost its launcher", "0: event crash of web", "0: same window for web", f"1: {READY}"],
        told=[STARTED],
    ),
    "it is killed": History(
        {0: [], 1: [alive()], 2: [ended(run={"signal": "SIGKILL"})]},
        sent=[NEW],
        told=["web: crashed, exit 1; ended while starting: killed by SIGKILL"],
    ),
    "an end with exit 0 is no success": History(
        {0: [], 1: [ended(run={"exit_code": 0})]},
        sent=[NEW],
        told=["web: stopped, exit 1; ended while starting: exit 0"],
    ),
    "somebody stops it meanwhile": History(
        {0: [], 1: [alive()], 2: [ended(run={"signal": "SIGINT", "interrupted": True})]},
        sent=[NEW],
        told=["web: stopped, exit 1; ended while starting: it was stopped (SIGINT)"],
    ),
    "its launcher could not run it": History(
        {0: [], 1: [ended(run={"error": "no such folder: /srv"})]},
        sent=[NEW],
        told=["web: crashed, exit 1; could not be started: no such folder: /srv"],
    ),
    "its window is closed": History(
        {0: [], 1: [alive()], 2: []},
        sent=[NEW],
        told=["web: stopped, exit 1; ended while starting: its window was closed while it was starting"],
    ),
    "its end could not be written down": History(
        {0: [], 1: [alive()], 2: [replace(ended(), run=None)]},
        sent=[NEW],
        told=[
            "web: stopped, exit 1; "
            "ended while starting: how could not be written down in /state/app (is its disk full?)"
        ],
    ),
    "its last words are waited for": History(
        {
            0: [],
            1: [ended(run={"exit_code": 1}, is_writing=True)],
            1.1: [ended(run={"exit_code": 1}, output=["boom"])],
        },
        sent=[NEW],
        told=["web: crashed, exit 1; ended while starting: exit 1; | boom"],
    ),
    "a one-shot completes, and what it printed is not in its log yet": History(
        {
            0: [],
            1: [ended(JOB, run={"exit_code": 0}, is_writing=True)],
            1.1: [ended(JOB, run={"exit_code": 0})],
        },
        services=(JOB,),
        sent=["0: new session for job"],
        told=["job: completed, changed, exit 0"],
    ),
    "its log pump begins seconds later, on a busy machine": History(
        {
            0: [],
            1: [ended(run={"exit_code": 1}, is_writing=True)],
            3.9: [ended(run={"exit_code": 1}, is_writing=True)],
            4: [ended(run={"exit_code": 1}, output=["boom"])],
        },
        sent=[NEW],
        told=["web: crashed, exit 1; ended while starting: exit 1; | boom"],
    ),
    "its last words never come": History(
        {
            0: [],
            1: [ended(run={"exit_code": 1}, is_writing=True)],
            4: [ended(run={"exit_code": 1}, is_writing=True)],
        },
        sent=[NEW],
        told=["web: crashed, exit 1; ended while starting: exit 1"],
    ),
}

THERE_ALREADY = {
    "it runs already, and its log pump was killed": History(
        {0: [running(is_unlogged=True, **OLD)]},
        sent=[f"0: {READY}", "0: log pump of web"],
        told=[
            "web: running, exit 0; its output is written to its log again; "
            "what it printed since the log pump was killed is not in there"
        ],
    ),
    "its files can't be watched": History(
        {0: [], 1: [running(WATCHING)], 2: [running(WATCHING, cannot_watch="watchfiles is not installed: pip …")]},
        services=(WATCHING,),
        sent=["0: new session for web", "0: a watcher", f"1: {READY}"],
        told=[
            f"{STARTED}; its files are not watched: watchfiles is not installed: pip …; "
            "inv web.start has them watched again"
        ],
    ),
    "it runs already, and the watcher was killed": History(
        {0: [running(WATCHING, **OLD)], 1: [running(WATCHING, watched=(), **OLD)]},
        services=(WATCHING,),
        sent=[f"0: {READY}", "0: a watcher"],
        told=[
            "web: running, exit 0; its files are watched again; changes since the watcher was killed were not seen",
        ],
    ),
    "its launcher waits for a change of its files": History(
        {
            0: [ended(WATCHING, run={"exit_code": 1}, pane=alive(WATCHING, **OLD).pane, pids=(200,), **OLD)],
            1: [ended(WATCHING, run={"exit_code": 1}, **OLD)],
            2: [running(WATCHING, watched=())],
        },
        services=(WATCHING,),
        sent=["0: TERM 200", "1: same window for web", "1: a watcher", f"2: {READY}"],
        told=[STARTED],
    ),
    "it runs already": History(
        {0: [running(**OLD)]},
        sent=[f"0: {READY}"],
        told=["web: running, exit 0"],
    ),
    "it runs already on another port than is wanted now": History(
        {0: [running(service("web", 3001), **OLD)]},
        sent=[f"0: {READY}"],
        told=["web: running, exit 0; it keeps port 3001; inv web.restart --port 3000 moves it to 3000"],
    ),
    "it runs already on another port than is wanted, and that is taken": History(
        {0: [running(service("web", 3001), **OLD), stranger()]},
        sent=[f"0: {READY}"],
        told=["web: running, exit 0; it keeps port 3001; 3000 is taken"],
    ),
    "its window is dead and is used again": History(
        {0: [ended(**OLD)], 1: [running()]},
        sent=["0: same window for web", f"1: {READY}"],
        told=[STARTED],
    ),
    "somebody else started it and it comes up: theirs, not ours": History(
        {0: [alive(**OLD)], 1: [running(**OLD)]},
        sent=[f"1: {READY}"],
        told=["web: running, exit 0"],
    ),
    "somebody else launches it while we wait for the lock": History(
        {0: [locked()], 1: [alive(**OLD)], 2: [running(**OLD)]},
        sent=[f"2: {READY}"],
        told=["web: running, exit 0"],
    ),
    "somebody else's launch crashes: its failure is ours, and it is not launched twice": History(
        {0: [locked()], 1: [alive(**OLD)], 2: [ended(run={"exit_code": 3}, **OLD)]},
        sent=[],
        told=["web: crashed, exit 1; ended while starting: exit 3"],
    ),
    "somebody else's launch has only the rest of its time": History(
        {
            0: [sick(run={"started": NOW - 20}, **OLD)],
            9.9: [sick(run={"started": NOW - 20}, **OLD)],
            10: [sick(run={"started": NOW - 20}, **OLD)],
        },
        sent=[],
        told=[f"web: unhealthy, exit 1; not healthy after 30 s: {NOT_FOUND}"],
    ),
    "one that has long been unhealthy is given the whole time": History(
        {0: [sick(run=LONG_AGO, **OLD)], 29.9: [sick(run=LONG_AGO, **OLD)], 30: [sick(run=LONG_AGO, **OLD)]},
        sent=[],
        told=[f"{LATE}: {NOT_FOUND}"],
    ),
    "one that reloads is waited for however long it has run": History(
        {0: [alive(run=LONG_AGO, **OLD)], 5: [running(run=LONG_AGO, **OLD)]},
        sent=[f"5: {READY}"],
        told=["web: running, exit 0"],
    ),
    "one that is ending is waited for, then started": History(
        {0: [running(run={"asked": NOW - 1}, **OLD)], 1: [ended(run={"interrupted": True}, **OLD)], 2: [running()]},
        sent=["1: same window for web", f"2: {READY}"],
        told=[STARTED],
    ),
    "one that was asked to end and did not is running": History(
        {0: [running(run={"asked": NOW - 10}, **OLD)]},
        sent=[f"0: {READY}"],
        told=["web: running, exit 0"],
    ),
    "it has crashed, and its launcher still ends what it left behind": History(
        {0: [CLEANING_UP], 0.5: [CLEANING_UP], 1: [ended(run={"exit_code": 1}, **OLD)], 2: [running()]},
        sent=["0: TERM 200", "1: same window for web", f"2: {READY}"],
        told=[STARTED],
    ),
    "a launcher that nobody gives its specification is replaced": History(
        {0: [replace(alive(**OLD), run=None, pids=(200,))], 1: [running()]},
        sent=["0: same window for web", f"1: {READY}"],
        told=[STARTED],
    ),
    "a service whose record is lost runs all the same": History(
        {0: [replace(running(**OLD), run=None)]},
        sent=[f"0: {READY}"],
        told=["web: running, exit 0"],
    ),
    "it is started by hand in the session": History(
        {0: [by_hand()]},
        sent=[],
        told=["web: running, exit 0; started by hand in window 5 (sh); adopted"],
    ),
    "a start from inside its own window": History(
        {0: [running(**OLD)]},
        environ={"SENTINEL_SERVICE": "web", "SENTINEL_WORKSPACE": PATH},
        sent=[],
        told=["exit 1: web can't be started or stopped from inside its own window"],
    ),
}


CONFLICTS = {
    "a stranger from elsewhere holds the port": History(
        {0: [stranger()]},
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
    "a folder whose name only begins like ours is elsewhere": History(
        {0: [stranger(folder=f"{PATH}2")]},
        sent=[],
        told=[f"web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from {PATH}2"],
    ),
    "another user holds the port": History(
        {0: [Fact(port=3000, listener=Listener("", user="root"))]},
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by a process of user root that can't be seen"],
    ),
    "a program in a window of somebody else holds the port": History(
        {0: [replace(by_hand(), pane=facts.foreign_pane(pid=900))]},
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 901) in window 1 of session work"],
    ),
    "another service of the workspace holds the port": History(
        {0: [replace(running(DB, **OLD), port=3000)]},
        services=(WEB, DB),
        wanted=("web",),
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by db, another service of this workspace (pid 301)"],
    ),
    "what was started by hand in the session does not work": History(
        {0: [by_hand(answer=facts.SICK)]},
        sent=[],
        told=[
            "web: conflict, exit 4; port 3000 is held by node (pid 901) in window 5 of session sentinel-app, "
            "which does not pass the health check"
        ],
    ),
    "a stranger takes the port while it starts": History(
        {0: [], 1: [alive()], 2: [alive(), stranger()]},
        sent=[NEW],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
    "a stranger from this very folder takes the port while it starts: it is not ended any more": History(
        {0: [], 1: [alive()], 2: [alive(), stranger(folder=PATH)]},
        sent=[NEW],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from this workspace"],
    ),
    "a stranger listens beside it": History(
        {0: [running(**OLD), stranger(address="::1")]},
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
    "the stranger is gone once we have the lock": History(
        {0: [stranger(folder=PATH), locked()], 1: [], 2: [running()]},
        sent=["1: new session for web", f"2: {READY}"],
        told=[STARTED],
    ),
}

DRY_RUNS = {
    "what would be started": History(
        {0: []}, options=DRY, sent=[], told=["web: stopped, exit 0; would start web on port 3000: node ."]
    ),
    "what would be ended": History(
        {0: [stranger(folder=PATH)]},
        options=DRY,
        sent=[],
        told=["web: conflict, exit 0; would end what holds port 3000, then start web"],
    ),
    "what would be refused": History(
        {0: [stranger()]},
        options=DRY,
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
    "what runs is not even marked as ready": History(
        {0: [running(**OLD)]}, options=DRY, sent=[], told=["web: running, exit 0"]
    ),
    "what starts already is not waited for": History(
        {0: [alive(**OLD)]}, options=DRY, sent=[], told=["web: starting, exit 0"]
    ),
}

ALL = {**WAITING, **ENDS, **THERE_ALREADY, **CONFLICTS, **DRY_RUNS}


def test_a_start_that_waits_looks_at_no_other_processes_than_its_own() -> None:
    """Each of its looks read a thousand processes on a machine that has as many, to find one."""
    turns: dict[float, list[Fact]] = {
        0: [],
        1: [alive(is_writing=True)],
        2: [sick(is_writing=True)],
        3: [running(is_writing=True)],
    }
    world, looks = ScriptedWorld(facts.workspace(WEB), turns), list[float]()

    def read() -> Mapping[int, Process]:
        looks.append(world.time)
        return world.turn.read()

    vars(world.processes).update(read=read)
    assert [report.code for report in start(world, ["web"], Options())] == [0]
    assert {*looks} == {0}


LOCKING = {
    "nothing is on record": ([], ["lock", "look", "unlock"]),
    "its end is on record": ([ended(**OLD)], ["lock", "look", "unlock"]),
    "its launcher was killed": (
        [ended(run={"ended": None, "launcher_ticks": 200}, **OLD)],
        ["look", "lock", "unlock", "lock", "look", "unlock"],
    ),
    "it runs": ([running(**OLD)], ["look"]),
}


@pytest.mark.parametrize("name", LOCKING)
def test_one_that_hardly_runs_is_looked_at_once_with_its_lock_held(name: str) -> None:
    """Each start looked twice before its launch: once to see that it had to act, and again with the lock."""
    first, expected = LOCKING[name]
    world = ScriptedWorld(facts.workspace(WEB), {0: first, **({} if name == "it runs" else {1: [running()]})})
    done, lock, close_run = list[str](), world.state.lock, world.state.close_run

    @contextmanager
    def locking(service: str, patience: float = 30.0) -> Iterator[None]:
        with lock(service, patience):
            done.append("lock")
            yield
            done.append("unlock")

    def closing(service: str, told: Run, end: Run, patience: float) -> bool:
        with locking(service):
            return close_run(service, told, end, patience)

    def look() -> list[Pane]:
        done.append("look")
        return world.turn.panes()

    vars(world.state).update(lock=locking, close_run=closing)
    vars(world.tmux).update(panes=look)
    assert [report.code for report in start(world, ["web"], Options())] == [0]
    assert done == [*expected, *([] if name == "it runs" else ["look"])]


@pytest.mark.parametrize("name", ALL)
def test_start(name: str) -> None:
    history = ALL[name]
    told = play(history, lambda world, wanted: start(world, wanted, history.options))
    assert told == (history.told, history.sent)
