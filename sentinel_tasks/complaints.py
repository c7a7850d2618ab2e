"""Collects what is wrong with a configuration, so that a person hears of all of it at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from .errors import ConfigurationError, Problem

HIDDEN = "…"
"""Shown in place of what may be secrets: variables, and whatever holds more than one value."""


class Complaints:
    """Collects what is wrong, so that a person hears of all of it at once."""

    def __init__(self, found_before: Iterable[Problem] = ()) -> None:
        self.problems: list[Problem] = [*found_before]

    def add(self, key: str, value: object, reason: str) -> None:
        problem = Problem(key, value, reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def unknown(self, key: str, value: object, kind: str, known: Iterable[str], name: str = "") -> None:
        """Complains of a key that nobody reads, or of `name` as its value; what may hold secrets is not shown."""
        names = sorted(known)
        near = nearest(name or key.rpartition(".")[2], names)
        meant = f"did you mean {near}?" if near else f"known are {', '.join(names)}"
        self.add(key, HIDDEN if isinstance(value, Mapping | list | tuple) else value, f"unknown {kind}; {meant}")

    def raise_if_any(self) -> None:
        if self.problems:
            raise ConfigurationError(self.problems)


def nearest(word: str, names: list[str]) -> str:
    """The name that was most likely meant: one that looks alike, else one that begins alike; none is an empty string."""
    alike = difflib.get_close_matches(word, names, n=1)
    begun = [name for name in names if word and (name.startswith(word) or word.startswith(name))]
    return next(iter([*alike, *begun]), "")
