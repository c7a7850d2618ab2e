"""Many services: each costs a task as much as the one before it, counted in calls of our own functions."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

import sentinel_tasks
from sentinel_tasks.engine.start import Options, start
from sentinel_tasks.engine.status import status
from sentinel_tasks.engine.stop import stop
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.model import Health
from tests import facts
from tests.engine import histories
from tests.engine.histories import OLD, alive, service, stranger
from tests.scripted import ScriptedWorld
from tests.turns import Fact

OURS = str(Path(sentinel_tasks.__file__).parent)
LONG_AGO = {"began": facts.NOW - 60, "started": facts.NOW - 60}
FEW = 12
SLACK = 0.02
"""What a call may cost that is made once for all of them, to all that they cost."""


@pytest.fixture
def _pids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "PIDS", {f"s{number}": 1000 + 20 * number for number in range(3 * FEW)})


def calls(act: Callable[[], object]) -> Counter[str]:
    """How often each function of ours is entered from one of ours meanwhile; a generator also whenever it goes on."""
    found = Counter[str]()

    def note(frame: FrameType, event: str, _: object) -> None:
        caller = frame.f_back
        if event == "call" and caller and all(each.f_code.co_filename.startswith(OURS) for each in (caller, frame)):
            found[f"{frame.f_code.co_filename.removeprefix(OURS)}:{frame.f_code.co_name}"] += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return found


def world_of(number: int, shown: Callable[[int], list[Fact]]) -> tuple[ScriptedWorld, list[str]]:
    """So many services that have no port, and what is shown of all."""
    services = [service(f"s{each}") for each in range(number)]
    return ScriptedWorld(facts.workspace(*services), {0: shown(number)}), [each.name for each in services]


def running(number: int) -> list[Fact]:
    """All of them, and as many processes that are none of them."""
    own = [alive(service(f"s{each}"), is_writing=True, run=LONG_AGO, **OLD) for each in range(number)]
    return [*own, *(stranger(10_000 + each, 20_000 + each) for each in range(number))]


def dearer(act: Callable[[int], object]) -> dict[str, tuple[int, int]]:
    """What is called more often for the third so many services than for the second, and how often for each."""
    act(1)  # imports, and what is kept from one call to the next
    few, more, most = (calls(partial(act, number)) for number in (FEW, 2 * FEW, 3 * FEW))
    second, third = more - few, most - more
    return {name: (second[name], count) for name, count in third.items() if count > second[name] * (1 + SLACK) + 1}


@pytest.mark.usefixtures("_pids")
def test_a_start_of_many_services_costs_so_much_for_each() -> None:
    def act(number: int) -> None:
        world, names = world_of(number, lambda _: [])
        assert [each.code for each in start(world, names, Options(wait=False))] == [0] * number

    assert not dearer(act)


@pytest.mark.usefixtures("_pids")
def test_a_stop_of_many_services_costs_so_much_for_each() -> None:
    def act(number: int) -> None:
        names = [f"s{each}" for each in range(number)]
        ended = [histories.ended(service(name), run={"interrupted": True}, **OLD) for name in names]
        world = ScriptedWorld(facts.workspace(*map(service, names)), {0: running(number), 1: ended, 2: ended})
        assert {each.state for each in stop(world, names)} == {"stopped"}

    assert not dearer(act)


@pytest.mark.usefixtures("_pids")
def test_a_stop_of_many_services_reads_no_log_of_those_that_were_asked_to_end() -> None:
    names = [f"s{number}" for number in range(FEW)]
    ended = [histories.ended(service(name), run={"interrupted": True}, **OLD) for name in names]
    world = ScriptedWorld(facts.workspace(*map(service, names)), {0: running(FEW), 1: ended, 2: ended})
    read = list[Path]()

    def last_words(log: Path, *_: object) -> list[str]:
        read.append(log)
        return []

    vars(world.logs).update(last_words=last_words)
    assert {each.state for each in stop(world, names)} == {"stopped"}
    assert not read


@pytest.mark.usefixtures("_pids")
def test_a_status_of_many_services_costs_so_much_for_each() -> None:
    def act(number: int) -> None:
        world, names = world_of(number, running)
        assert [each.state for each in status(world, names, and_unconfigured=True)] == ["running"] * number

    assert not dearer(act)


@pytest.mark.usefixtures("_pids")
def test_ports_that_are_slow_to_accept_are_looked_at_at_once() -> None:
    services = [service(f"s{each}", 3000 + each, health=Health("tcp")) for each in range(4)]
    shown = [alive(each, port=each.port, is_writing=True, run=LONG_AGO, **OLD) for each in services]
    world = ScriptedWorld(facts.workspace(*services), {0: shown})
    looked: dict[int, threading.Thread] = {}

    def slow(port: int) -> tuple[str, ...]:
        looked.setdefault(port, threading.current_thread())
        world.time += 0.5
        return world.turn.open_addresses(port)

    vars(world.ports).update(open_addresses=slow)
    assert {each.state for each in status(world, [each.name for each in services])} == {"running"}
    first, *others = (looked[port] for port in sorted(looked))
    assert first is threading.main_thread()
    assert len(others) == 3
    assert threading.main_thread() not in others


@pytest.mark.usefixtures("_pids")
@pytest.mark.parametrize(("number", "leaves_more"), [(2, False), (20, True)])
def test_a_stop_that_looks_for_long_at_many_leaves_launchers_more(number: int, leaves_more: bool) -> None:
    names, slept = [f"s{each}" for each in range(number)], list[float]()
    ended = [histories.ended(service(name), run={"interrupted": True}, **OLD) for name in names]
    world = ScriptedWorld(facts.workspace(*map(service, names)), {0: running(number), 1: ended, 2: ended})

    def slow() -> Mapping[int, Process]:
        world.time += 0.5
        return world.turn.read()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        ScriptedWorld.sleep(world, seconds)

    vars(world.processes).update(read=slow)
    vars(world).update(sleep=sleep)
    assert {each.state for each in stop(world, names)} == {"stopped"}
    assert (slept[0] > 0.5) is leaves_more
