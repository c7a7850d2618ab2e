"""The last lines that a service printed, of any number that pass by. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .sanitize import clears_screen, is_only_annotations

MOST_PADDING = 200
"""More blank lines than a terminal has rows."""
MOST_BYTES = 1 << 20
"""What may be held beyond the lines that are wanted."""


class Elsewhere(NamedTuple):
    """A printed line that is not held: whether it is blank, and how to read it again."""

    is_blank: bool
    read: Callable[[], bytes]


Held = bytes | Elsewhere


class Latest:
    """The last `count` of the lines that were added, and no more than some padding beyond them is in memory.

    Annotations do not count, nor do blank lines with which a program scrolled its screen away.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lines: deque[tuple[float, Held]] = deque()
        self._printed = self._bytes = 0

    def add(self, when: float, line: bytes, elsewhere: Elsewhere | None = None) -> None:
        """Takes the line that comes next; one that is `elsewhere`, too, need not be held."""
        while self._lines and clears_screen(line) and _is_blank(self._lines[-1][1]):
            self._count_in(self._lines.pop()[1], -1)
        self._lines.append((when, elsewhere or line))
        self._count_in(elsewhere or line, 1)
        while self._printed > self._count + MOST_PADDING or (self._printed > self._count and self._bytes > MOST_BYTES):
            self._count_in(self._lines.popleft()[1], -1)

    def clear(self) -> None:
        """Forgets all that came."""
        self._lines.clear()
        self._printed = self._bytes = 0

    def lines(self) -> Iterator[tuple[float, bytes]]:
        """The lines that are wanted, with the annotations between them, but none before them."""
        kept = list(self._lines)
        places = [number for number, (_, line) in enumerate(kept) if _is_printed(line)][-self._count :]
        for when, line in kept[places[0] :] if self._count and places else ():
            yield when, line.read() if isinstance(line, Elsewhere) else line

    def _count_in(self, line: Held, sign: int) -> None:
        self._bytes += 0 if isinstance(line, Elsewhere) else sign * len(line)
        self._printed += sign if _is_printed(line) else 0


def _is_blank(line: Held) -> bool:
    return line.is_blank if isinstance(line, Elsewhere) else not line.strip()


def _is_printed(line: Held) -> bool:
    return isinstance(line, Elsewhere) or not is_only_annotations(line)
