"""The record of a launcher on its own pane, for as long as no disk has room for it: a task reads it there."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .commands import Commands
    from .window import Window

OPTION = "@sentinel_run"
LONGEST = 12_000
"""Bytes that a client of tmux can say at once, and some to spare."""


class Carrier:
    """What tmux knows of a record; told by one command at a time, the latest last."""

    def __init__(self, tmux: str, commands: Commands, window: Window) -> None:
        self._tmux, self._commands, self._window = tmux, commands, window
        self._told = self._wanted = ""
        self.is_telling = False

    def tell(self, text: str) -> None:
        """Has tmux know this record; an empty one says that there is no more need."""
        self._wanted = text
        if self.is_telling or text == self._told or len(text) > LONGEST or self._window.is_gone():
            return
        self._told, self.is_telling = text, True
        words = [self._tmux, *words_for(text, os.environ.get("TMUX_PANE", ""))]
        self._commands.tell_tmux(words, self._heard)

    def _heard(self, code: int | None, said: str) -> None:
        """A tmux that does not answer is left at that."""
        self.is_telling = False
        self.tell(self._wanted)


def words_for(text: str, pane: str) -> list[str]:
    """What tmux is given."""
    return ["set-option", "-p", "-t", pane, OPTION, text] if text else ["set-option", "-p", "-u", "-t", pane, OPTION]
