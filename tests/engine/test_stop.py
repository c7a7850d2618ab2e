"""Stops as histories: who is asked to end how and when, and what is told of it."""

from __future__ import annotations

import pytest

from sentinel_tasks.engine.stop import stop
from tests.engine.histories import EARLIER, WEB, History, ended, play, running

UP = running(WEB, EARLIER)
DOWN = ended(WEB, EARLIER, {"interrupted": True, "signal": "SIGINT"})
INT = ["0: INT 200", "0: INT 201"]

HISTORIES = {
    "ends when asked": History(
        {0: [UP], 1: [DOWN]},
        sent=INT,
        told=["web: stopped, changed, exit 0"],
    ),
    "ignores C-c": History(
        {0: [UP], 9.9: [UP], 10: [UP], 11: [DOWN]},
        sent=[*INT, "10: TERM 200", "10: TERM 201"],
        told=["web: stopped, changed, exit 0; it needed SIGTERM: 200, 201"],
    ),
    "ignores C-c and TERM": History(
        {0: [UP], 10: [UP], 12.9: [UP], 13: [UP], 13.9: [UP], 14: [DOWN]},
        sent=[*INT, "10: TERM 200", "10: TERM 201", "13: KILL 201"],
        told=["web: stopped, changed, exit 0; it needed SIGTERM: 200, 201; it needed SIGKILL: 201"],
    ),
    "outlives KILL": History(
        {0: [UP], 10: [UP], 13: [UP], 14: [UP], 15: [UP], 15.1: [UP]},
        sent=[*INT, "10: TERM 200", "10: TERM 201", "13: KILL 201", "14: KILL 200", "14: KILL 201"],
        told=["web: starting, changed, exit 1; would not stop: still there after SIGKILL: 200, 201"],
    ),
    "does not run": History({0: [DOWN]}, sent=[], told=["web: stopped, exit 0"]),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_stop(name: str) -> None:
    history = HISTORIES[name]
    told = play(history, lambda world, wanted: stop(world, wanted, dry=history.options.dry))
    assert told == (history.told, history.sent)
