"""Stops as histories: who is asked to end how and when, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.start import Options
from sentinel_tasks.engine.stop import stop
from sentinel_tasks.lineage.process import Process
from tests import facts
from tests.engine.histories import (
    CTRL_C,
    DB,
    EARLIER,
    OLD,
    WEB,
    History,
    alive,
    by_hand,
    ended,
    play,
    running,
    service,
    stranger,
    stray,
)
from tests.facts import NOW, PATH
from tests.scripted import ScriptedWorld
from tests.turns import Fact

UP, DB_UP = running(WEB, EARLIER), running(DB, EARLIER)
BY_C_C = {"interrupted": True, "signal": "SIGINT"}
DOWN, DB_DOWN = ended(WEB, EARLIER, BY_C_C), ended(DB, EARLIER, BY_C_C)
INT, TERM = ["0: INT 200", "0: INT 201"], ["10: TERM 201"]
INT_DB = ["0: INT 300", "0: INT 301"]
STOPPED, DB_STOPPED = "web: stopped, changed, exit 0", "db: stopped, changed, exit 0"
WEB_NEEDS_DB = service("web", 3000, depends_on=(("db", "healthy"),))
HOOKED = replace(WEB, hooks=(("stop", "deregister"),))
DEAD = replace(DOWN, run=None)
ORPHANED = stray(pid=201, run=UP.run)


def asked(seconds: float) -> Fact:
    """It runs, and was asked to end so many seconds ago."""
    return running(WEB, EARLIER, run={"asked": NOW - seconds})


def left(*pids: int) -> Fact:
    """Its own process has ended, and these that it started have not."""
    return running(WEB, EARLIER, pids=(200, *pids), port=None)


CRASHED = replace(left(204), run=ended(WEB, EARLIER, {"exit_code": 1}).run)
WITH_CHILD = running(WEB, EARLIER, pids=(200, 201, 202), foreground=(200, 201, 202))
WITH_DAEMON = running(WEB, EARLIER, below=(205,))

STEPS = {
    "it ends when asked, and is not waited for": History({0: [UP], 0.1: [DOWN]}, sent=INT, told=[STOPPED]),
    "a machine under load sleeps through the steps: each has its time all the same": History(
        {0: [UP], 20: [UP], 22.9: [UP], 23: [UP], 30: [UP], 30.1: [DOWN]},
        sent=[*INT, "20: TERM 201", "23: KILL 201", "30: KILL 201", "30: KILL 200"],
        told=[f"{STOPPED}; it needed SIGTERM: 201; it needed SIGKILL: 201; it needed SIGKILL: 200, 201"],
    ),
    "its launcher takes its time to record the end: nothing is told of that": History(
        {0: [UP], 1: [left()], 1.6: [left()], 3: [left()], 3.1: [DOWN]}, sent=INT, told=[STOPPED]
    ),
    "it takes its time, and is not asked twice": History(
        {0: [UP], 5: [UP], 9.9: [UP], 9.95: [DOWN]}, sent=INT, told=[STOPPED]
    ),
    "its stop hook runs when it has ended: that has its time": History(
        {0: [UP], 1: [left(204)], 6: [left(204)], 14: [left(204)], 14.5: [DOWN]},
        services=(HOOKED,),
        sent=INT,
        told=[STOPPED],
    ),
    "its launcher does not end its stop hook in time": History(
        {0: [UP], 1: [left(204)], 14.9: [left(204)], 15: [left(204)], 18: [left(204)], 18.1: [DOWN]},
        services=(HOOKED,),
        sent=[*INT, "15: TERM 204", "18: KILL 204"],
        told=[f"{STOPPED}; it needed SIGTERM: 204; it needed SIGKILL: 204"],
    ),
    "it has crashed, and its hook is told of that: nothing interrupts it": History(
        {0: [CRASHED], 3: [CRASHED], 3.1: [DOWN]},
        services=(HOOKED,),
        sent=["0: INT 200"],
        told=[STOPPED],
    ),
    "it ignores C-c, and its stop hook runs when it was killed": History(
        {0: [UP], 10: [UP], 13: [UP], 13.1: [left(204)], 17: [left(204)], 26: [left(204)], 26.1: [DOWN]},
        services=(HOOKED,),
        sent=[*INT, *TERM, "13: KILL 201"],
        told=[f"{STOPPED}; it needed SIGTERM: 201; it needed SIGKILL: 201"],
    ),
    "it ignores C-c": History(
        {0: [UP], 9.9: [UP], 10: [UP], 11: [DOWN]},
        sent=[*INT, *TERM],
        told=[f"{STOPPED}; it needed SIGTERM: 201"],
    ),
    "it ignores C-c, and has a short time to end": History(
        {0: [UP], 1.9: [UP], 2: [UP], 3: [DOWN]},
        services=(replace(WEB, stop_timeout=2.0),),
        sent=[*INT, "2: TERM 201"],
        told=[f"{STOPPED}; it needed SIGTERM: 201"],
    ),
    "it is asked by its own signal, and its launcher as ever": History(
        {0: [UP], 10: [UP], 11: [DOWN]},
        services=(replace(WEB, stop_signal="QUIT"),),
        sent=["0: INT 200", "0: QUIT 201", *TERM],
        told=[f"{STOPPED}; it needed SIGTERM: 201"],
    ),
    "asked by TERM, it is told once": History(
        {0: [UP], 0.1: [DOWN]},
        services=(replace(WEB, stop_signal="TERM"),),
        sent=["0: INT 200", "0: TERM 201"],
        told=[STOPPED],
    ),
    "it ignores C-c and TERM": History(
        {0: [UP], 10: [UP], 12.9: [UP], 13: [UP], 13.9: [UP], 13.95: [DOWN]},
        sent=[*INT, *TERM, "13: KILL 201"],
        told=[f"{STOPPED}; it needed SIGTERM: 201; it needed SIGKILL: 201"],
    ),
    "its launcher goes on after its end": History(
        {0: [UP], 10: [UP], 13: [UP], 14: [replace(UP, pids=(200,))], 14.1: [DOWN]},
        sent=[*INT, *TERM, "13: KILL 201", "14: KILL 200"],
        told=[f"{STOPPED}; it needed SIGTERM: 201; it needed SIGKILL: 201; it needed SIGKILL: 200"],
    ),
    "it outlives KILL": History(
        {0: [UP], 10: [UP], 13: [UP], 14: [UP], 15: [UP], 15.1: [UP]},
        sent=[*INT, *TERM, "13: KILL 201", "14: KILL 201", "14: KILL 200"],
        told=["web: starting, changed, exit 1; would not stop: still there after SIGKILL: 200, 201"],
    ),
    "what it leaves behind is given half a second": History(
        {0: [WITH_CHILD], 1: [left(202)], 1.4: [left(202)], 1.5: [left(202)], 2: [DOWN]},
        sent=[*INT, "0: INT 202", "1.5: TERM 202"],
        told=[f"{STOPPED}; it needed SIGTERM: 202"],
    ),
    "what left the foreground is not asked by C-c, but ended after it": History(
        {0: [WITH_DAEMON], 1: [WITH_DAEMON], 9: [left(205)], 9.5: [left(205)], 10: [DOWN]},
        sent=[*INT, "9.5: TERM 205"],
        told=[f"{STOPPED}; it needed SIGTERM: 205"],
    ),
    "it starts others as fast as they are ended: those are killed as they come": History(
        {0: [UP], 10: [UP], 13: [UP], 14: [left(202)], 14.5: [left(203)], 15.1: [left(204)]},
        sent=[*INT, *TERM, "13: KILL 201", "14: KILL 202", "14: KILL 200", "14.5: KILL 203"],
        told=["web: starting, changed, exit 1; would not stop: still there after SIGKILL: 200, 204"],
    ),
}

ENDING_ALREADY = {
    "a second stop does not ask again": History({0: [asked(2)], 1: [DOWN]}, sent=[], told=[STOPPED]),
    "a second stop goes on where the first was": History(
        {0: [asked(2)], 7.9: [asked(2)], 8: [asked(2)], 9: [DOWN]},
        sent=["8: TERM 201"],
        told=[f"{STOPPED}; it needed SIGTERM: 201"],
    ),
    "one that was asked long ago is asked again": History({0: [asked(11)], 1: [DOWN]}, sent=INT, told=[STOPPED]),
}

NOT_RUNNING = {
    "it never ran": History({0: []}, sent=[], told=["web: stopped, exit 0"]),
    "it was stopped": History({0: [DOWN]}, sent=[], told=["web: stopped, exit 0"]),
    "it had crashed": History({0: [ended(run={"exit_code": 3}, **OLD)]}, sent=[], told=["web: crashed, exit 0"]),
    "a person uses its window": History({0: [by_hand(port=None)]}, sent=[], told=["web: stopped, exit 0"]),
    "a server that was started by hand in the session is left alone": History(
        {0: [by_hand()]},
        sent=[],
        told=[
            "web: stopped, exit 0; port 3000 is still held by node (pid 901) in window 5 of session sentinel-app; "
            "left alone"
        ],
    ),
    "a stranger has its port": History(
        {0: [DOWN, stranger()]},
        sent=[],
        told=[
            "web: stopped, exit 0; port 3000 is still held by node (pid 800), outside tmux, run from /elsewhere; "
            "left alone"
        ],
    ),
}

STRAYS = {
    "what left its window is ended too": History(
        {0: [UP, stray()], 1: [DOWN, stray()], 1.5: [DOWN, stray()], 2: [DOWN]},
        sent=[*INT, "1.5: TERM 700"],
        told=[f"{STOPPED}; it needed SIGTERM: 700"],
    ),
    "only a stray is left": History({0: [stray()], 1: []}, sent=["0: INT 700"], told=[STOPPED]),
    "its launcher was killed, and only the launcher's child is left": History(
        {0: [ORPHANED], 9.9: [ORPHANED], 10: [ORPHANED], 11: [Fact("web", run=UP.run)]},
        sent=[
            "0: record that web lost its launcher",
            "0: event crash of web",
            "0: INT 201",
            "10: TERM 201",
            "11: record that web was stopped",
            "11: event stop of web",
        ],
        told=[f"{STOPPED}; it needed SIGTERM: 201"],
    ),
    "a stray that slipped away between two looks is found": History(
        {0: [UP], 1: [DOWN, stray()], 1.5: [DOWN, stray()], 2: [DOWN]},
        sent=[*INT, "1.5: TERM 700"],
        told=[f"{STOPPED}; it needed SIGTERM: 700"],
    ),
    "a stray of another service is left alone": History(
        {0: [UP, stray(DB)], 1: [DOWN, stray(DB)]},
        services=(WEB, DB),
        wanted=("web",),
        sent=INT,
        told=[STOPPED],
    ),
    "strays come for ever": History(
        {
            0: [UP],
            1: [DOWN, stray(pid=701)],
            2: [DOWN, stray(pid=702)],
            5: [DOWN, stray(pid=703)],
            6: [DOWN, stray(pid=704)],
            7: [DOWN, stray(pid=705)],
            15.6: [DOWN, stray(pid=706)],
        },
        sent=[*INT, "2: TERM 702", "5: KILL 703", "6: KILL 704", "7: KILL 705"],
        told=["web: unhealthy, changed, exit 1; would not stop: still there after SIGKILL: 706"],
    ),
}

SEVERAL = {
    "all at once": History(
        {0: [UP, DB_UP], 1: [DOWN, DB_UP], 2: [DOWN, DB_DOWN]},
        services=(WEB, DB),
        sent=[*INT_DB, *INT],
        told=[DB_STOPPED, STOPPED],
    ),
    "web needs db and ends before it": History(
        {0: [UP, DB_UP], 1: [UP, DB_UP], 2: [DOWN, DB_UP], 3: [DOWN, DB_DOWN]},
        services=(WEB_NEEDS_DB, DB),
        sent=[*INT, "2: INT 300", "2: INT 301"],
        told=[STOPPED, DB_STOPPED],
    ),
    "web needs db and would not stop: db is stopped all the same": History(
        {0: [UP, DB_UP], 10: [UP, DB_UP], 13: [UP, DB_UP], 14: [UP, DB_UP], 15.1: [UP, DB_UP], 16: [UP, DB_DOWN]},
        services=(WEB_NEEDS_DB, DB),
        sent=[*INT, *TERM, "13: KILL 201", "14: KILL 201", "14: KILL 200", "15.1: INT 300", "15.1: INT 301"],
        told=["web: starting, changed, exit 1; would not stop: still there after SIGKILL: 200, 201", DB_STOPPED],
    ),
    "one is down already": History(
        {0: [UP, DB_DOWN], 1: [DOWN, DB_DOWN]}, services=(WEB, DB), sent=INT, told=["db: stopped, exit 0", STOPPED]
    ),
    "Ctrl-C names what was asked to end and what was not": History(
        {0: [UP, DB_UP], 1: [CTRL_C]},
        services=(WEB_NEEDS_DB, DB),
        sent=INT,
        told=["exit 130: interrupted; asked to stop, and may still end: web; left as it is: db"],
    ),
}

OTHERS = {
    "its log is waited for": History(
        {0: [UP], 1: [replace(DOWN, is_writing=True)], 1.1: [replace(DOWN, is_writing=True)], 1.2: [DOWN]},
        sent=INT,
        told=[STOPPED],
    ),
    "its log is not waited for for ever": History(
        {0: [UP], 1: [replace(DOWN, is_writing=True)], 2: [replace(DOWN, is_writing=True)]}, sent=INT, told=[STOPPED]
    ),
    "a stranger takes the port as soon as it is free": History(
        {0: [UP], 1: [DOWN, stranger()]},
        sent=INT,
        told=[f"{STOPPED}; port 3000 is still held by node (pid 800), outside tmux, run from /elsewhere; left alone"],
    ),
    "it is starting": History({0: [alive(**OLD)], 1: [DOWN]}, sent=INT, told=[STOPPED]),
    "it is between two runs": History(
        {0: [replace(alive(run={"exit_code": 1, "ended": NOW, "next_start": NOW + 9}, **OLD), pids=(200,))], 1: [DOWN]},
        sent=["0: INT 200"],
        told=[STOPPED],
    ),
    "its record is lost": History({0: [replace(UP, run=None)], 1: [DEAD]}, sent=INT, told=[STOPPED]),
    "from inside its own window": History(
        {0: [UP]},
        environ={"SENTINEL_SERVICE": "web", "SENTINEL_WORKSPACE": PATH},
        sent=[],
        told=["exit 1: web can't be started or stopped from inside its own window"],
    ),
    "a dry run tells whom it would end": History(
        {0: [UP, stray(), DB_DOWN]},
        services=(WEB, DB),
        options=Options(dry=True),
        sent=[],
        told=["db: stopped, exit 0", "web: starting, exit 0; would stop web: pids 200, 201, 700"],
    ),
}

ALL = {**STEPS, **ENDING_ALREADY, **NOT_RUNNING, **STRAYS, **SEVERAL, **OTHERS}


@pytest.mark.parametrize("name", ALL)
def test_stop(name: str) -> None:
    history = ALL[name]
    told = play(history, lambda world, wanted: stop(world, wanted, dry=history.options.dry))
    assert told == (history.told, history.sent)


def test_a_stop_that_waits_looks_at_no_other_processes_than_its_own() -> None:
    """Each of its looks read a thousand processes on a machine that has as many, to find two."""
    world, looks = ScriptedWorld(facts.workspace(WEB), {0: [UP], 1: [UP], 2: [left(204)], 3: [DOWN]}), list[float]()

    def read() -> Mapping[int, Process]:
        looks.append(world.time)
        return world.turn.read()

    vars(world.processes).update(read=read)
    assert [report.code for report in stop(world, ["web"])] == [0]
    assert {*looks} == {0, 3}


def test_what_the_configuration_names_no_more_is_ended_with_the_rest() -> None:
    old = running(service("old", 4000), EARLIER)
    told, sent = play(
        History({0: [old, UP], 1: []}, []), lambda world, wanted: stop(world, wanted, and_unconfigured=True)
    )
    assert told == ["old: stopped, changed, exit 0", STOPPED]
    assert sent == ["0: INT 500", "0: INT 501", *INT]
