"""What did not fit into an answer, until it is asked for."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

PREFIX = "rest-"
"""Tells such a cursor from one of the program's own for logs."""
KEPT = 16
"""Answers whose rest is kept."""


class Rests:
    """The rests of the last answers, by cursor; each can be read again."""

    def __init__(self) -> None:
        self._parts: dict[str, list[str]] = {}

    def keep(self, parts: Sequence[str]) -> str:
        """The cursor that leads to these parts."""
        cursor = f"{PREFIX}{secrets.token_hex(6)}"
        self._parts[cursor] = [*parts]
        while len(self._parts) > KEPT:
            del self._parts[next(iter(self._parts))]
        return cursor

    def take(self, cursor: str) -> list[str] | None:
        """The parts to which it leads; None if they are not kept any more."""
        return self._parts.get(cursor)
