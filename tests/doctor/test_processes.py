"""Strays as the doctor ends them, as histories: who is sent what and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sentinel_tasks.doctor.processes import end
from tests import facts
from tests.engine.histories import WEB, stray
from tests.scripted import ScriptedWorld
from tests.turns import Fact, who

STRAY = [stray()]
ENDS: dict[str, tuple[Mapping[float, Sequence[Fact]], list[str]]] = {
    "it ends when asked": ({0: STRAY, 1: []}, ["0: TERM 700"]),
    "it ignores TERM": ({0: STRAY, 2.9: STRAY, 3: STRAY, 4: []}, ["0: TERM 700", "3: KILL 700"]),
    "it outlives KILL": ({0: STRAY, 3: STRAY, 6: STRAY, 6.1: STRAY}, ["0: TERM 700", "3: KILL 700"]),
    "a machine under load sleeps through the steps: none is left out": (
        {0: STRAY, 20: STRAY, 22.9: STRAY, 23.1: STRAY},
        ["0: TERM 700", "20: KILL 700"],
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_of_a_stray(name: str) -> None:
    turns, sent = ENDS[name]
    world = ScriptedWorld(facts.workspace(WEB), turns)
    end(world, {who(700)})
    assert (world.sent, world.later) == (sent, [])
