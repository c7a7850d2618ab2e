"""Putting a health question on a thread: for a task that looks once, and for one that looks again and again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from ..health.question import Question, unanswered
from ..model import Answer, Progress, Service
from ..world import World

if TYPE_CHECKING:
    from ..doors import Background

BROKEN_OFF = Answer(False, "the health check broke off")


class Asked(Struct):
    """One question on its way, since when, and its answer once there is one."""

    work: Background
    since: float
    answers: list[Answer]

    @property
    def is_over(self) -> bool:
        """True once it was answered, or can't be any more."""
        return not self.work.is_alive()

    @property
    def answer(self) -> Answer:
        """What was answered, once it is over."""
        return self.answers[0] if self.answers else BROKEN_OFF


def put(world: World, question: Question) -> Asked:
    """Puts the question on a thread of its own."""
    answers: list[Answer] = []
    ends_with_us = question.health.kind != "command"  # a command would be left running
    work = world.in_background(lambda: answers.append(world.health.ask(question)), ends_with_us)
    return Asked(work, world.monotonic(), answers)


class Asking(Struct):
    """All that a start asks one service: its questions under way, when the next is due, and the last refusal."""

    under_way: list[Asked] = field(default_factory=list)
    due: float = 0.0
    pause: float = 0.0
    refusal: Answer | None = None


class HealthThreads:
    """Puts each service's questions for a start, so that one that hangs keeps no other waiting.

    A question under way is not broken off while the start has time: the first page of a server may be slow. It may also
    be lost, so another is put beside it after the check's timeout, the next after twice that time, and so on; the first
    good answer counts. Meanwhile the last refusal stands: it is the cause to tell.
    """

    QUICK = 0.03

    def __init__(self, world: World) -> None:
        self._world = world
        self._asking: dict[str, Asking] = {}
        self._is_over = False

    def __call__(self, service: Service, question: Question) -> Answer | None:
        asking = self._asking.setdefault(service.name, Asking())
        if self._world.monotonic() >= asking.due:
            self._put_next(asking, service, question)
        for each in asking.under_way:
            each.work.join(self.QUICK if each is asking.under_way[-1] else 0)
        over = [each for each in asking.under_way if each.is_over]
        asking.under_way = [each for each in asking.under_way if not each.is_over]
        if over:
            self._note(asking, service, [each.answer for each in over])
        waited = self._world.monotonic() - min((each.since for each in asking.under_way), default=float("inf"))
        if waited >= service.health.timeout:
            asking.refusal = Answer(False, unanswered(question, waited))
        return next((each.answer for each in over if each.answer.ok), asking.refusal)

    def _put_next(self, asking: Asking, service: Service, question: Question) -> None:
        asked = replace(question, patience=service.startup_timeout, is_over=lambda: self._is_over)
        asking.under_way.append(put(self._world, asked))
        asking.pause = max(2 * asking.pause, service.health.timeout)
        asking.due = self._world.monotonic() + asking.pause

    def _note(self, asking: Asking, service: Service, answers: list[Answer]) -> None:
        asking.refusal = next((each for each in answers if not each.ok), asking.refusal)
        if not asking.under_way:
            asking.pause, asking.due = 0.0, self._world.monotonic() + service.health.interval

    def is_asking(self, service: Service) -> bool:
        """True while one of its questions is under way."""
        return bool(service.name in self._asking and self._asking[service.name].under_way)

    def prepare(self, services: Iterable[Service]) -> None:
        """Gets ready to ask while there is nothing to ask yet."""
        if any(service.health.kind == "http" for service in services):
            self._world.in_background(self._world.health.load)

    def break_off(self) -> None:
        """Ends the commands that are still asked: nobody waits for them any more."""
        self._is_over = True


class AskingOnce:
    """Puts each service's question and waits, as long as the check's own timeout; tells meanwhile whom it waits for.

    It may be called on several threads at once.
    """

    QUIET, SLICE = 0.3, 0.1

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: dict[str, tuple[Service, Asked]] = {}
        self._telling = threading.Lock()
        self._is_over = False

    def __call__(self, service: Service, question: Question) -> Answer:
        asked = put(self._world, replace(question, is_over=lambda: self._is_over))
        asked.work.join(self.QUIET)
        self._waiting[service.name] = service, asked
        while not asked.is_over and not self._is_over:
            self._tell()
            asked.work.join(self.SLICE)
        del self._waiting[service.name]
        return asked.answer

    def _tell(self) -> None:
        if self._telling.acquire(blocking=False):
            try:
                now = self._world.monotonic()
                told = [_progress(service, now - asked.since) for service, asked in [*self._waiting.values()]]
                self._world.progress(told)
            finally:
                self._telling.release()

    def break_off(self) -> None:
        """Lets whoever waits go on without an answer, and ends the commands that are still asked."""
        self._is_over = True


def _progress(service: Service, waited: float) -> Progress:
    return Progress(service, "awaiting its health check", waited, service.health.timeout)
