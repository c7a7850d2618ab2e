"""How a tasks file declares its services: Collections, and the settings given in Python (contract: Configuration)."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection

from ..errors import Problem
from ..names import SERVICE, TASKS_OF_A_WORKSPACE
from .boundary import complain_of_file
from .declared import OwnTask, declared, tasks_named
from .invoke_config import serve_arguments, serve_completion, serve_configuration, serve_help, take_over
from .service_tasks import tasks_of
from .workspace_tasks import workspace_tasks

if TYPE_CHECKING:
    from invoke.program import Program

LISTING = r"--list|--complete|--help|--print-completion-script|-[^-]*[lh]"

take_over(complain_of_file)


def service(name: str, **settings: Any) -> Collection:
    """A Collection with the tasks of one service: `start`, `status`, `logs`, `stop`, `restart`, `attach`.

    The name of the service alone is its `status`.

    `settings` are the keys of the configuration; `invoke.yaml` and the environment override them. The first task
    that runs reports everything that is wrong with them.
    """
    before = declared.settings.setdefault(name, settings)
    if before != settings and before and settings:
        declared.problems.append(Problem("service", name, "is declared twice, each time in another way"))
    declared.settings[name] = settings or before
    return collection(name)


def collection(name: str) -> Collection:
    """A Collection with the tasks of one service, which is not declared by that."""
    found = Collection(name)
    for each in tasks_of(name):
        found.add_task(each, default=each.verb == "status")
    return found


def workspace(*services: Collection) -> Collection:
    """The root Collection of a workspace: each service's tasks, and the workspace's own (`up`, `down`, `ps`, …)."""
    given: tuple[object, ...] = services
    collections = [each for each in given if isinstance(each, Collection)]
    reason = "must be a Collection, as service(...) gives; a list of them needs a * before it"
    declared.problems += [Problem("workspace", repr(each), reason) for each in given if each not in collections]
    misnamed = [each for each in collections if each.name in TASKS_OF_A_WORKSPACE]
    root = root_of(*(each for each in collections if each not in misnamed))
    declared.roots += [root, *misnamed]  # the first task that runs reports these
    return root


def root_of(*collections: Collection) -> Collection:
    """A Collection of these and of the workspace's tasks; it does not decide which services the workspace has."""
    root = Collection()
    for each in collections:
        root.add_collection(each)
    for verb in workspace_tasks():
        root.add_task(verb)
    declared.workspaces.append(root)
    return root


def _add_configured(names: Iterable[str]) -> None:
    """Gives the services that only the configuration names their tasks, wherever the workspace has its own.

    Of many services only those that the command line tells of: for each, Invoke takes more than a millisecond.
    """
    for name in names:
        if name in declared.settings or name in TASKS_OF_A_WORKSPACE or not re.match(SERVICE, name):
            continue
        declared.configured.add(name)
        for root in declared.workspaces if _is_told_of(name, sys.argv[1:]) else ():
            if name not in root.collections and name not in root.tasks:
                root.add_collection(collection(name))


def _is_told_of(name: str, words: Sequence[str]) -> bool:
    """True if one of the words is a task of the service, or a flag that may ask Invoke for a list or for help."""
    return not words or any(
        re.match(LISTING, word) if word.startswith("-") else name in word.replace("_", "-").split(".") for word in words
    )


def _explain(program: Program, task: object, name: str) -> bool:
    from .help import print_help

    if isinstance(task, OwnTask):
        print_help(program, task, name)
    return isinstance(task, OwnTask)


def _complete(program: Program) -> None:
    from .completion import complete

    complete(program)


serve_configuration(_add_configured)
serve_completion(_complete)
serve_help(_explain)
serve_arguments(tasks_named)


def from_procfile(path: str = "Procfile") -> list[Collection]:
    """One Collection for each process of the Procfile, with the port and the environment that honcho would give it.

    A relative path is looked for beside the file that calls this.
    """
    from ..config.procfile import processes

    caller = Path(inspect.stack()[1].filename).parent
    found = caller / path
    if not found.is_file():
        declared.problems.append(Problem("from_procfile", path, f"there is no such file in {caller}"))
    try:
        made = processes(found, os.environ)
    except ValueError as reason:
        declared.problems.append(Problem("from_procfile", path, str(reason)))
        return []
    declared.of_procfile.update({each.name: each.note for each in made})
    return [service(each.name, **each.settings) for each in made]
