"""Rest: between two looks of a start, until the next one is due or worth its while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sentinel_tasks.engine.rest import rest
from sentinel_tasks.model import UP_AFTER, Health, HealthKind
from sentinel_tasks.observation.observe import observe
from sentinel_tasks.observation.snapshot import take_snapshot
from tests import facts
from tests.engine.histories import NOTHING, OLD, alive, running, service
from tests.scripted import ScriptedWorld
from tests.turns import Fact

STEPS = (0.02, 0.04, 0.06)
NEWS: dict[str, tuple[Sequence[Fact], float]] = {
    "it listens": ([running(**OLD)], 0.04),
    "its launcher has ended": ([], 0.04),
    "its end is on record while its launcher ends what is left": ([alive(run={"ended": 1.0}, **OLD)], 0.04),
    "nothing has happened": ([alive(**OLD)], 0.06),
}
"""What there is to see from the second step on, and when a rest ends by that."""


def rested(news: Sequence[Fact], kind: HealthKind = "http", run: Mapping[str, object] = NOTHING) -> float:
    """The second at which the next look is due, of one that is silent at first; the last step is the latest."""
    of_it = service("web", 3000, health=Health(kind))
    silent = [alive(run=run, **OLD)]
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


@pytest.mark.parametrize("kind", ["up", "exit", "notify"])
def test_what_only_its_record_tells_is_waited_for_without_looking(kind: HealthKind) -> None:
    """A start of a service without a port looked at all of tmux and every process thirty times in its one second."""
    assert rested([alive(**OLD)], kind) == STEPS[2]
    assert rested([alive(run={"ended": 1.0}, **OLD)], kind) == STEPS[1]
    assert rested([alive(run={"ready": 1.0}, **OLD)], kind) == STEPS[1]
    assert rested([], kind) == STEPS[1]


def test_who_has_to_stay_up_is_looked_at_as_soon_as_it_has() -> None:
    just_before = {"started": facts.NOW - UP_AFTER + 0.03}
    assert rested([alive(run=just_before, **OLD)], "up", just_before) == STEPS[1]
    assert rested([alive(run=just_before, **OLD)], "exit", just_before) == STEPS[2]


@pytest.mark.parametrize("kind", ["command", "log"])
def test_what_is_asked_without_a_listener_is_asked_as_often_as_ever(kind: HealthKind) -> None:
    assert rested([alive(**OLD)], kind) == STEPS[0]
