"""What surrounds one task: the configuration that Invoke read, and the streams to print to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from invoke.context import Context

from ..verbs.console import Console
from .declared import declared
from .invoke_config import called, file_of_flag, name_of_file, problems_in_files, project_folder

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model import Typed, Workspace


class InvokeConsole(Console):
    """The console of a task that Invoke runs."""

    def __init__(self, context: Context, as_json: bool) -> None:
        super().__init__(as_json, bool(context.config.run.dry), bool(context.config.run.echo))
        self.context = context

    def workspace_and_problems(
        self, flags: Mapping[str, Mapping[str, Any]] | None = None
    ) -> tuple[Workspace, list[Problem]]:
        """The workspace with all of its services that are configured well, and what is wrong with the others."""
        from pathlib import Path

        from msgspec.structs import replace

        from ..config.load import Sources, read_all
        from ..system.state_folder import state_root

        config = self.context.config
        section, last = _section(config.get("sentinel")), _section(file_of_flag(config).get("sentinel"))
        sources = Sources(
            declared.members(), section, self.environ, last, flags, declared.of_procfile, name_of_file(config),
            frozenset(declared.configured), self.scales,
        )  # fmt: skip
        root, problems = Path(state_root()), [*problems_in_files, *declared.problems]
        workspace, problems = read_all(sources, self.project, root, problems)
        found = replace(workspace, typed=self.typed)
        if declared.is_asked_again and not flags and os.path.isdir(found.state_folder):
            self.remember(found)
        return found, problems

    def remember(self, workspace: Workspace) -> None:
        """Keeps the workspace, unless this call was given another configuration than the next one will have."""
        found = called()
        if self.dry or not workspace.is_whole or (found is not None and found.flags):
            return
        from ..config.remembering import remember
        from ..errors import SentinelError

        with suppress(SentinelError, OSError):
            state = self._state()
            state.prepare()
            if state.has_room():  # records come first
                remember(state, workspace, self.project, self.has_tasks_file, self.environ)

    @cached_property
    def typed(self) -> Typed:
        """How a person types the tasks here."""
        from .typed import typed_here

        return declared.typed or typed_here(self.environ)

    @property
    def has_tasks_file(self) -> bool:
        """True if Invoke has found one."""
        return not declared.is_without_file and project_folder(self.context.config) is not None

    @property
    def project(self) -> str:
        """The folder of the tasks file, where Invoke looks for its configuration; without one the current folder."""
        return project_folder(self.context.config) or os.getcwd()


def _section(found: Any) -> Any:
    return {} if found is None else _plain(found)


def _plain(value: Any) -> Any:
    """Invoke's config objects as plain dicts, so that no key is taken for a method."""
    if hasattr(value, "items") and hasattr(value, "keys"):
        return {str(key): _plain(value[key]) for key in [*value.keys()]}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
