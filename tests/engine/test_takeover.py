"""Starts that must end something first, as histories: who is ended how and when, and who is spared."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.start import start
from tests import facts
from tests.engine.histories import (
    CTRL_C,
    DB,
    OLD,
    WEB,
    History,
    by_hand,
    ended,
    locked,
    play,
    running,
    stranger,
    stray,
)
from tests.facts import PATH

OURS = stranger(folder=PATH)
TAKEOVER, SPARING = replace(WEB, on_conflict="takeover"), replace(WEB, on_conflict="fail")
NEW, READY = "new session for web", "web is ready"
TERM = ["0: TERM 800", "0: event takeover of web"]
STARTED = "web: running, changed, exit 0"
STOPPED = "stopped what held the port: node (pid 800)"
STRAY_STOPPED = "stopped a stray of this service: node (pid 700)"
REFUSED = "web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from"
ANOTHER = stranger(801)

PORTS = {
    "a process of this folder gives way": History(
        {0: [OURS], 1: [], 2: [running()]},
        sent=[*TERM, f"1: {NEW}", f"2: {READY}"],
        told=[f"{STARTED}; {STOPPED}"],
    ),
    "a process of a folder below gives way": History(
        {0: [stranger(folder=f"{PATH}/src")], 1: [], 2: [running()]},
        sent=[*TERM, f"1: {NEW}", f"2: {READY}"],
        told=[f"{STARTED}; {STOPPED}"],
    ),
    "one that ignores TERM is killed, and not a moment earlier": History(
        {0: [OURS], 4.9: [OURS], 5: [OURS], 6: [], 7: [running()]},
        sent=[*TERM, "5: KILL 800", f"6: {NEW}", f"7: {READY}"],
        told=[f"{STARTED}; {STOPPED}"],
    ),
    "one that outlives KILL is left there": History(
        {0: [OURS], 5: [OURS], 8: [OURS], 8.1: [OURS]},
        sent=[*TERM, "5: KILL 800", "8: KILL 800", "8.1: KILL 800"],
        told=[f"{REFUSED} this workspace"],
    ),
    "a machine under load sleeps through the steps: one that was killed has time to go": History(
        {0: [OURS], 9: [OURS], 9.1: [], 10: [running()]},
        sent=[*TERM, "9: KILL 800", f"9.1: {NEW}", f"10: {READY}"],
        told=[f"{STARTED}; {STOPPED}"],
    ),
    "its children are ended with it, and each is asked first": History(
        {
            0: [replace(OURS, below=(801,))],
            4: [replace(OURS, below=(801, 802))],
            5: [replace(OURS, below=(802,))],
            6: [],
            7: [running()],
        },
        sent=[
            "0: TERM 800",
            "0: TERM 801",
            "0: event takeover of web",
            "4: TERM 802",
            "5: KILL 800",
            f"6: {NEW}",
            f"7: {READY}",
        ],
        told=[f"{STARTED}; {STOPPED}"],
    ),
    "one that runs elsewhere gives way to a takeover": History(
        {0: [stranger()], 1: [], 2: [running()]},
        services=(TAKEOVER,),
        sent=[*TERM, f"1: {NEW}", f"2: {READY}"],
        told=[f"{STARTED}; {STOPPED}"],
    ),
    "one that runs here is spared where nobody is to be ended": History(
        {0: [OURS]},
        services=(SPARING,),
        sent=[],
        told=[f"{REFUSED} this workspace"],
    ),
    "beside one that is spared nobody is ended": History(
        {0: [OURS, stranger(801, address="::1")]},
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 801), outside tmux, run from /elsewhere"],
    ),
    "another service of the workspace is spared by a takeover": History(
        {0: [replace(running(DB, **OLD), port=3000)]},
        services=(TAKEOVER, DB),
        wanted=("web",),
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by db, another service of this workspace (pid 301)"],
    ),
    "a server that was started by hand in the session is spared by a takeover": History(
        {0: [by_hand(answer=facts.SICK)]},
        services=(TAKEOVER,),
        sent=[],
        told=[
            "web: conflict, exit 4; port 3000 is held by node (pid 901) in window 5 of session sentinel-app, which "
            "does not pass the health check"
        ],
    ),
    "it has gone when the lock is ours": History(
        {0: [OURS, locked()], 1: [], 2: [running()]},
        sent=[f"1: {NEW}", f"2: {READY}"],
        told=[STARTED],
    ),
    "Ctrl-C while it is ending": History(
        {0: [OURS], 1: [CTRL_C]},
        sent=TERM,
        told=["exit 130: interrupted; not started: web"],
    ),
}

STRAYS = {
    "a stray on the port is ended first": History(
        {0: [stray(port=3000)], 1: [], 2: [running()]},
        sent=["0: TERM 700", "0: event stray of web", f"1: {NEW}", f"2: {READY}"],
        told=[f"{STARTED}; {STRAY_STOPPED}"],
    ),
    "a stray that listens nowhere is ended first": History(
        {0: [ended(**OLD), stray()], 1: [ended(**OLD)], 2: [running()]},
        sent=["0: TERM 700", "0: event stray of web", "1: same window for web", f"2: {READY}"],
        told=[f"{STARTED}; {STRAY_STOPPED}"],
    ),
    "a stray that ignores TERM is killed": History(
        {0: [stray()], 5: [stray()], 6: [], 7: [running()]},
        sent=["0: TERM 700", "0: event stray of web", "5: KILL 700", f"6: {NEW}", f"7: {READY}"],
        told=[f"{STARTED}; {STRAY_STOPPED}"],
    ),
    "a stray is ended even where nobody is to be ended for the port": History(
        {0: [stray(port=3000)], 1: [], 2: [running()]},
        services=(SPARING,),
        sent=["0: TERM 700", "0: event stray of web", f"1: {NEW}", f"2: {READY}"],
        told=[f"{STARTED}; {STRAY_STOPPED}"],
    ),
    "a stray of another service is none of ours": History(
        {0: [stray(DB)], 1: [running(), stray(DB)]},
        services=(WEB, DB),
        wanted=("web",),
        sent=[f"0: {NEW}", f"1: {READY}"],
        told=[STARTED],
    ),
    "a stray beside a service that runs is let be": History(
        {0: [running(**OLD), stray()]},
        sent=[f"0: {READY}"],
        told=["web: running, exit 0"],
    ),
    "a stray beside a stranger from elsewhere: nobody is ended": History(
        {0: [stray(port=3000), stranger(address="::1")]},
        sent=[],
        told=[f"{REFUSED} /elsewhere"],
    ),
}

ALL = {**PORTS, **STRAYS}


@pytest.mark.parametrize("name", ALL)
def test_start(name: str) -> None:
    history = ALL[name]
    told = play(history, lambda world, wanted: start(world, wanted, history.options))
    assert told == (history.told, history.sent)
