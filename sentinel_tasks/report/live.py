"""What a person sees while a task waits."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TextIO

from ..logtext import plain
from ..model import Progress
from .style import Style

WORTH_SAYING = 0.5
"""Seconds before a wait is worth a line off a terminal."""


class Live:
    """Shows on a terminal's last lines what a task waits for; off a terminal it says it once."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self.stream, self.style = stream, style
        self.drawn = 0
        self.said: set[str] = set()

    def show(self, waiting: Sequence[Progress]) -> None:
        """Draws, or says, what is waited for."""
        if self.style.live:
            self._draw([self._line(each) for each in waiting])
            return
        for each in waiting:
            if each.elapsed >= WORTH_SAYING and each.service.name not in self.said:
                self.said.add(each.service.name)
                self._write(f"{self.style.mark('wait')} {each.service.name}: {each.word}, for up to {each.limit:g} s\n")

    def _line(self, each: Progress) -> str:
        so_far = f"{each.service.name}: {each.word} {each.elapsed:.1f} of {each.limit:g} s"
        text = f"{self.style.mark('wait')} {so_far}  {plain(each.last_line)}"
        return text[: max(10, shutil.get_terminal_size().columns - 3)]

    def _draw(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\x1b[K\n" for line in lines)
        self._write(f"{self._up()}{text}\x1b[J")
        self.drawn = len(lines)

    def clear(self) -> None:
        """Leaves no trace of the live lines."""
        if self.drawn:
            self._write(f"{self._up()}\x1b[J")
            self.drawn = 0

    def _up(self) -> str:
        return f"\x1b[{self.drawn}A\r" if self.drawn else ""

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
