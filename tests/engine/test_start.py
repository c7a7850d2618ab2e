"""Starts as histories: what is seen turn by turn, what is done about it, what is told."""

from __future__ import annotations

import pytest

from sentinel_tasks.engine.start import start
from tests.engine.histories import (
    CTRL_C,
    EARLIER,
    History,
    alive,
    ended,
    locked,
    play,
    running,
    sick,
    stranger,
)

HISTORIES = {
    "healthy at the first look": History(
        {0: [], 1: [running()]},
        sent=["0: new session for web", "1: web is ready"],
        told=["web: running, changed, exit 0"],
    ),
    "healthy after some looks": History(
        {0: [], 1: [alive()], 2: [sick()], 3: [running()]},
        sent=["0: new session for web", "3: web is ready"],
        told=["web: running, changed, exit 0"],
    ),
    "crashes before it is healthy": History(
        {0: [], 1: [alive()], 2: [ended(run={"exit_code": 3}, output=["boom"])]},
        sent=["0: new session for web"],
        told=["web: crashed, exit 1; ended while starting: exit 3"],
    ),
    "is killed before it is healthy": History(
        {0: [], 1: [alive()], 2: [ended(run={"signal": "SIGKILL"})]},
        sent=["0: new session for web"],
        told=["web: crashed, exit 1; ended while starting: killed by SIGKILL"],
    ),
    "is not healthy in time": History(
        {0: [], 1: [alive()], 29.9: [sick()], 30: [sick()]},
        sent=["0: new session for web"],
        told=["web: unhealthy, exit 1; not healthy after 30 s: HTTP 404 from http://localhost:3000/"],
    ),
    "runs already": History(
        {0: [running(launch=EARLIER)]},
        sent=["0: web is ready"],
        told=["web: running, exit 0"],
    ),
    "is launched by somebody else while we wait for the lock": History(
        {0: [locked()], 1: [alive(launch=EARLIER)], 2: [running(launch=EARLIER)]},
        sent=["2: web is ready"],
        told=["web: running, exit 0"],
    ),
    "a stranger takes the port while it starts": History(
        {0: [], 1: [alive()], 2: [alive(), stranger()]},
        sent=["0: new session for web"],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
    "Ctrl-C while it starts": History(
        {0: [], 1: [alive()], 2: [CTRL_C]},
        sent=["0: new session for web"],
        told=["exit 130: interrupted; left as it is: web"],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_start(name: str) -> None:
    history = HISTORIES[name]
    told = play(history, lambda world, wanted: start(world, wanted, history.options))
    assert told == (history.told, history.sent)
