"""What a person sees while a task waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from ..model import Progress
from ..text.sanitize import plain
from .streams import put_aside
from .style import Style
from .width import columns, cut, padded

WORTH_A_LINE = 0.5
"""Seconds before a wait is worth a line off a terminal."""

NARROW = 60
"""Columns below which a line has the numbers first: the end of it may be cut."""


class Live:
    """Shows what a task waits for: on a terminal in its last lines, off a terminal once in a line that stays."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self.stream, self.style = stream, style
        self.drawn = 0
        self.announced: set[str] = set()

    def show(self, waiting: Sequence[Progress]) -> None:
        """Shows what is waited for now."""
        if self.style.live:
            self._draw(waiting)
            return
        for each in waiting:
            if each.elapsed >= WORTH_A_LINE and each.service.name not in self.announced:
                self.announced.add(each.service.name)
                self._write(f"{self.style.sign('wait')} {each.service.name}: {each.word}, for up to {each.limit:g} s\n")

    def _draw(self, waiting: Sequence[Progress]) -> None:
        import shutil

        across, down = shutil.get_terminal_size()
        width = max((columns(each.service.name) for each in waiting), default=0)
        lines = [self._short(each) if across < NARROW else self._line(each, width) for each in waiting]
        lines = fitting(lines, across, down)
        text = "".join(f"{line}\x1b[K\n" for line in lines)
        self._write(f"{self._up()}{text}\x1b[J")
        self.drawn = len(lines)

    def _line(self, each: Progress, width: int) -> str:
        name = padded(f"{each.service.name}:", width + 1)
        so_far = f"{name} {each.word} {each.elapsed:.1f} of {each.limit:g} s"
        return f"{self.style.sign('wait')} {so_far}  {plain(each.last_line())}"

    def _short(self, each: Progress) -> str:
        return f"{self.style.sign('wait')} {each.service.name} {each.elapsed:.0f}/{each.limit:g} s, {each.word}"

    def clear(self) -> None:
        """Removes the live lines, one by one: a screen cleared at once would stay in tmux's history."""
        if self.drawn:
            self._write(self._up() + "\x1b[K\n" * self.drawn + self._up())
            self.drawn = 0

    def _up(self) -> str:
        return f"\x1b[{self.drawn}A\r" if self.drawn else ""

    def _write(self, text: str) -> None:
        put_aside(text, self.stream, end="")


def fitting(lines: Sequence[str], columns: int, rows: int) -> list[str]:
    """The lines as they fit on a screen: one that wraps or scrolls away could not be drawn over."""
    most = max(1, rows - 1)
    shown = list(lines) if len(lines) <= most else [*lines[: most - 1], f"   and {len(lines) - most + 1} more"]
    return [cut(line, max(10, columns - 1)) for line in shown]
