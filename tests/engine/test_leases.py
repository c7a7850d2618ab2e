"""Leases as histories: what a start makes of those that services have already, and what a restart keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.restart import restart
from sentinel_tasks.engine.start import Options, start
from sentinel_tasks.model import Lease, Report
from tests import facts
from tests.engine.histories import OLD, WEB, History, ended, play, running
from tests.facts import NOW
from tests.scripted import ScriptedWorld
from tests.turns import Fact

MINE, OTHERS = Lease(71, 710, None), Lease(72, 720, NOW + 3600)
NOT_LEASED, LEASED = running(**OLD), running(run={"leases": (OTHERS,)}, **OLD)
ENDS = running(run={"leases": (OTHERS,), "asked": NOW}, **OLD)
OVER = ended(run={"leases": (OTHERS,), "interrupted": True, "cause": "its lease is over: its time was up"}, **OLD)
RUNS = "web: running, exit 0"
OF_OTHERS = "leased while process 72 lives and for 1h 0m"

STARTS = {
    "what is started is leased": History(
        {0: [], 1: [running(run={"leases": (MINE,)})]},
        options=Options(leases=(MINE,)),
        sent=["0: new session for web", "1: web is ready"],
        told=["web: running, changed, exit 0; leased while process 71 lives"],
    ),
    "a start without a lease takes one away": History(
        {0: [LEASED]},
        options=Options(leases=()),
        sent=["0: web is ready", "0: leases of web: none"][::-1],
        told=[f"{RUNS}; its lease was taken away: it runs on"],
    ),
    "a start with one adds its own": History(
        {0: [LEASED]},
        options=Options(leases=(MINE,)),
        sent=["0: leases of web: 72, 71", "0: web is ready"],
        told=[f"{RUNS}; its leases hold one more; {OF_OTHERS} or while process 71 lives"],
    ),
    "a start with one leaves what is wanted without an end": History(
        {0: [NOT_LEASED]},
        options=Options(leases=(MINE,)),
        sent=["0: web is ready"],
        told=[f"{RUNS}; it ran before without a lease, and goes on so"],
    ),
    "a dry run takes nothing away": History(
        {0: [LEASED]}, options=Options(leases=(), dry=True), told=[f"{RUNS}; {OF_OTHERS}"]
    ),
    "what neither adds nor takes away leaves it": History(
        {0: [LEASED]}, sent=["0: web is ready"], told=[f"{RUNS}; {OF_OTHERS}"]
    ),
    "it is over at this very moment: it is waited for, and started anew": History(
        {0: [replace(LEASED, is_lease_over=True)], 1: [ENDS], 2: [OVER], 3: [running()]},
        options=Options(leases=()),
        sent=["2: same window for web", "3: web is ready"],
        told=["web: running, changed, exit 0"],
    ),
}


def act_start(options: Options) -> Any:
    def act(world: ScriptedWorld, wanted: list[str]) -> list[Report]:
        return start(world, wanted, options)

    return act


@pytest.mark.parametrize("name", STARTS)
def test_a_start(name: str) -> None:
    history = STARTS[name]
    told, sent = play(history, act_start(history.options))
    assert (told, sent) == (history.told, history.sent)


def launched_leases(turns: Mapping[Any, Sequence[Fact]], options: Options, kept: tuple[Lease, ...] | None) -> Any:
    world = ScriptedWorld(facts.workspace(WEB), turns)
    if kept is not None:
        world.leases_kept["web"] = kept
    restart(world, ["web"], options)
    return world.specs["web"].get("leases")


@pytest.mark.parametrize(
    ("kept", "wanted"), [(None, [[72, 720, NOW + 3600]]), ((MINE,), [[71, 710, None]]), ((), None)]
)
def test_a_restart_keeps_what_a_service_is_leased_for_as_it_is_by_now(kept: Any, wanted: Any) -> None:
    turns = {0: [LEASED], 1: [OVER], 2: [running()]}
    assert launched_leases(turns, Options(), kept) == wanted


def test_a_restart_that_is_leased_itself_keeps_no_other() -> None:
    turns = {0: [LEASED], 1: [OVER], 2: [running()]}
    assert launched_leases(turns, Options(leases=(MINE,)), None) == [[71, 710, None]]
