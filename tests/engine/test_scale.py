"""Scaling as histories: what is too many ends first, then what is missing starts; what does not run is left."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.config.instances import with_number
from sentinel_tasks.engine.scale import scale
from sentinel_tasks.engine.start import Options
from sentinel_tasks.engine.status import status
from sentinel_tasks.engine.stop import stop
from sentinel_tasks.model import Report, Service
from tests.engine.histories import EARLIER, WEB, History, ended, play, running
from tests.scripted import ScriptedWorld


def instance(number: int) -> Service:
    """One of the instances, with a port as it was chosen for it."""
    return replace(with_number(replace(WEB, port=None, instances=2), number), port=3000 + number)


ONE, TWO, THREE = map(instance, (1, 2, 3))
ONE_UP, TWO_UP, THREE_UP = (running(each, EARLIER) for each in (ONE, TWO, THREE))
BY_C_C = {"interrupted": True, "signal": "SIGINT"}
TWO_DOWN, THREE_DOWN = (ended(each, EARLIER, BY_C_C) for each in (TWO, THREE))
INT_TWO, INT_THREE = ["0: INT 620", "0: INT 621"], ["0: INT 640", "0: INT 641"]
ONE_RUNS, TWO_RUNS = "web-1: running, exit 0", "web-2: running, exit 0"
TWO_STOPPED, THREE_STOPPED = "web-2: stopped, changed, exit 0", "web-3: stopped, changed, exit 0"

SCALES = {
    "what is missing is started": History(
        {0: [ONE_UP], 1: [ONE_UP, running(TWO)]},
        services=(ONE, TWO),
        sent=["0: web-1 is ready", "0: new window for web-2", "1: web-2 is ready"],
        told=[ONE_RUNS, "web-2: running, changed, exit 0"],
    ),
    "what is too many ends, the highest numbers": History(
        {0: [ONE_UP, TWO_UP, THREE_UP], 1: [ONE_UP, TWO_DOWN, THREE_DOWN]},
        services=(ONE,),
        sent=[*INT_TWO, *INT_THREE, "1: web-1 is ready"],
        told=[TWO_STOPPED, THREE_STOPPED, ONE_RUNS],
    ),
    "as many run as are wanted": History(
        {0: [ONE_UP, TWO_UP]},
        services=(ONE, TWO),
        sent=["0: web-1 is ready", "0: web-2 is ready"],
        told=[ONE_RUNS, TWO_RUNS],
    ),
    "none runs, and none is started": History({0: []}, services=(ONE, TWO), told=[]),
    "only one that is too many runs: it ends, and the first starts in its place": History(
        {0: [THREE_UP], 1: [THREE_DOWN], 2: [THREE_DOWN, running(ONE)]},
        services=(ONE,),
        sent=[*INT_THREE, "1: new window for web-1", "2: web-1 is ready"],
        told=[THREE_STOPPED, "web-1: running, changed, exit 0"],
    ),
    "what ran before there were several ends": History(
        {0: [running(WEB, EARLIER)], 1: [ended(WEB, EARLIER, BY_C_C)], 2: [running(ONE)]},
        services=(ONE,),
        sent=["0: INT 200", "0: INT 201", "1: new window for web-1", "2: web-1 is ready"],
        told=["web: stopped, changed, exit 0", "web-1: running, changed, exit 0"],
    ),
    "one that is too many would not end: nothing is started": History(
        {after: [ONE_UP, THREE_UP] for after in (0, 10, 13, 14, 15.1)},
        services=(ONE, TWO),
        sent=[*INT_THREE, "10: TERM 641", "13: KILL 641", "14: KILL 641", "14: KILL 640"],
        told=["web-3: starting, changed, exit 1; would not stop: still there after SIGKILL: 640, 641"],
    ),
    "it only says what it would do": History(
        {0: [ONE_UP, THREE_UP]},
        services=(ONE, TWO),
        options=Options(dry=True),
        told=[
            "web-3: starting, exit 0; would stop web-3: pids 640, 641",
            ONE_RUNS,
            "web-2: stopped, exit 0; would start web-2 on port 3002: node .",
        ],
    ),
}


@pytest.mark.parametrize("name", SCALES)
def test_scale(name: str) -> None:
    history = SCALES[name]

    def act(world: ScriptedWorld, wanted: list[str]) -> list[Report]:
        done = scale(world, ["web"], history.options)
        return [*done.stopped, *(done.started or ())]

    assert play(history, act) == (history.told, history.sent)


def test_what_is_configured_no_more_is_told_with_what_ends_it() -> None:
    way = "it is configured no more; inv up --only web --apply ends it"
    history = History({0: [ONE_UP, THREE_UP]}, services=(ONE, TWO), told=[])
    told, _ = play(history, lambda world, wanted: status(world, wanted, left_of=["web"]))
    assert told == [ONE_RUNS, "web-2: stopped, exit 3", f"web-3: running, exit 0; {way}"]
    told, _ = play(history, status)
    assert told == [ONE_RUNS, "web-2: stopped, exit 3"]


def test_a_stop_of_all_ends_what_is_configured_no_more_too() -> None:
    history = History({0: [ONE_UP, TWO_UP], 1: [ended(ONE, EARLIER, BY_C_C), TWO_DOWN]}, services=(ONE,), told=[])
    told, sent = play(history, lambda world, wanted: stop(world, wanted, left_of=["web"]))
    assert (told, sent) == ([TWO_STOPPED, "web-1: stopped, changed, exit 0"], [*INT_TWO, "0: INT 600", "0: INT 601"])
