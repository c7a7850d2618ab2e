"""The last lines that a service printed, of any number that pass by. Pure."""

from __future__ import annotations

from collections import deque

from .sanitize import clears_screen, is_only_annotations

MOST_PADDING = 200
"""More blank lines than a terminal has rows."""
MOST_BYTES = 1 << 20
"""What may be held beyond the lines that are wanted."""


class Latest:
    """The last `count` of the lines that were added, and no more than some padding beyond them is in memory.

    Annotations do not count, nor do blank lines with which a program scrolled its screen away.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._lines: deque[tuple[float, bytes]] = deque()
        self._printed = self._bytes = 0

    def add(self, when: float, line: bytes) -> None:
        """Takes the line that comes next."""
        while self._lines and clears_screen(line) and not self._lines[-1][1].strip():
            self._count_in(self._lines.pop()[1], -1)
        self._lines.append((when, line))
        self._count_in(line, 1)
        while self._printed > self._count + MOST_PADDING or (self._printed > self._count and self._bytes > MOST_BYTES):
            self._count_in(self._lines.popleft()[1], -1)

    def clear(self) -> None:
        """Forgets all that came."""
        self._lines.clear()
        self._printed = self._bytes = 0

    def lines(self) -> list[tuple[float, bytes]]:
        """The lines that are wanted, with the annotations between them, but none before them."""
        kept = list(self._lines)
        places = [number for number, (_, line) in enumerate(kept) if not is_only_annotations(line)][-self._count :]
        return kept[places[0] :] if self._count and places else []

    def _count_in(self, line: bytes, sign: int) -> None:
        self._bytes += sign * len(line)
        self._printed += 0 if is_only_annotations(line) else sign
