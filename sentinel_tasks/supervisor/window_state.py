"""Tells the window what the service is doing: by a user option, and where that wants a look by its name's style.

tmux is told at each change, by a command beside the service, and nothing ever runs from the status line.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from .commands import Commands
    from .window import Window

    Word = Literal["starting", "running", "unhealthy", "restarting", "crashed", "completed", "stopped"]

OPTION, STYLE = "@sentinel_status", "window-status-style"
STYLES: dict[Word, str] = {"unhealthy": "fg=yellow", "restarting": "fg=yellow", "crashed": "fg=red"}
UP_AFTER = 1.0
"""A run after a restart counts as running once it has been up for so many seconds."""
NEVER = float("inf")


class WindowState:
    """What the window of this launcher tells; without a `tmux` it tells nothing."""

    def __init__(self, commands: Commands, window: Window) -> None:
        self._commands, self._window = commands, window
        self.tmux: str | None = None
        self._told: Word = "starting"
        self._wanted: Word = "starting"
        self.is_telling = False
        self.next_due = NEVER

    def begin(self, is_restart: bool) -> None:
        """A run has begun; the first one's window was told so when it was opened."""
        self.next_due = time.monotonic() + UP_AFTER if is_restart and self.tmux else NEVER
        if is_restart:
            self.tell("restarting")

    def advance(self) -> None:
        """Counts a run as running that stays up, if nothing else was told of it."""
        if time.monotonic() >= self.next_due:
            self.next_due = NEVER
            if self._wanted == "restarting":
                self.tell("running")

    def tell(self, word: Word) -> None:
        """Has tmux know it, in the order of what was told."""
        self._wanted = word
        if self.is_telling or word == self._told or self.tmux is None or self._window.is_gone():
            return
        before, self._told, self.is_telling = self._told, word, True
        words = [self.tmux, *words_for(word, before, os.environ.get("TMUX_PANE", ""))]
        self._commands.tell_tmux(words, self._heard)

    def _heard(self, code: int | None, said: str) -> None:
        """A tmux that does not answer is left at that."""
        self.is_telling = False
        self.tell(self._wanted)


def words_for(word: Word, before: Word, pane: str) -> list[str]:
    """What tmux is given: the option, and the style if it is another one than before."""
    words, style = ["set-option", "-w", "-t", pane, OPTION, word], STYLES.get(word)
    if style == STYLES.get(before):
        return words
    change = ["-w", "-t", pane, STYLE, style] if style else ["-w", "-u", "-t", pane, STYLE]
    return [*words, ";", "set-option", *change]
