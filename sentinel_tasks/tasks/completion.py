"""What a shell may complete that Invoke does not know: workspaces that run, and the words of the program `sentinel`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from io import StringIO
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit

from ..errors import ConfigurationError, SentinelError
from ..names import TASKS_OF_A_SERVICE
from .console import InvokeConsole
from .declared import OwnTask
from .help import is_own
from .spoken import ONLY, as_tasks

if TYPE_CHECKING:
    from invoke.collection import Collection
    from invoke.program import Program

OF_A_WORKSPACE, OF_SERVICES = "--workspace", ("--only", "--except")
SAFE = re.compile(r"[\w/.+,-]+")
"""A path that is one word to a shell: bash runs what a word says that it is offered, such as $(…)."""


def complete(program: Program) -> None:
    """Prints what may follow the words after `--` and ends the program; leaves to Invoke what that knows."""
    words = _words(program)
    if is_own(program):
        with suppress(ConfigurationError):
            words = as_tasks(words, program.collection)
        program.core.remainder = shlex.join(words)
    flag = _flag_of_the_value(words, program.collection)
    if flag == OF_A_WORKSPACE:
        _print(_paths(program))
    elif flag in OF_SERVICES:
        _print(program.collection.collections)
    elif is_own(program) and not (words and words[-1].startswith("-")):
        _print(_verbs_and_services(program.collection))


def _words(program: Program) -> list[str]:
    """What was typed so far, without the program's own name; bash takes `=` for a word."""
    try:
        words = shlex.split(program.core.remainder)
    except ValueError:
        return []
    begin = 1 if words and os.path.basename(words[0]) in program.binary_names else 0
    return [part for word in words[begin:] for part in word.split("=", 1) if part]


def _flag_of_the_value(words: Sequence[str], tasks: Collection) -> str:
    """The flag of a task of ours whose value is being typed or comes next; empty if it is none."""
    named = [tasks[word] for word in words if word in tasks.task_names]
    known = (OF_A_WORKSPACE, *OF_SERVICES) if named and isinstance(named[-1], OwnTask) else ()
    return next((word for word in reversed(words[-2:]) if word in known), "")


def _paths(program: Program) -> Iterator[str]:
    """The folders of all workspaces of which anything runs or has a window; none where that can't be seen."""
    from ..observation.workspaces import known_workspaces
    from ..verbs.acting import open_running_world

    console = InvokeConsole(Context(program.config), as_json=False)
    console.tells_of_gone = False
    with suppress(SentinelError, OSError), redirect_stderr(StringIO()):
        world, _ = open_running_world(console, None, {})
        for known in known_workspaces(world):
            if (known.running or known.servers) and SAFE.fullmatch(known.path):
                yield known.path


def _verbs_and_services(tasks: Collection) -> list[str]:
    of_all = [name for name in tasks.task_names if "." not in name]
    return [*dict.fromkeys([*TASKS_OF_A_SERVICE, *ONLY, *of_all, *tasks.collections])]


def _print(words: Iterable[str]) -> None:
    """Prints them, and ends the program."""
    for word in words:
        print(word)
    raise Exit
