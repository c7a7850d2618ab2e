"""Collects what is wrong with a configuration, so that a person hears of all of it at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .errors import ConfigurationError, Problem


class Complaints:
    """Collects what is wrong, so that a person hears of all of it at once."""

    def __init__(self, found_before: Iterable[Problem] = ()) -> None:
        self.problems: list[Problem] = [*found_before]

    def add(self, key: str, value: object, reason: str) -> None:
        problem = Problem(key, value, reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def unknown(self, key: str, value: object, kind: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(key.rpartition(".")[2], names, n=1)
        meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
        self.add(key, value, f"unknown {kind}; {meant}")

    def raise_if_any(self) -> None:
        if self.problems:
            raise ConfigurationError(self.problems)
