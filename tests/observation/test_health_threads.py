"""How questions are put: beside each other for a start, and patiently for a task that looks once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from sentinel_tasks.health.question import Question
from sentinel_tasks.model import Answer, Health, Progress, Service
from sentinel_tasks.observation.health_threads import AskingOnce, HealthThreads
from sentinel_tasks.world import World
from tests import facts
from tests.facts import HEALTHY, SICK
from tests.lab import PATIENCE, until

QUICK = 0.05


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set at the end of the test, so that no thread is left waiting."""
    event = threading.Event()
    yield event
    event.set()


def world(ask: Callable[[Question], Answer], shown: list[list[Progress]] | None = None) -> World:
    """A machine whose services answer like this; `shown` gets what a person is shown meanwhile."""
    keep = shown.append if shown is not None else lambda told: None
    made = World(facts.workspace(), {}, progress=lambda told: keep([*told]))
    vars(made)["health"] = SimpleNamespace(ask=ask)
    return made


def web(**keys: Any) -> Service:
    return facts.service("web", health=Health("http", "/", timeout=QUICK, **keys))


def question(service: Service) -> Question:
    return Question(service.health, 3000, ("127.0.0.1",), "/", dict, list, patience=service.health.timeout)


def test_a_question_that_was_lost_does_not_fail_a_start_whose_next_one_is_answered(over: threading.Event) -> None:
    """A server that takes a connection too early, and forgets it, was asked anew every 2 s; it still is."""
    asked: list[float] = []

    def ask(question: Question) -> Answer:
        asked.append(question.patience)
        if len(asked) == 1:
            over.wait(PATIENCE)
            return SICK
        return HEALTHY

    threads, service = HealthThreads(world(ask)), web()
    until(lambda: (told := threads(service, question(service))) and told.ok)
    assert len(asked) > 1
    assert {*asked} == {service.startup_timeout}, "none is broken off while the start has time"


def test_questions_that_are_never_answered_become_fewer(over: threading.Event) -> None:
    asked: list[float] = []

    def ask(question: Question) -> Answer:
        asked.append(question.patience)
        over.wait(PATIENCE)
        return SICK

    clock = iter(range(100_000))
    surroundings = world(ask)
    vars(surroundings)["monotonic"] = lambda: next(clock) * QUICK
    threads, service = HealthThreads(surroundings), web()
    for _ in range(100):
        vars(threads)["QUICK"] = 0
        threads(service, question(service))
    until(lambda: len(asked) > 3)
    assert len(asked) < 10


def test_a_start_that_ends_says_so_to_the_commands_that_it_still_asks(over: threading.Event) -> None:
    ended = threading.Event()

    def ask(question: Question) -> Answer:
        until(question.is_over)
        ended.set()
        return SICK

    service = replace(web(), health=Health("command", "sleep 1000", timeout=PATIENCE))
    threads = HealthThreads(world(ask))
    assert threads(service, question(service)) is None
    threads.break_off()
    assert ended.wait(PATIENCE)


def test_whoever_looks_once_waits_for_the_answer_and_shows_for_whom(over: threading.Event) -> None:
    shown: list[list[Progress]] = []

    def ask(question: Question) -> Answer:
        until(lambda: shown)
        return HEALTHY

    service = web()
    assert AskingOnce(world(ask, shown))(service, question(service)).ok
    told = shown[0][0]
    assert (told.service, told.word, told.limit) == (service, "awaiting its health check", QUICK)


def test_all_that_is_awaited_is_shown_together(over: threading.Event) -> None:
    shown: list[list[Progress]] = []
    asking = AskingOnce(world(lambda _: HEALTHY if over.wait(PATIENCE) else SICK, shown))
    services = [facts.service(name, health=Health("http", "/")) for name in ("web", "db")]
    lookers = [threading.Thread(target=asking, args=(each, question(each))) for each in services]
    for looker in lookers:
        looker.start()
    until(lambda: any(_names(told) == {"web", "db"} for told in shown))
    over.set()
    for looker in lookers:
        looker.join(PATIENCE)


def _names(told: Sequence[Progress]) -> set[str]:
    return {each.service.name for each in told}


def test_ctrl_c_lets_whoever_waits_go_on(over: threading.Event) -> None:
    asking = AskingOnce(world(lambda _: HEALTHY if over.wait(PATIENCE) else SICK))
    service = web()
    threading.Timer(QUICK, asking.break_off).start()
    assert not asking(service, question(service)).ok
