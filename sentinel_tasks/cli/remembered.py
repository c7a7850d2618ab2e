"""The console of a verb that is answered from what Invoke read before."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..config.folder import workspace_folder
from ..config.remembering import Remembered, remembered
from ..names import state_name
from ..system.state_folder import State, state_root
from ..verbs.console import Console

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model import Typed, Workspace


class RememberedConsole(Console):
    """Knows the workspace as it was read last."""

    def __init__(self, memory: Remembered, as_json: bool) -> None:
        super().__init__(as_json)
        self.memory = memory

    def workspace_and_problems(
        self, flags: Mapping[str, Mapping[str, Any]] | None = None
    ) -> tuple[Workspace, list[Problem]]:
        """The workspace with all of its services; a verb that is answered so has no flags that change one."""
        return replace(self.memory.workspace, typed=self.typed, keys=self.memory.keys), []

    def remember(self, workspace: Workspace) -> None:
        """Nothing: it is what was kept."""

    @property
    def typed(self) -> Typed:
        """How a person types the tasks here, as far as that was so before."""
        return self.memory.typed

    @property
    def project(self) -> str:
        """The folder of the tasks file, or the one in which the workspace was started without one."""
        return self.memory.project


def memory_here(environ: Mapping[str, str]) -> Remembered | None:
    """What is remembered of the workspace that this folder is in; None if nothing is."""
    here = os.getcwd()
    folder = next(filter(_has_tasks_file, _upwards(here)), None)
    project = here if folder is None else folder
    found = remembered(State(os.path.join(state_root(), state_name(workspace_folder(project, environ)))))
    is_of_here = found is not None and (os.path.normpath(found.project), found.tasks_file) == (
        project,
        folder is not None,
    )
    return found if is_of_here else None


def _upwards(folder: str) -> list[str]:
    """The folder and all above it."""
    found = [folder]
    while (above := os.path.dirname(found[-1])) != found[-1]:
        found.append(above)
    return found


def _has_tasks_file(folder: str) -> bool:
    return os.path.exists(f"{folder}/tasks.py") or os.path.exists(f"{folder}/tasks/__init__.py")


def knows(memory: Remembered, names: tuple[str, ...]) -> bool:
    """True if all of these are services of it, and nothing that is not kept is needed to tell of them."""
    known = {service.name: {service.name} for service in memory.workspace.services}
    for service in memory.workspace.services:
        if service.template:
            known.setdefault(service.template, set()).add(service.name)
    if not all(name in known for name in names):
        return False
    meant = set(memory.unkept) if not names else set[str]().union(*(known[name] for name in names))
    return not meant.intersection(memory.unkept)
