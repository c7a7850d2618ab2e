"""Asks a service whether it works, by whatever kind of check it has (contract: Configuration)."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..model import Answer, HealthKind
from .http import ask_http, document, load
from .question import Question

__all__ = ["ask", "document", "load"]


def ask(question: Question) -> Answer:
    """The answer within the question's patience, whatever the service does."""
    return ASKS[question.health.kind](question)


def _ask_command(question: Question) -> Answer:
    from .command import ask_command

    return ask_command(question)


def _ask_log(question: Question) -> Answer:
    pattern = re.compile(str(question.health.target))
    if any(pattern.search(line) for line in question.log()):
        return Answer(True, "seen in the log")
    return Answer(False, f"no line matches {question.health.target!r} yet")


ASKS: dict[HealthKind, Callable[[Question], Answer]] = {"http": ask_http, "command": _ask_command, "log": _ask_log}
"""How each kind is asked that a look does not tell."""
