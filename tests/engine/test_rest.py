"""Rest: between two looks of a start, until the next one is due or worth its while."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sentinel_tasks.engine.rest import rest
from sentinel_tasks.model import Health
from sentinel_tasks.observation.observe import observe
from sentinel_tasks.observation.snapshot import take_snapshot
from tests import facts
from tests.engine.histories import OLD, WEB, alive, running, service
from tests.scripted import ScriptedWorld
from tests.turns import Fact

STEPS = (0.02, 0.04, 0.06)
UP = service("web", 3000, health=Health("up"))
NEWS: dict[str, tuple[Sequence[Fact], float]] = {
    "it listens": ([running(**OLD)], 0.04),
    "its launcher has ended": ([], 0.04),
    "its end is on record while its launcher ends what is left": ([alive(run={"ended": 1.0}, **OLD)], 0.04),
    "nothing has happened": ([alive(**OLD)], 0.06),
}
"""What there is to see from the second step on, and when a rest ends by that."""


def rested(news: Sequence[Fact], of: str = "http") -> float:
    """The second at which the next look is due, of one that is silent at first; the last step is the latest."""
    silent = [alive(**OLD)]
    of_it = UP if of == "up" else WEB
    turns = {0: silent, STEPS[0]: silent, STEPS[1]: news, STEPS[2]: news}
    world = ScriptedWorld(facts.workspace(of_it), turns)
    seen = observe(of_it, world, take_snapshot(world), lambda service, question: None, for_a_start=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sentinel_tasks.engine.rest.LONGEST", STEPS[2])
        rest(world, [(of_it, seen)], 0.0)
    return world.time


@pytest.mark.parametrize("name", NEWS)
def test_a_rest_ends_with_the_first_news(name: str) -> None:
    """A crash was told 40 ms later than before: only its launcher's end was looked at, which comes after its record."""
    news, second = NEWS[name]
    assert rested(news) == second


def test_what_needs_no_listener_is_looked_at_as_often_as_ever() -> None:
    assert rested([running(**OLD)], of="up") == STEPS[0]
