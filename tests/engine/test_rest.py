"""Rest: between two looks of a start, until the next one is due or worth its while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.rest import Rest
from sentinel_tasks.model import UP_AFTER, Health, HealthKind
from sentinel_tasks.observation.health_threads import HealthThreads
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


def rested(
    news: Sequence[Fact],
    kind: HealthKind = "http",
    run: Mapping[str, object] = NOTHING,
    port: int | None = 3000,
    deadline: float = float("inf"),
    has_noted: bool = True,
) -> float:
    """The second at which the next look is due, of one that is silent at first; the last step is the latest."""
    of_it = service("web", port, health=Health(kind))
    silent = [alive(of_it, run=run, **OLD)]
    turns = {0: silent, STEPS[0]: silent, STEPS[1]: news, STEPS[2]: news}
    world = ScriptedWorld(facts.workspace(of_it), turns)
    seen = observe(of_it, world, take_snapshot(world), lambda service, question: None, for_a_start=True)
    seen, rest = replace(seen, run=world.state.run("web")), Rest(world, HealthThreads(world), lambda: None)
    rest.note_logs([of_it] if has_noted else [])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sentinel_tasks.engine.rest.LONGEST" if port else "sentinel_tasks.engine.rest.SELDOM", STEPS[2])
        rest.until_news([(of_it, seen)], 0.0, deadline)
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


def test_what_is_asked_without_a_listener_is_asked_as_often_as_ever() -> None:
    assert rested([alive(**OLD)], "command") == STEPS[0]


def test_a_log_is_looked_at_as_soon_as_there_is_more_of_it() -> None:
    """A start that waited for a line looked at all of tmux forty times in a second."""
    assert rested([alive(output=("listening",), **OLD)], "log") == STEPS[1]
    assert rested([alive(**OLD)], "log") == STEPS[2]
    assert rested([alive(run={"ended": 1.0}, **OLD)], "log") == STEPS[1]
    assert rested([alive(output=("listening",), **OLD)], "log", has_noted=False) <= STEPS[1]


@pytest.mark.parametrize("kind", ["up", "exit", "notify"])
def test_which_processes_it_has_is_no_news(kind: HealthKind) -> None:
    """The launcher writes it down half a second after the begin of a run, and later whenever it has changed."""
    more = alive(run={"pid": 203, "family": ((203, 203),)}, **OLD)
    assert rested([more], kind) == STEPS[2]
    assert rested([more], kind, port=None) == STEPS[2]


def test_who_runs_only_since_the_last_look_is_looked_at_once_it_has_stayed_up() -> None:
    """Its launcher had begun, and it had not: a record tells no more then than which launch it is."""
    not_yet = {"started": None, "pid": None, "ticks": None, "stop_timeout": None}
    begun = {"started": facts.NOW + STEPS[1] - 0.005 - UP_AFTER, "stop_timeout": 10.0}
    assert rested([alive(run=begun, **OLD)], "up", not_yet, port=None) == STEPS[1]
    assert rested([alive(run=begun, **OLD)], "exit", not_yet, port=None) == STEPS[2]


def test_no_rest_is_longer_than_a_service_has_time() -> None:
    assert rested([alive(**OLD)], "exit", port=None, deadline=STEPS[1]) == STEPS[1]
