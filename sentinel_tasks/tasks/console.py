"""What a task gets from Invoke and from the terminal: flags, configuration, streams and how they may be written to."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from .invoke_config import file_of_flag, project_folder

if TYPE_CHECKING:
    from ..model import Workspace
    from ..report import Live, Style
    from ..world import World


class Console:
    """Where one task's results and diagnostics go: words, or with `--json` one document."""

    def __init__(self, context: Context, as_json: bool) -> None:
        self.context, self.as_json = context, as_json
        self.environ = dict(os.environ)
        self._live: Live | None = None

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
        """Invoke's own `--dry`: tell the plan, change nothing."""
        return bool(self.context.config.run.dry)

    def result(self, text: str) -> None:
        """Words that were asked for; nothing where a document was."""
        if not self.as_json:
            self._show(text)

    def diagnostic(self, text: str) -> None:
        """Words beside the result."""
        from ..report import put_aside

        put_aside(text, sys.stderr)

    def document(self, document: object) -> None:
        """The document, where one was asked for."""
        if self.as_json:
            from ..report import dumps

            self._show(dumps(document))

    def _show(self, text: str) -> None:
        """A reader that has gone has seen enough, and what became of the task is told by its exit code."""
        from ..report import put

        with suppress(BrokenPipeError):
            put(text, sys.stdout)

    def echo(self, text: str) -> None:
        """Invoke's own `--echo`: each tmux command and each signal."""
        if self.context.config.run.echo:
            self.diagnostic(text)

    # Nouns

    def workspace(self, flags: Mapping[str, Mapping[str, Any]] | None = None) -> Workspace:
        """The workspace of the tasks file; ConfigurationError if anything is wrong with it."""
        from ..config.load import Sources, read
        from ..system.state_folder import state_root
        from .declared import declared

        config = self.context.config
        section, last = _section(config.get("sentinel")), _section(file_of_flag(config).get("sentinel"))
        sources = Sources(declared.members(), section, self.environ, last, flags)
        return read(sources, self.project, state_root(), declared.problems)

    @property
    def has_tasks_file(self) -> bool:
        """True if Invoke has found one."""
        return project_folder(self.context.config) is not None

    @property
    def project(self) -> str:
        """The folder of the tasks file, where Invoke looks for its configuration; without one the current folder."""
        return project_folder(self.context.config) or os.getcwd()

    def world(self, workspace: Workspace) -> World:
        """The world of that workspace, which shows here that it waits."""
        from ..report import Live
        from ..world import World

        self._live = Live(sys.stderr, self.err)
        return World(workspace, self.environ, self.echo, self._live.show)

    def clear(self) -> None:
        """Takes the live lines away."""
        if self._live:
            self._live.clear()


def _section(found: Any) -> Any:
    return {} if found is None else _plain(found)


def _plain(value: Any) -> Any:
    """Invoke's config objects as plain dicts, so that no key can be mistaken for a method."""
    if hasattr(value, "items") and hasattr(value, "keys"):
        return {str(key): _plain(value[key]) for key in [*value.keys()]}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
