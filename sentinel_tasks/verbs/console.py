"""What surrounds one verb: the streams to print to, the environment, and where the workspace comes from."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model import Progress, Typed, Workspace
    from ..report import Style
    from ..report.live import Live
    from ..system.state_folder import State
    from ..world import World


AT_ONCE = 1 << 16
"""Characters that are printed together, where nobody waits for each line."""


class Console(ABC):
    """Where one verb's results and diagnostics go: words, or with `--json` one document.

    `dry` is `--dry`: print the plan, change nothing. `echoes` is `--echo`: print each tmux command and signal.
    `tells_of_gone` until it was looked for other workspaces that are gone and still run, or if that is not wanted.
    """

    def __init__(self, as_json: bool, dry: bool = False, echoes: bool = False) -> None:
        self.as_json, self.dry, self.echoes = as_json, dry, echoes
        self.environ = dict(os.environ)
        self.tells_of_gone = True
        self._closing: str | None = ""
        self._live: Live | None = None
        self._scales: dict[str, tuple[int, int]] | None = None

    @cached_property
    def out(self) -> Style:
        """How results may look."""
        from ..report import style_of

        return style_of(sys.stdout, self.environ)

    @cached_property
    def err(self) -> Style:
        """How diagnostics may look."""
        from ..report import style_of

        return style_of(sys.stderr, self.environ)

    def result(self, text: str) -> None:
        """Prints words to stdout, unless a document was asked for."""
        if not self.as_json:
            self._show(text)

    def diagnostic(self, text: str) -> None:
        """Prints words to stderr."""
        from ..report import put_aside

        self.clear()
        put_aside(text, sys.stderr)

    def warning(self, text: str) -> None:
        """Prints to stderr what a person must know although the task goes on."""
        from ..text.sanitize import plain

        self.diagnostic(f"{self.err.sign('warn')} {plain(text)}")

    def document(self, document: object) -> None:
        """Prints the document to stdout, if one was asked for; one that has begun ends with what this one tells."""
        if self.as_json and self._closing is not None:
            from ..report import dumps

            text = dumps(document)
            self._show(f"{self._closing},{text.removeprefix('{')}" if self._closing else text)
            self._closing = None

    def document_in_pieces(self, pieces: Iterable[str]) -> None:
        """Prints what `dumps_in_pieces` says, which is more than should be held.

        BrokenPipeError where nobody reads it to its end.
        """
        from ..report import END_OF_LIST, joined, put

        self.clear()
        for text in joined(chain(pieces, ["\n"]), AT_ONCE):
            self._closing = END_OF_LIST
            put(text, sys.stdout, end="")
        self._closing = None

    def _show(self, text: str) -> None:
        """A reader that has gone is no error: the exit code still says what became of the task."""
        from ..report import put

        self.clear()
        with suppress(BrokenPipeError):
            put(text, sys.stdout)

    def echo(self, words: Sequence[str]) -> None:
        """With `--echo`, prints a tmux command or a signal."""
        if self.echoes:
            import shlex

            self.diagnostic(shlex.join(words))

    @property
    def can_ask(self) -> bool:
        """True if somebody is there to answer a question: on a terminal, and where no document was asked for."""
        return not self.as_json and sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str) -> bool:
        """True if a person says yes; anything else, and the end of the input, is no."""
        from ..report import put_aside

        self.clear()
        put_aside(f"{question} [y/N] ", sys.stderr, end="")
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    # What the verb is about

    def workspace(self, flags: Mapping[str, Mapping[str, Any]] | None = None) -> Workspace:
        """The workspace; ConfigurationError if anything in its configuration is wrong."""
        from ..errors import ConfigurationError

        workspace, problems = self.workspace_and_problems(flags)
        if problems:
            raise ConfigurationError(problems)
        return workspace

    @abstractmethod
    def workspace_and_problems(
        self, flags: Mapping[str, Mapping[str, Any]] | None = None
    ) -> tuple[Workspace, list[Problem]]:
        """The workspace with all of its services that are configured well, and what is wrong with the others."""

    @abstractmethod
    def remember(self, workspace: Workspace) -> None:
        """Keeps the workspace for programs that can't read its configuration; what hinders that is no failure."""

    @property
    @abstractmethod
    def typed(self) -> Typed:
        """How a person types the tasks here."""

    @property
    @abstractmethod
    def project(self) -> str:
        """The folder of the tasks file, where Invoke looks for its configuration; without one the current folder."""

    @property
    def scales(self) -> dict[str, tuple[int, int]]:
        """How many instances `scale` was asked for, as this task sees it."""
        return self._state().scales() if self._scales is None else self._scales

    def note_scales(self, scales: dict[str, tuple[int, int]]) -> None:
        """From now on so many are wanted; with `--dry` for this task alone."""
        if scales != self.scales and not self.dry:
            self._state().note_scales(scales)
        self._scales = scales

    def forget_scales(self, names: Collection[str]) -> None:
        """From now on there are as many of these services as the configuration says."""
        self.note_scales({name: each for name, each in self.scales.items() if name not in names})

    def _state(self) -> State:
        from ..config.folder import workspace_folder
        from ..names import state_name
        from ..system.state_folder import State, state_root

        return State(os.path.join(state_root(), state_name(workspace_folder(self.project, self.environ))))

    def world(self, workspace: Workspace) -> World:
        """The world of that workspace; its waits are shown on stderr."""
        from ..world import World

        world = World(workspace, self.environ, self.echo, self._show_waiting)
        if self.tells_of_gone:
            self.tells_of_gone = False
            self._tell_of_gone(world)
        return world

    def _show_waiting(self, waiting: Sequence[Progress]) -> None:
        if self._live is None:
            from ..report.live import Live

            self._live = Live(sys.stderr, self.err)
        self._live.show(waiting)

    def _tell_of_gone(self, world: World) -> None:
        """In one line, that something still runs of another workspace of the repository which is no more."""
        if world.missing_beside():
            from .neighbours import words_on_gone

            if words := words_on_gone(world):
                self.warning(words)

    def clear(self) -> None:
        """Removes the live lines."""
        if self._live:
            self._live.clear()
