"""The task `doctor`: gives the doctor what only Invoke knows, and shows what it found."""

from __future__ import annotations

import difflib
import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.config import Config

from ..verbs.boundary import problem_documents
from .console import InvokeConsole
from .declared import declared
from .invoke_config import VERSION, files_of_project, keys_of_collections, losses

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model import Workspace

OURS = ("sentinel_tasks", "invoke")


def examine_machine(console: InvokeConsole, fix: bool) -> int:
    """Shows every check and returns the exit code (contract: Doctor); with Invoke's `--dry` nothing is mended."""
    from msgspec.structs import replace

    from ..config.load import unread_variables
    from ..doctor import Given, Look, examine
    from ..doctor.examine import exit_code
    from ..report import finding_document
    from ..report.phrases import as_typed
    from ..report.tables import findings_page

    workspace, problems = _workspace(console)
    names = [service.common_name for service in workspace.services]
    variables = unread_variables(console.environ, names) if not problems else []
    keys = unread_keys(console.context.config)
    given = Given(
        problems=tuple(problems),
        unread=(*(keys or []), *variables),
        keys_are_known=keys is not None,
        unlisted=tuple(unlisted(console.project)),
        has_tasks_file=console.has_tasks_file,
        invoke_version=VERSION,
        lost=tuple(losses(console.context.config)),
    )
    found = examine(lambda: Look(console.world(workspace), given), fix and not console.dry)
    findings = [replace(each, remedy=as_typed(each.remedy, workspace.typed)) for each in found]
    code = exit_code(findings, bool(problems))
    document = {"ok": code == 0, "checks": [finding_document(finding) for finding in findings]}
    if problems:
        document |= {"error": "the configuration is wrong", "problems": problem_documents(problems)}
    console.document(document)
    console.result(findings_page(findings, console.out))
    return code


def _workspace(console: InvokeConsole) -> tuple[Workspace, list[Problem]]:
    """The workspace and the problems of its configuration; if there are any, it has no services."""
    from ..errors import ConfigurationError
    from ..model import Workspace
    from ..names import session_name, state_name
    from ..system.state_folder import state_root

    try:
        return console.workspace(), []
    except ConfigurationError as error:
        folder = os.path.realpath(console.project)
        state = os.path.join(state_root(), state_name(folder))
        return Workspace(folder, session_name(folder), state, services=(), typed=console.typed), error.problems


# Keys that nothing reads


def unread_keys(config: Config) -> list[tuple[str, str]] | None:
    """Keys of the project's configuration file, and of one given with `-f`, that no code reads, each with a likely one.

    A key is read if it is Invoke's, ours or a Collection's, or if a loaded module that uses Invoke has it in its text.
    None if this release of Invoke hides the keys.
    """
    given, configured = files_of_project(config), keys_of_collections(config)
    return None if given is None or configured is None else [*_unread(given, configured)]


def _unread(given: Mapping[str, Any], configured: set[str]) -> Iterator[tuple[str, str]]:
    from ..config.schema import SENTINEL_TYPES

    known = Config.global_defaults()
    read = {*known, "sentinel", *configured}
    words = {"sentinel": "sentinel", **{key: f"sentinel.{key}" for key in ("services", *SENTINEL_TYPES)}}
    for key, value in given.items():
        if key in known and isinstance(value, Mapping) and isinstance(known[key], dict):
            yield from ((f"{key}.{each}", _near(each, known[key])) for each in value if each not in known[key])
        elif key not in read and not key.startswith("_") and not any(key in text for text in _texts()):
            near = _near(key, {*words, *read})
            yield key, words.get(near, near) or _service_hint(key)


def _near(key: str, known: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(key, list(known), n=1)), "")


def _service_hint(key: str) -> str:
    return f"sentinel.services.{key}" if key in declared.settings else ""


def _texts() -> Iterator[str]:
    for module in [*sys.modules.values()]:
        if _uses_invoke(module):
            try:
                yield inspect.getsource(module)
            except (OSError, TypeError):
                continue


def _uses_invoke(module: ModuleType) -> bool:
    """True for a foreign module that has an object of Invoke's or of ours."""
    if module.__name__.partition(".")[0] in OURS:
        return False
    return any(_home(value) in OURS for value in [*vars(module).values()])


def _home(value: object) -> str:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(type(value), "__module__", "")
    return str(name).partition(".")[0]


# Services that are not listed


def unlisted(project: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each tasks file that builds no namespace, with the services that it declares: Invoke lists none of them.

    It does not list `inv doctor` either; `python -m sentinel_tasks doctor` works all the same.
    """
    for module in [*sys.modules.values()]:
        file = getattr(module, "__file__", None) or ""
        if _is_tasks_file(file, os.path.normpath(project)) and not _namespace(module) and (own := _services_of(module)):
            yield os.path.relpath(file, project), own


def _is_tasks_file(file: str, project: str) -> bool:
    folder, name = os.path.split(file)
    return folder == project or (name == "__init__.py" and os.path.dirname(folder) == project)


def _services_of(module: ModuleType) -> tuple[str, ...]:
    names = [str(value.name) for value in vars(module).values() if isinstance(value, Collection) and value.name]
    return tuple(name for name in dict.fromkeys(names) if name in declared.settings)


def _namespace(module: ModuleType) -> bool:
    """True if the module has a Collection of a name that Invoke looks for."""
    return any(isinstance(getattr(module, name, None), Collection) for name in ("ns", "namespace"))
