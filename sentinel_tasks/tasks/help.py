"""What `inv --help TASK` tells of a task of ours: what its flags may be, what its exit codes mean, and examples."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from invoke.program import Program

    from .declared import OwnTask

INDENT, OWN_PROGRAM = "  ", "sentinel"

VALUES = {
    "only": "A,B", "group": "A,B", "except": "A,B", "port": "N|auto", "timeout": "SECONDS", "lines": "N",
    "since": "10m|TIME", "until": "10m|TIME", "grep": "REGEX", "field": "NAME=VALUE", "cursor": "TOKEN",
    "name": "NAME", "target": "TARGET", "counts": "NAME=N", "to": "FOLDER", "image": "IMAGE",
    "workspace": "FOLDER", "while": "PID", "ttl": "4h", "keep-logs": "7d",
}  # fmt: skip
"""What a flag takes, where that is no word of a fixed list."""

START = "0 it runs and is healthy, or did before; 1 it failed; 2 a key or flag is wrong; 4 its port is held; 5 no tmux"
STATUS = "0 running, starting or completed; 1 unhealthy; 2 a key is wrong; 3 stopped or crashed; 4 its port is held"
STOP = "0 it has ended, or did not run; 1 it would not stop; 2 a flag is wrong"
EXIT_CODES = {
    "start": START, "restart": START, "up": START, "status": STATUS, "workers": STATUS, "stop": STOP, "down": STOP,
    "logs": "0 shown; 2 a flag is wrong, or a cursor leads nowhere; 3 nothing was ever logged",
    "attach": "0 shown, or the command to type was printed; 3 there is no window",
    "wait": "0 as wanted; 1 it failed, or the time is up; 3 it does not run, and nothing starts it",
    "ps": "0, whatever the states are",
    "doctor": "0 all holds; 1 something does not; 2 a key is wrong",
    "scale": START,
    "init": "0 written, or all is there; 1 the answer was no; 2 nobody is there to be asked",
    "gc": "0 nothing of them is left; 1 something would not end; 2 a flag is wrong",
    "run": "that of the command; 126 and 127 as in a shell",
    "url": "0 printed; 3 nobody listens",
    "open": "0 printed or opened; 3 it does not run",
}  # fmt: skip
EXAMPLES = {
    "start": ["", "--port auto --timeout 60", "--on-conflict takeover"],
    "restart": ["", "--no-wait"],
    "up": ["", "--only web,db --timeout 60", "--apply", "--while $PPID"],
    "down": ["", "--only web", "--workspace ../old", "--all --yes"],
    "stop": ["", "--timeout 30"],
    "status": ["", "--json"],
    "logs": ["--lines 200", "--follow", "--since 10m --level warn"],
    "ps": ["", "--watch", "--all --json"],
    "wait": ["--for completed --timeout 120"],
    "run": ["-- env"],
    "env": ["--export"],
    "export": ["systemd", "compose --image app"],
    "doctor": ["", "--fix"],
    "scale": ["web=3", "web=3 worker=2"],
    "init": ["", "--yes"],
    "gc": ["", "--dry", "--keep-logs 1d"],
}


def print_help(program: Program, task: OwnTask, name: str) -> None:
    """Prints what Invoke would, and below it what it does not know; a reader may go before its end."""
    from ..report import put_aside

    with redirect_stdout(StringIO()) as text:
        _print(program, task, name)
    put_aside(text.getvalue(), sys.stdout, end="")


def _print(program: Program, task: OwnTask, name: str) -> None:
    told = program.parser.contexts[name].help_tuples()
    flags = [(_with_value(flag), _with_default(flag, text or "", task.verb)) for flag, text in told]
    options = "[--options]" if flags else ""
    if is_own(program):
        print(f"Usage: {program.binary} {_spoken(task)} {options}".rstrip() + "\n")
    else:
        print(f"Usage: {program.binary} [--core-opts] {name} {f'{options} ' if flags else ''}[other tasks here ...]\n")
    print(f"Docstring:\n{INDENT}{task.__doc__}\n\nOptions:")
    if flags:
        program.print_columns(flags)
    else:
        print(f"{INDENT}none\n")
    for title, lines in (("Exit codes", _codes(task.verb)), ("Examples", _examples(program, task, name))):
        if lines:
            print("\n".join([f"{title}:", *(f"{INDENT}{line}" for line in lines), ""]))


def is_own(program: Program) -> bool:
    """True for the program `sentinel`, which has its own words."""
    return bool(program.name == OWN_PROGRAM)


def _spoken(task: OwnTask) -> str:
    return f"{task.verb} {task.service}".rstrip()


def print_verbs(program: Program) -> None:
    """Prints what `sentinel` can do, for somebody who typed it alone."""
    from .service_tasks import tasks_of
    from .workspace_tasks import workspace_tasks

    of_one = {each.verb: each for each in tasks_of("SERVICE")}
    of_all = {each.name: each for each in workspace_tasks()}
    print(f"Usage: {program.binary} VERB [SERVICE ...] [--options]\n\nOf the whole workspace:")
    program.print_columns([(name, each.__doc__) for name, each in of_all.items()])
    print("Of a service:")
    program.print_columns([(f"{name} SERVICE", each.__doc__) for name, each in of_one.items()])
    print(f"{program.binary} VERB --help tells of a verb; your own tasks are inv --list.")


def _with_value(flag: str) -> str:
    letter, comma, long = flag.rpartition(", ")
    name, _, value = long.partition("=")
    shown = f"{letter.partition(' ')[0]}{comma}{name}"
    return f"{shown}={value_of(name.removeprefix('--'))}" if value else shown


def value_of(flag: str) -> str:
    """What that flag of our tasks takes."""
    from ..engine.wait import GOALS
    from ..logs.levels import LEVELS
    from ..model import Conflict

    words = {"on-conflict": get_args(Conflict), "for": GOALS, "level": LEVELS}.get(flag)
    return "|".join(words) if words else VALUES.get(flag, "TEXT")


def _with_default(flag: str, text: str, verb: str) -> str:
    default = default_of(flag.rpartition(", ")[2].partition("=")[0].removeprefix("--"), verb)
    return f"{text} (default: {default})" if default else text


def default_of(flag: str, verb: str) -> str:
    """What holds without that flag of a task; empty where nothing is to be told."""
    from ..verbs.gc import KEPT

    if flag == "timeout":
        key = "stop_timeout" if verb in ("stop", "down") else "startup_timeout"
        return f"its {key}, {_of_service(key):g}"
    return {
        "port": "its port" if verb in ("start", "restart", "up") else "",
        "on-conflict": f"its on_conflict, {_of_service('on_conflict')}",
        "only": "all",
        "lines": "50, or all that the other flags ask for",
        "for": "healthy",
        "keep-logs": KEPT,
    }.get(flag, "")


def _of_service(key: str) -> object:
    """The default of a key, where the model has it."""
    from msgspec.structs import fields

    from ..model import Service

    return next(field.default for field in fields(Service) if field.name == key)


def _codes(verb: str) -> list[str]:
    told = EXIT_CODES.get(verb, "0 done; 1 it failed; 2 a key or flag is wrong")
    return [*told.split("; "), "130 Ctrl-C"]


def _examples(program: Program, task: OwnTask, name: str) -> list[str]:
    from .typed import program_here, typed_here

    first = " NAME" if "name" in task.positional else ""
    if is_own(program):
        typed = f"{program_here(os.environ).program} {_spoken(task)}{first}"
    else:
        typed = f"{typed_here(os.environ).program} {name}{first}"
    return [f"{typed} {words}".rstrip() for words in EXAMPLES.get(task.verb, [""])]
