"""The verbs that wait for services, or use their environment: wait, run, env, url."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .acting import Names, are_instances, open_running_world, open_world, show_outcome
from .console import Console

if TYPE_CHECKING:
    from ..engine.wait import Goal
    from ..world import World

NOT_FOUND, NOT_RUNNABLE = 127, 126
LONGEST_WAIT = 86_400.0


def wait_for(console: Console, names: Names, goal: str, timeout: str | None, together: bool = False) -> int:
    """Waits until the services are as wanted, and shows what became of each; starts nothing."""
    from ..engine.ready import tell_ready
    from ..engine.wait import wait
    from ..errors import Interrupted

    world, wanted = open_running_world(console, names, {})
    wanted_state, seconds = _goal(goal), _seconds(timeout)
    try:
        reports = wait(world, wanted, wanted_state, seconds)
    except KeyboardInterrupt as reason:
        raise Interrupted("interrupted; what was waited for goes on", "{ps}") from reason
    together = together or are_instances(wanted, names)
    for report in reports:
        if report.state == "running" and not console.dry:
            tell_ready(world, report.seen)
    return show_outcome(console, reports, goal, None if together else wanted[0])


def _goal(text: str) -> Goal:
    from ..engine.wait import GOALS
    from ..errors import ConfigurationError, Problem

    for goal in GOALS:
        if goal == text:
            return goal
    raise ConfigurationError([Problem("--for", text, f"must be one of {', '.join(GOALS)}")])


def _seconds(text: str | None) -> float | None:
    from ..errors import ConfigurationError, Problem

    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WAIT:
        raise ConfigurationError([Problem("--timeout", text, f"must be seconds, from 0 to {LONGEST_WAIT:g}")])
    return seconds


def words_after_dashes(argv: list[str]) -> list[str]:
    """The words after `--` as they were typed: Invoke joins them, and their quoting is gone then."""
    return argv[argv.index("--") + 1 :] if "--" in argv else []


def run_beside(console: Console, name: str) -> int:
    """Runs the words after `--` in the service's folder and environment, in this terminal; its exit code."""
    from ..config.environment import check_limits
    from ..engine.surroundings import surroundings_of
    from ..errors import ConfigurationError, Problem, SentinelError
    from ..names import RUN_VARIABLE
    from ..report.phrases import command
    from . import foreground

    world, (first, *_) = open_world(console, [name], {})
    words = words_after_dashes(sys.argv)
    if not words:
        reason = f"must be the command to run, after two dashes: {_typed_run(name, world)} -- COMMAND"
        raise ConfigurationError([Problem("run", "", reason)])
    check_limits(world, [world.workspace.service(first)])
    found = surroundings_of(world, first)
    if console.dry:
        console.result(f"would run {shlex.join(words)} in {found.service.cwd}")
        return 0
    environ = {**found.environment, RUN_VARIABLE: "1"}
    program = _program(words[0], found.service.cwd, environ)
    if program is None:
        raise SentinelError(
            f"{words[0]}: command not found on the PATH of {name}",
            command(found.service, "env", world.workspace.typed),
            NOT_FOUND,
        )
    sys.stdout.flush()
    try:
        ended = foreground.run([program, *words[1:]], environ, found.service)
    except OSError as reason:
        raise SentinelError(f"{words[0]}: {reason.strerror}", "", NOT_RUNNABLE) from reason
    if ended.why is not None:
        raise SentinelError(f"{words[0]} was ended: {ended.why}", command(found.service, "why", world.workspace.typed))
    return ended.code if ended.code >= 0 else 128 - ended.code


def _typed_run(name: str, world: World) -> str:
    typed = world.workspace.typed
    return typed.task("run", name) or f"{typed.task('run')} {name}"


def _program(word: str, folder: str, environment: Mapping[str, str]) -> str | None:
    """Where the service itself would find the program."""
    import os
    import shutil

    if "/" in word:
        return shutil.which(os.path.join(folder, word))
    return shutil.which(word, path=environment.get("PATH", os.defpath))


def show_environment(console: Console, name: str | None, export: bool, dotenv: bool, reveal: bool) -> int:
    """The service's environment, or without a name the workspace's ports and addresses; secrets masked."""
    from ..engine.surroundings import addresses, surroundings_of
    from ..text.masking import MASK, is_secret, masked_text

    world, wanted = open_world(console, None if name is None else [name], {})
    found = addresses(world) if name is None else surroundings_of(world, wanted[0]).environment
    shown = {key: value if reveal else MASK if is_secret(key) else masked_text(value) for key, value in found.items()}
    show_variables(console, shown, export, dotenv)
    return 0


def show_variables(console: Console, variables: Mapping[str, str], export: bool, dotenv: bool) -> None:
    """Shows them by name, or as what a shell or a `.env` file takes."""
    console.document(variables)
    for key, value in sorted(variables.items()):
        console.result(_line(key, value, export, dotenv))


def show_environment_names(console: Console, name: str) -> int:
    """The names of the variables that the workspace gives the service beside those of whoever starts it; no values."""
    from ..engine.surroundings import names_given_to

    world, wanted = open_running_world(console, [name], {})
    names = sorted({each for one in wanted for each in names_given_to(world, one)})
    console.document({"service": name, "names": names})
    console.result("\n".join(names))
    return 0


def _line(key: str, value: str, export: bool, dotenv: bool) -> str:
    if export:
        return f"export {key}={shlex.quote(value)}"
    if dotenv:
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"{key}='{escaped}'"
    return f"{key}={value}"


def show_url(console: Console, name: str) -> int:
    """Where the service answers, as an address of the web only if HTTP was answered there; exit 3 if nobody listens."""
    from ..engine.status import status
    from ..errors import NothingThere
    from ..report import url_of
    from ..report.phrases import to_an_answer

    world, (name, *_) = open_running_world(console, [name], {})
    (report,) = status(world, [name])
    if not report.seen.holders or report.seen.port is None or report.state == "conflict":
        raise NothingThere(f"{name} is {report.state} and answers nowhere", to_an_answer(report))
    url, address = url_of(report), f"{report.seen.host}:{report.seen.port}"
    console.document({"service": name, "url": url, "address": address})
    console.result(url or address)
    return 0
