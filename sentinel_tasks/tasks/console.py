"""What surrounds one task: the configuration that Invoke read, the environment, and the streams to print to."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from .invoke_config import file_of_flag, name_of_file, problems_in_files, project_folder

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model import Typed, Workspace
    from ..report import Live, Style
    from ..system.state_folder import State
    from ..world import World


class Console:
    """Where one task's results and diagnostics go: words, or with `--json` one document."""

    def __init__(self, context: Context, as_json: bool) -> None:
        self.context, self.as_json = context, as_json
        self.environ = dict(os.environ)
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

    @property
    def dry(self) -> bool:
        """Invoke's own `--dry`: print the plan, change nothing."""
        return bool(self.context.config.run.dry)

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
        """Prints the document to stdout, if one was asked for."""
        if self.as_json:
            from ..report import dumps

            self._show(dumps(document))

    def _show(self, text: str) -> None:
        """A reader that has gone is no error: the exit code still says what became of the task."""
        from ..report import put

        self.clear()
        with suppress(BrokenPipeError):
            put(text, sys.stdout)

    def echo(self, text: str) -> None:
        """With Invoke's own `--echo`, prints a tmux command or a signal."""
        if self.context.config.run.echo:
            self.diagnostic(text)

    # What the task is about

    def workspace(self, flags: Mapping[str, Mapping[str, Any]] | None = None) -> Workspace:
        """The workspace of the tasks file; ConfigurationError if anything in its configuration is wrong."""
        from ..errors import ConfigurationError

        workspace, problems = self.workspace_and_problems(flags)
        if problems:
            raise ConfigurationError(problems)
        return workspace

    def workspace_and_problems(
        self, flags: Mapping[str, Mapping[str, Any]] | None = None
    ) -> tuple[Workspace, list[Problem]]:
        """The workspace with all of its services that are configured well, and what is wrong with the others."""
        from msgspec.structs import replace

        from ..config.load import Sources, read_all
        from ..system.state_folder import state_root
        from .declared import declared

        config = self.context.config
        section, last = _section(config.get("sentinel")), _section(file_of_flag(config).get("sentinel"))
        sources = Sources(
            declared.members(), section, self.environ, last, flags, declared.of_procfile, name_of_file(config),
            frozenset(declared.configured), self.scales,
        )  # fmt: skip
        workspace, problems = read_all(sources, self.project, state_root(), [*problems_in_files, *declared.problems])
        return replace(workspace, typed=self.typed), problems

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
        from ..config.load import workspace_folder
        from ..names import state_name
        from ..system.state_folder import State, state_root

        return State(state_root() / state_name(workspace_folder(self.project, self.environ)))

    @cached_property
    def typed(self) -> Typed:
        """How a person types the tasks here."""
        from .typed import typed_here

        return typed_here(self.environ)

    @property
    def has_tasks_file(self) -> bool:
        """True if Invoke has found one."""
        return project_folder(self.context.config) is not None

    @property
    def project(self) -> str:
        """The folder of the tasks file, where Invoke looks for its configuration; without one the current folder."""
        return project_folder(self.context.config) or os.getcwd()

    def world(self, workspace: Workspace) -> World:
        """The world of that workspace; its waits are shown on stderr."""
        from ..report import Live
        from ..world import World

        self._live = Live(sys.stderr, self.err)
        return World(workspace, self.environ, self.echo, self._live.show)

    def clear(self) -> None:
        """Removes the live lines."""
        if self._live:
            self._live.clear()


def _section(found: Any) -> Any:
    return {} if found is None else _plain(found)


def _plain(value: Any) -> Any:
    """Invoke's config objects as plain dicts, so that no key is taken for a method."""
    if hasattr(value, "items") and hasattr(value, "keys"):
        return {str(key): _plain(value[key]) for key in [*value.keys()]}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
