"""Launches as histories: what launchers are given, and what happens where tmux or a launcher does not do its part."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine import launching
from sentinel_tasks.engine.launching import _Windows
from sentinel_tasks.engine.start import MOST_TIMES_OVERTAKEN, Options, start
from sentinel_tasks.model import Health, Pane
from sentinel_tasks.system import spec_fifo
from tests import facts
from tests.engine import histories
from tests.engine.histories import (
    DB,
    EARLIER,
    WEB,
    History,
    ended,
    play,
    refusing,
    running,
    service,
    stranger,
)
from tests.facts import PATH
from tests.scripted import ScriptedWorld
from tests.turns import Fact

AUTO = service("web", auto_port=True, health=Health("http", "/"))
MOVING = replace(WEB, on_conflict="auto")
CHOSEN = 23833
"""The port at which the search for this workspace and service begins."""
RESERVED_ABOVE, RESERVED_BELOW = Fact(reserved=range(CHOSEN, 32_000)), Fact(reserved=range(20_000, CHOSEN - 1))
THERE = running(replace(WEB, port=CHOSEN))
WEB_READY = "web is ready"
NO_ROOM = "create window failed: no space for new pane"
OLD_DB = running(DB, EARLIER)

HISTORIES = {
    "somebody else opens the session before us: the window is opened in it": History(
        {0: [refusing()], 1: [OLD_DB], 2: [OLD_DB, running()]},
        sent=["1: new window for web", f"2: {WEB_READY}"],
        told=["web: running, changed, exit 0"],
    ),
    "somebody else is always faster": History(
        {turn: [refusing()] for turn in range(MOST_TIMES_OVERTAKEN + 1)},
        sent=[],
        told=["web: stopped, exit 1; could not be started: duplicate session: sentinel-app"],
    ),
    "tmux refuses a window": History(
        {0: [refusing(what=NO_ROOM, was_overtaken=False)]},
        sent=[],
        told=[f"web: stopped, exit 1; could not be started: {NO_ROOM}"],
    ),
    "tmux refuses one window: the other service is started all the same": History(
        {0: [refusing(what=NO_ROOM, was_overtaken=False)], 1: [running(DB)]},
        services=(WEB, DB),
        sent=["0: new session for db", "1: db is ready"],
        told=[f"web: stopped, exit 1; could not be started: {NO_ROOM}", "db: running, changed, exit 0"],
    ),
    "the launcher does not take its specification": History(
        {0: [Fact("web", is_deaf=True), OLD_DB]},
        sent=["0: new window for web"],
        told=["web: stopped, exit 1; could not be started: its window did not take its orders"],
    ),
    "the tmux server ends at once": History(
        {0: [Fact("web", is_deaf=True)]},
        sent=["0: new session for web"],
        told=[
            "web: stopped, exit 1; could not be started: the tmux server has ended; `exit-unattached on` in tmux.conf "
            "makes it do so"
        ],
    ),
    "an automatic port is chosen and remembered": History(
        {0: [], 1: [THERE]},
        services=(AUTO,),
        sent=["0: new session for web", f"0: remember web={CHOSEN}", f"1: {WEB_READY}"],
        told=["web: running, changed, exit 0"],
    ),
    "the automatic port is taken: the next one is chosen": History(
        {0: [stranger(port=CHOSEN)], 1: [stranger(port=CHOSEN), running(replace(WEB, port=CHOSEN + 1))]},
        services=(AUTO,),
        sent=["0: new session for web", f"0: remember web={CHOSEN + 1}", f"1: {WEB_READY}"],
        told=["web: running, changed, exit 0"],
    ),
    "most automatic ports are reserved: one that is not is chosen": History(
        {0: [RESERVED_ABOVE, RESERVED_BELOW], 1: [running(replace(WEB, port=CHOSEN - 1))]},
        services=(AUTO,),
        sent=["0: new session for web", f"0: remember web={CHOSEN - 1}", f"1: {WEB_READY}"],
        told=["web: running, changed, exit 0"],
    ),
    "somebody reserves every automatic port: a free one is used all the same": History(
        {0: [Fact(reserved=range(20_000, 32_000)), stranger(port=CHOSEN)], 1: [running(replace(WEB, port=CHOSEN + 1))]},
        services=(AUTO,),
        sent=["0: new session for web", f"0: remember web={CHOSEN + 1}", f"1: {WEB_READY}"],
        told=[
            "web: running, changed, exit 0; "
            "every automatic port is reserved by other programs; it uses one all the same"
        ],
    ),
    "the wanted port is taken, and it may move": History(
        {0: [stranger()], 1: [stranger(), THERE]},
        services=(MOVING,),
        sent=["0: new session for web", f"1: {WEB_READY}"],
        told=["web: running, changed, exit 0"],
    ),
    "the wanted port is taken while it starts, and it may move": History(
        {0: [], 1: [stranger(), ended(run={"exit_code": 1})], 2: [stranger(), THERE]},
        services=(MOVING,),
        sent=["0: new session for web", "1: same window for web", f"2: {WEB_READY}"],
        told=["web: running, changed, exit 0"],
    ),
    "one that runs does not move": History(
        {0: [running(launch=EARLIER), stranger(address="::1")]},
        services=(MOVING,),
        sent=[],
        told=["web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"],
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_start(name: str) -> None:
    history = HISTORIES[name]
    told = play(history, lambda world, wanted: start(world, wanted, history.options))
    assert told == (history.told, history.sent)


def test_a_launcher_is_given_its_command_and_environment() -> None:
    web = service("web", 3000, env=(("COLOUR", "red"),), restart="always")
    world = ScriptedWorld(facts.workspace(web, DB), {0: []}, HOME="/home/ann", TMUX="a terminal's own")
    start(world, ["web"], Options(wait=False))
    spec = world.specs["web"]
    assert (spec["command"], spec["cwd"], spec["restart"]) == (["node", "."], PATH, "always")
    assert spec["env"] == {
        "HOME": "/home/ann",
        "COLOUR": "red",
        "PORT": "3000",
        "SENTINEL_PORT_DB": "5432",
        "SENTINEL_PORT_WEB": "3000",
        "SENTINEL_SERVICE": "web",
        "SENTINEL_SESSION": facts.SESSION,
        "SENTINEL_WORKSPACE": PATH,
    }


def test_a_launcher_asks_the_log_of_its_own_service_whether_that_lives() -> None:
    world = ScriptedWorld(facts.workspace(service("web", liveness=Health("log", "tick"))), {0: []})
    start(world, ["web"], Options(wait=False))
    liveness = world.specs["web"]["liveness"]
    assert liveness["command"][-3] == str(world.state.log("web"))


def test_an_up_of_many_on_a_busy_machine_does_not_drown_in_its_own_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that waited for its launcher had a tmux client of its own look at all windows, three times a second."""
    world = ScriptedWorld(facts.workspace(WEB, DB), {0: [OLD_DB], 1: []})
    windows, looks = _Windows(world), list[float]()
    (there,) = (pane.launch for pane in world.tmux.panes())

    def look() -> list[Pane]:
        looks.append(world.time)
        return world.turn.panes()

    monkeypatch.setattr(world.tmux, "panes", look)
    assert [windows.have(there) for _ in range(100)] == [True] * 100
    assert not windows.have("another")
    world.sleep(1)
    assert not windows.have(there)
    assert looks == [0, 1]


def test_no_look_that_is_shared_is_from_before_a_window_was_opened() -> None:
    """A launcher whose window came after it would be told as gone."""
    assert launching.LOOK_SECONDS < spec_fifo.LOOK_SECONDS


def test_a_window_carries_the_marks_of_its_launch() -> None:
    world = ScriptedWorld(facts.workspace(WEB), {0: []})
    start(world, ["web"], Options(wait=False))
    opening = world.openings["web"]
    assert (opening.session, opening.home, opening.name, opening.index) == (facts.SESSION, PATH, "web", 3)
    assert (opening.service, opening.port, opening.kind) == ("web", 3000, "http")
    assert opening.argv[-3:] == (opening.launch, PATH, "web")


# Many windows

MANY = tuple(service(f"s{number}") for number in range(12))


@pytest.fixture
def _pids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "PIDS", {each.name: 1000 + 20 * number for number, each in enumerate(MANY)})


def launched_together(shown: Sequence[Fact]) -> tuple[ScriptedWorld, dict[str, str]]:
    """A start of all of them that waits for none, and what it told of each."""
    world = ScriptedWorld(facts.workspace(*MANY), {0: shown, 1: [running(each) for each in MANY]})
    told = start(world, [each.name for each in MANY], Options(wait=False))
    return world, {each.service.name: each.error or "" for each in told}


@pytest.mark.usefixtures("_pids")
def test_many_windows_are_opened_some_at_once() -> None:
    """Half of what tmux did for 500 windows was to hear of each by a client of its own."""
    world, told = launched_together([])
    assert sum(world.at_once) == len(MANY) - 1, "the first one makes the session"
    assert len(world.at_once) <= len(MANY) / 4
    assert [each.rpartition(" ")[2] for each in world.sent[: len(MANY)]] == [each.name for each in MANY]
    assert {*told.values()} == {""}


@pytest.mark.usefixtures("_pids")
def test_one_window_that_tmux_refuses_among_many_is_told_alone() -> None:
    refused = refusing(MANY[5], NO_ROOM, was_overtaken=False)
    world, told = launched_together([running(each) for each in MANY if each is not MANY[5]] + [refused])
    opened = [each.rpartition(" ")[2] for each in world.sent if " for " in each]
    assert sorted(opened) == sorted(each.name for each in MANY if each is not MANY[5]), "each of them once"
    assert {name for name, error in told.items() if error} == {MANY[5].name}
    assert NO_ROOM in told[MANY[5].name]
