"""Words as `sentinel` has them (`start web`), as the tasks that Invoke knows (`web.start`)."""

from __future__ import annotations

from collections.abc import Sequence

from invoke.collection import Collection

from ..errors import ConfigurationError, Problem
from ..names import TASKS_OF_A_SERVICE
from ..report.phrases import OF_ALL

HELP = ("--help", "-h")
ONLY = {"start": "up", "stop": "stop", "up": "up", "down": "down", "restart": "restart", "logs": "logs", "wait": "wait"}
"""The workspace's tasks that take several services, by the verb."""


def as_tasks(words: Sequence[str], tasks: Collection) -> list[str]:
    """The same call in Invoke's words; ConfigurationError if it names a service that there is not."""
    if not words or words[0].startswith("-") or "." in words[0]:
        return [*words]
    verb, rest = words[0], [*words[1:]]
    if verb == "env-names":
        verb, rest = "env", [*rest, "--names"]
    end = rest.index("--") if "--" in rest else len(rest)
    own_verbs = {name for each in tasks.collections.values() for name in each.task_names}.union(TASKS_OF_A_SERVICE)
    if verb not in own_verbs and verb not in ONLY:
        return _help_of(verb, tasks) if _asks_for_help(rest[:end]) else [*words]
    names, flags = _apart(rest[:end], _takes_values(verb, tasks))
    return [*_tasks(verb, names, flags, tasks), *rest[end:]]


def _tasks(verb: str, names: Sequence[str], flags: list[str], tasks: Collection) -> list[str]:
    if unknown := [name for name in names if name not in tasks.collections]:
        raise ConfigurationError(_unknown(verb, unknown, tasks))
    if not names:
        return _of_all(verb, flags, tasks)
    if verb in ONLY and (len(names) > 1 or verb in ("up", "down")):
        return [ONLY[verb], "--only", ",".join(names), *flags]
    return [word for name in names for word in (f"{name}.{verb}", *flags)]


def _of_all(verb: str, flags: list[str], tasks: Collection) -> list[str]:
    if _asks_for_help(flags):
        name = next((name for name, each in tasks.collections.items() if verb in each.task_names), "")
        return _help_of(verb if verb in tasks.task_names or not name else f"{name}.{verb}", tasks)
    return [verb if verb in tasks.task_names else OF_ALL.get(verb, verb), *flags]


def _asks_for_help(words: Sequence[str]) -> bool:
    return any(word in HELP for word in words)


def _help_of(task: str, tasks: Collection) -> list[str]:
    """The call that tells of a task; Invoke would take the flag for the word that the task wants, so each has one."""
    return [task, *(tasks[task].positional if task in tasks.task_names else ()), "--help"]


def _unknown(verb: str, names: Sequence[str], tasks: Collection) -> list[Problem]:
    from ..config.problems import Problems

    found = Problems()
    for name in names:
        found.unknown(verb, name, "service", [*tasks.collections], name)
    return found.problems


def _takes_values(verb: str, tasks: Collection) -> set[str]:
    """The flags of the verb that stand before a value."""
    places = [*tasks.collections.values(), tasks]
    found = [each.tasks[verb] for each in places if verb in each.tasks] + [tasks.tasks[ONLY.get(verb, "ps")]]
    arguments = [argument for task in found for argument in task.get_arguments()]
    return {
        f"-{name}" if len(name) == 1 else f"--{name}"
        for each in arguments
        if each.kind is not bool and not each.positional
        for name in each.names
    }


def _apart(words: Sequence[str], take_values: set[str]) -> tuple[list[str], list[str]]:
    """The names among the words, and the flags with their values."""
    names, flags, rest = list[str](), list[str](), iter(words)
    for word in rest:
        if not word.startswith("-"):
            names += [name for name in word.split(",") if name]
            continue
        flags.append(word)
        if word in take_values and (value := next(rest, None)) is not None:
            flags.append(value)
    return list(dict.fromkeys(names)), flags
