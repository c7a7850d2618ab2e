"""How a tasks file declares its services: Collections, and what Python said of each (SPEC §2)."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from invoke.collection import Collection

from ..errors import Problem
from ..names import TASKS_OF_A_WORKSPACE
from ..projects import procfile
from . import variables
from .service_tasks import tasks_of
from .workspace_tasks import workspace_tasks

FIRST_PROCFILE_PORT, PORT_STEP = 5000, 100


class Declared:
    """What this process's tasks file declared: settings by service, the workspace's members, and what is wrong."""

    def __init__(self) -> None:
        self.settings: dict[str, Mapping[str, Any]] = {}
        self.chosen: tuple[str, ...] | None = None
        self.problems: list[Problem] = []

    def members(self) -> dict[str, Mapping[str, Any]]:
        """The workspace's services: those given to `workspace(...)`, or all that were declared."""
        names = self.settings if self.chosen is None else self.chosen
        return {name: self.settings[name] for name in names}


declared = Declared()
variables.take_over()


def service(name: str, **settings: Any) -> Collection:
    """A Collection with the tasks of one service: `start`, `status`, `logs`, `stop`, `restart`, `attach`.

    `settings` are the keys of the configuration (SPEC §2); `invoke.yaml` and the environment override them. What is
    wrong with them is told by the first task that runs, all at once.
    """
    declared.settings[name] = settings
    return _collection(name)


def _collection(name: str) -> Collection:
    collection = Collection(name)
    for each in tasks_of(name):
        collection.add_task(each)
    return collection


def workspace(*services: Collection) -> Collection:
    """The root Collection of a workspace: each service's tasks, and those of the whole (`up`, `down`, `ps`, …)."""
    declared.chosen = tuple(str(each.name) for each in services if each.name in declared.settings)
    root = Collection()
    for each in services:
        if each.name not in TASKS_OF_A_WORKSPACE:  # the first task that runs complains of it
            root.add_collection(each)
    for verb in workspace_tasks():
        root.add_task(verb)
    return root


def from_procfile(path: str = "Procfile") -> list[Collection]:
    """One Collection a line of the Procfile, with the ports and the environment that honcho would give (SPEC §2).

    A relative path is looked for beside the file that calls this.
    """
    caller = Path(inspect.stack()[1].filename).parent
    found = caller / path
    if not found.is_file():
        declared.problems.append(Problem("from_procfile", path, f"there is no such file in {caller}"))
    shared: dict[str, Any] = {"cwd": str(found.parent)}
    if (found.parent / ".env").is_file():
        shared["env_file"] = str(found.parent / ".env")
    first = _first_port(found.parent / ".env")
    collections = []
    for number, (name, command) in enumerate(procfile(found).items()):
        settings: dict[str, Any] = {"command": command, "port": first + PORT_STEP * number, **shared}
        settings["health"] = "tcp" if name == "web" else None
        collections.append(service(name.lower().replace("_", "-"), **settings))
    return collections


def _first_port(env_file: Path) -> int:
    """honcho counts from PORT, where the environment or `.env` has one."""
    from ..files import read_env_file

    try:
        told = read_env_file(str(env_file)).get("PORT") or os.environ.get("PORT", "")
    except (OSError, UnicodeError):
        told = os.environ.get("PORT", "")
    return int(told) if told.isdecimal() and told.isascii() else FIRST_PROCFILE_PORT
