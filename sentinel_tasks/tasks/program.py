"""The program `sentinel` where it needs Invoke: the workspace's verbs, whatever a tasks file lists, and without one.

Its words are `VERB [SERVICE…]`; Invoke's own `SERVICE.VERB` works too. A user's own tasks stay Invoke's.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.program import Program

from ..errors import ConfigurationError, Problem
from ..model import Typed
from ..names import SERVICE, TASKS_OF_A_SERVICE
from . import declare
from .boundary import complain_of_file
from .declared import declared
from .help import OWN_PROGRAM, print_verbs
from .invoke_config import folder_of_tasks_file, only_looks_or_ends, problems_in_files
from .spoken import as_tasks
from .typed import names_in, program_here
from .yaml_file import plain_content

OF_SERVICES = ("up", "scale", "export")
NOTHING_HERE = (
    "there is nothing here to run: no tasks.py, Procfile, package.json, application, compose file or index.html; "
    "type {} --yes to have the folder's files served all the same"
)


class TasksFileBroken(Exception):
    """The tasks file can't be loaded."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.key} {problem.reason}")
        self.problem = problem


class Sentinel(Program):
    """Invoke with the verbs of the workspace and nothing else.

    With `needs_file` a tasks file that can't be loaded ends it, also where what runs could be told and ended all the
    same.
    """

    needs_file = True

    def load_collection(self) -> None:
        """Loads the tasks file for what it declares, or declares what the folder has if there is none."""
        words, names = self.core.unparsed, self._names_declared()
        if problems_in_files or declared.problems:  # what runs is still looked at and ended
            names += [word for word in words[1:] if re.match(SERVICE, word)]
        is_empty = declared.is_without_file and not names and not declared.problems
        if is_empty and words and words[0] in TASKS_OF_A_SERVICE + OF_SERVICES:
            reason = NOTHING_HERE.format(program_here(os.environ).task("init"))
            raise Exit(code=complain_of_file(ConfigurationError([Problem("sentinel", os.getcwd(), reason)])))
        self.collection = declare.root_of(*map(declare.collection, dict.fromkeys(names)))
        try:
            words[:] = as_tasks(words, self.collection)
        except ConfigurationError as wrong:
            raise Exit(code=complain_of_file(wrong)) from wrong

    def _names_declared(self) -> list[str]:
        """The services that the tasks file and the configuration name."""
        listed: Collection | None = None
        try:
            super().load_collection()
            listed = self.collection
        except Exit as refused:
            if refused.code == ConfigurationError.exit_code:
                raise
            self._declare_what_is_here()
        except Exception as reason:  # noqa: BLE001 (a tasks file may raise whatever it likes)
            self._go_on_without(reason)
        declared.typed = _typed(listed)
        return [*declared.members(), *declared.configured]

    def _go_on_without(self, reason: Exception) -> None:
        """Whatever runs is looked at and ended without its tasks file; TasksFileBroken for any other verb."""
        folder = folder_of_tasks_file(self.config) or os.getcwd()
        problem = _problem_of(reason, folder)
        if self.needs_file or not only_looks_or_ends(self.core.unparsed):
            raise TasksFileBroken(problem) from reason
        declared.problems.append(problem)
        self.config.set_project_location(folder)
        self.config.load_project()

    def print_help(self) -> None:
        """What this program can do."""
        print_verbs(self)

    def _declare_what_is_here(self) -> None:
        """What `init` would write down for this folder; what invoke.yaml names comes to that.

        Files alone are served where a page is among them and nothing else is named: nobody's home is by mistake.
        """
        from ..config.first_services import look

        here = os.getcwd()
        declared.is_without_file = True
        self.config.set_project_location(here)
        found = look(Path(here), plain_content)
        declared.problems += [Problem("sentinel", here, note) for note in found.notes]
        if found.procfile:
            declare.from_procfile(os.path.join(here, found.procfile))
        for each in [] if found.is_plain else found.services:
            declared.settings[each.name] = {**declared.settings.get(each.name, {}), **each.settings}
        self.config.load_project()
        if found.is_plain and found.has_page and not declared.configured and not found.notes:
            declared.settings.update((each.name, each.settings) for each in found.services)


def _typed(listed: Collection | None) -> Typed:
    """Invoke's tasks where a person has them at hand, else this program's own words."""
    if listed is not None and shutil.which("inv"):
        return Typed("inv", names_in(listed, []), program_here(os.environ).python)
    return program_here(os.environ)


def _problem_of(reason: Exception, folder: str) -> Problem:
    """What is wrong with the tasks file in that folder or with what it imports, and on which line."""
    file, line, what = "tasks.py", 0, f"{type(reason).__name__}: {' '.join(str(reason).split())}"
    if isinstance(reason, SyntaxError) and reason.filename:
        file, line, what = reason.filename, reason.lineno or 0, f"{type(reason).__name__}: {reason.msg}"
    trace = reason.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(folder) and "-packages" not in path and not isinstance(reason, SyntaxError):
            file, line = path, trace.tb_lineno
        trace = trace.tb_next
    return Problem(os.path.basename(file), file, f"can't be loaded: {what}{f' (line {line})' if line else ''}")


def _version() -> str:
    try:
        return metadata.version("sentinel-tasks")
    except metadata.PackageNotFoundError:
        return "not installed as a package"


def run(words: Sequence[str], will_ask_again: bool, is_remembered: bool) -> int:
    """Has Invoke do what the words say; TasksFileBroken if that needs a tasks file which can't be loaded.

    What `is_remembered` needs it as well: more is known of it than its window tells.
    """
    declared.is_asked_again = will_ask_again
    name = os.path.basename(sys.argv[0])
    binary = "python -m sentinel_tasks" if name == "__main__.py" else name
    program = Sentinel(_version(), name=OWN_PROGRAM, binary=binary, binary_names=["sentinel", "sentinel-tasks"])
    program.needs_file = is_remembered
    try:
        program.run([binary, *words])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain at its end
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def refuse(broken: TasksFileBroken) -> int:
    """Tells that, as any task tells what is wrong with the configuration; returns the exit code."""
    return complain_of_file(ConfigurationError([broken.problem]))
