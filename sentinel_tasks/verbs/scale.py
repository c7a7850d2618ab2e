"""The verb `scale`: how many instances of a service there are from now on (contract: Tasks, Scale)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .acting import show_both
from .console import Console

if TYPE_CHECKING:
    from ..errors import Problem
    from ..model import Service, Workspace


def scale_instances(console: Console, counts: str, timeout: str | None, wait: bool) -> int:
    """Remembers how many instances are wanted, ends those that are too many, and starts what is missing."""
    from ..engine.scale import scale as scaled
    from ..engine.start import Options
    from ..errors import ConfigurationError

    workspace, words = console.workspace(), [word for word in counts.split(",") if word] or [counts]
    wanted = {name: number for name, _, number in (word.partition("=") for word in words)}
    if problems := [*_problems(workspace, words)]:
        raise ConfigurationError(problems)
    console.note_scales(_noted(workspace, console.scales, {name: int(number) for name, number in wanted.items()}))
    flags = {} if timeout is None else {"startup_timeout": timeout}
    workspace = console.workspace()
    console.remember(workspace)
    names = [each.name for name in wanted for each in workspace.templates[name]]
    world = console.world(console.workspace(dict.fromkeys(names, flags)) if flags else workspace)
    done = scaled(world, [*wanted], Options(wait=wait, dry=console.dry))
    code = show_both(console, done, ())
    started = {report.service.template for report in done.started or ()}
    for name, number in wanted.items() if done.started is not None else ():
        if name not in started:
            console.result(f"{name}: does not run; {_way_to_start(name, workspace)} starts {number} of it")
    return code


def _way_to_start(name: str, workspace: Workspace) -> str:
    return workspace.typed.task("start", name) or f"{workspace.typed.task('up')} --only {name}"


def _noted(
    workspace: Workspace, before: Mapping[str, tuple[int, int]], wanted: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """What is remembered: how many are wanted, where that is not what is configured."""
    configured = {name: own[0].instances for name, own in workspace.templates.items()}
    kept = {name: each for name, each in before.items() if name not in wanted}
    return kept | {name: (configured[name], number) for name, number in wanted.items() if number != configured[name]}


def _problems(workspace: Workspace, words: Iterable[str]) -> Iterable[Problem]:
    from ..config.problems import Problems
    from ..config.schema import MOST_INSTANCES

    found, templates = Problems(), workspace.templates
    services = {service.common_name: service for service in workspace.services}
    for word in words:
        name, _, number = word.partition("=")
        if not (number.isdecimal() and number.isascii() and 1 <= int(number) <= MOST_INSTANCES):
            found.add("scale", word, f"must be NAME=N, such as web=3, with N from 1 to {MOST_INSTANCES}")
        elif name not in services:
            found.unknown("scale", word, "service", [*templates] or services, name)
        elif why := _why_not(services[name], int(number)):
            found.add("scale", word, why)
    return found.problems


def _why_not(service: Service, number: int) -> str:
    """Why there can't be so many of the service, and what makes it possible; empty if there can."""
    if not service.template:
        return f"there is one of it; with {service.key}.instances: 1 there may be more"
    if service.port is not None and number > 1:
        return f"one port is not enough for {number}; {service.key}.port must be auto"
    return ""
