"""Putting a health question: at once, for a task that looks once; or on a thread, for one that looks again."""

from __future__ import annotations

from collections.abc import Iterable

from ..health.question import Question
from ..model import Answer, Service
from ..world import Background, World
from .health_check import Ask


class HealthThreads:
    """Puts each service's question on a thread of its own, so that one that hangs keeps no other waiting.

    While an answer is awaited, the last refusal stands: it is the cause to tell.
    """

    QUICK = 0.03

    def __init__(self, world: World) -> None:
        self._world = world
        self._asked: dict[str, tuple[Background, list[Answer]]] = {}
        self._refusals: dict[str, Answer] = {}

    def __call__(self, service: Service, question: Question) -> Answer | None:
        work, answers = self._asked.get(service.name) or self._put(service.name, question)
        work.join(self.QUICK)
        if work.is_alive():
            return self._refusals.get(service.name)
        del self._asked[service.name]
        answer = answers[0] if answers else Answer(False, "the health check broke off")
        if not answer.ok:
            self._refusals[service.name] = answer
        return answer

    def prepare(self, services: Iterable[Service]) -> None:
        """Gets ready to ask while there is nothing to ask yet."""
        if any(service.health.kind == "http" for service in services):
            self._world.in_background(self._world.health.load)

    def _put(self, name: str, question: Question) -> tuple[Background, list[Answer]]:
        answers: list[Answer] = []
        ends_with_us = question.health.kind != "command"  # a command would be left running
        work = self._world.in_background(lambda: answers.append(self._world.health.ask(question)), ends_with_us)
        self._asked[name] = work, answers
        return self._asked[name]


def asking_at_once(world: World) -> Ask:
    """Puts a question and waits, however long its patience lasts: for a task that looks only once."""
    return lambda service, question: world.health.ask(question)
