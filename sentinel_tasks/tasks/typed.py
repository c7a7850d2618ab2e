"""How tasks are typed where this one was called: the program with its flags, and the names that Invoke lists."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence

from invoke.collection import Collection

from ..model import Typed
from ..names import TASKS_OF_A_SERVICE
from .declared import OwnTask, declared
from .invoke_config import called

RUNNERS = {
    "UV_RUN_RECURSION_DEPTH": "uv run",
    "PDM_RUN_CWD": "pdm run",
    "POETRY_ACTIVE": "poetry run",
    "PIPENV_ACTIVE": "pipenv run",
}
"""What runs a program of a project's environment that need not be on the PATH, by the variable that tells of it."""


Listed = tuple[str, tuple[str, str]]
"""A task by the name that its Collection lists, of a service and a verb."""


def typed_here(environ: Mapping[str, str]) -> Typed:
    """How to type the tasks again, in the folder and with the tasks file of this call."""
    python = _python(environ)
    found = called()
    if found is None:
        return Typed(python=python)
    program = " ".join([program_as_typed(sys.argv[0], environ), *map(shlex.quote, found.flags)])
    return Typed(program, names_in(found.collection, found.tasks), python)


def program_here(environ: Mapping[str, str]) -> Typed:
    """How to type the program `sentinel` again, with its words."""
    return Typed(program_as_typed(sys.argv[0], environ), None, _python(environ), verb_first=True)


def names_in(collection: Collection, tasks: Sequence[str]) -> dict[tuple[str, str], str]:
    """The listed name of each task of ours, by service and verb; of several the nearest to the tasks that were called.

    The same service may be listed in two places, by two names.
    """
    here = [name.split(".")[:-1] for name in tasks]
    found: dict[tuple[str, str], str] = {}
    for above, tasks_there in sorted(_listed(collection), key=lambda each: (-_shared(each[0], here), len(each[0]))):
        place = "".join(f"{word}." for word in above)
        for name, key in tasks_there:
            found.setdefault(key, f"{place}{name}")
    return found


def _listed(collection: Collection, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Listed]]]:
    """Of each Collection its place, and its tasks of ours."""
    own = ((collection.transform(name), task) for name, task in collection.tasks.items())
    yield above, [(name, (task.service, task.verb)) for name, task in own if isinstance(task, OwnTask)]
    for name, inner in collection.collections.items():
        yield from _listed(inner, (*above, collection.transform(name)))
    for name in declared.configured.difference(collection.collections) if _is_of_a_workspace(collection) else ():
        yield (*above, name), [(verb, (name, verb)) for verb in TASKS_OF_A_SERVICE]


def _is_of_a_workspace(collection: Collection) -> bool:
    """True if the workspace's tasks are in it: then those of services that only the configuration names are, too."""
    return any(
        isinstance(each, OwnTask) and not each.service and each.verb == "up" for each in collection.tasks.values()
    )


def _shared(place: Sequence[str], here: Sequence[Sequence[str]]) -> int:
    """How many Collections above it a Collection's task shares with the nearest of those that were called."""
    return max((_equal(place, each) for each in here), default=0)


def _equal(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words are the same from the beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def program_as_typed(path: str, environ: Mapping[str, str]) -> str:
    """The program, so that this shell finds the same one: its bare name if that does, else as it was called."""
    if os.path.basename(path) == "__main__.py":
        package = os.path.basename(os.path.dirname(path))
        return f"{_python(environ)} -m {package}"
    name = os.path.basename(path)
    runner = next((words for variable, words in RUNNERS.items() if environ.get(variable)), "")
    if runner:
        return _as_run(runner) or f"{runner} {name}"
    return name if _leads_to(name, path, environ) else shlex.quote(path)


def _as_run(runner: str) -> str:
    """How the runner was called, if it is our parent and that can be seen: its own flags may be what finds us."""
    from ..lineage.proc import command_line

    words, own = list(command_line(os.getppid())), sys.argv[1:]
    is_runner = bool(words) and os.path.basename(words[0]).rstrip("x") == runner.split(maxsplit=1)[0]
    is_of_us = bool(own) and words[-len(own) :] == own
    return shlex.join([os.path.basename(words[0]), *words[1 : -len(own)]]) if is_runner and is_of_us else ""


def _python(environ: Mapping[str, str]) -> str:
    """This Python as it is typed."""
    name = os.path.basename(sys.executable)
    names = ("python", "python3", name)
    return next((each for each in names if _leads_to(each, sys.executable, environ)), shlex.quote(sys.executable))


def _leads_to(name: str, path: str, environ: Mapping[str, str]) -> bool:
    """True if the shell finds this very file by its name; an interpreter elsewhere may be a link to the same one."""
    found = shutil.which(name, path=environ.get("PATH"))
    return found is not None and os.path.abspath(found) == os.path.abspath(path)
