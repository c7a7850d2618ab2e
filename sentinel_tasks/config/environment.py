"""What a service's process sees, and its configuration with the names in it replaced by that.

Contract: Configuration, Environment of a service.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import ConfigurationError, Problem
from ..model import Health, Pane, Service
from ..names import PORT_VARIABLES, RUN_VARIABLE, port_variable
from ..tmux.lookup import Session, known_ports
from ..world import World

if TYPE_CHECKING:
    from ..text.interpolation import Unset

OF_THE_CALLERS_WINDOW = ("TMUX", "TMUX_PANE", "STY", "ZELLIJ")
OF_THE_CALLERS_TERMINAL = ("COLUMNS", "LINES", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "_")
OF_ANOTHER_SERVICE = (
    "WORKER_ID", "SENTINEL_WORKER_COMMAND", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", RUN_VARIABLE,
)  # fmt: skip
OF_AN_INSTANCE = "SENTINEL_INSTANCE"
UNKNOWN_PORT = 1

Names = Mapping[str, str]
Command = str | tuple[str, ...]


def service_environment(
    service: Service, world: World, session: str, port: int | None, ports: Mapping[str, int]
) -> dict[str, str]:
    """The whole environment of the service's process; ConfigurationError if a file or a name in it can't be had."""
    own = _own(service, world, session, port, ports)
    beneath = _of_the_caller(world.environ)
    beneath |= _of_files(service, {**beneath, **own})
    return {**beneath, **_of_the_configuration(service, beneath, own), **own}


def names_given(service: Service, world: World, session: str, port: int | None, ports: Mapping[str, int]) -> set[str]:
    """The variables that the workspace gives the service beside those of its caller; ConfigurationError likewise."""
    own = _own(service, world, session, port, ports)
    return {*own, *_of_files(service, {**_of_the_caller(world.environ), **own}), *dict(service.env)}


def _own(service: Service, world: World, session: str, port: int | None, ports: Mapping[str, int]) -> dict[str, str]:
    own = {
        "SENTINEL_WORKSPACE": world.workspace.path,
        "SENTINEL_SESSION": session,
        "SENTINEL_SERVICE": service.name,
        **{port_variable(name): str(number) for name, number in world.workspace.by_every_name(ports).items()},
    }
    if service.instance:
        own[OF_AN_INSTANCE] = str(service.instance)
    if port is not None:
        own["PORT"] = str(port)
        if variable := PORT_VARIABLES.get(service.name):
            own[variable] = str(port)
    if service.worker_command is not None:
        own["SENTINEL_WORKER_COMMAND"] = _as_json(service.worker_command)
    return own


def _of_the_caller(environ: Names) -> dict[str, str]:
    called_by_a_service = "SENTINEL_SERVICE" in environ
    dropped = {*OF_THE_CALLERS_WINDOW, *OF_THE_CALLERS_TERMINAL, *OF_ANOTHER_SERVICE, OF_AN_INSTANCE}
    dropped |= {"PORT"} if called_by_a_service else set()
    return {
        name: value for name, value in environ.items() if name not in dropped and not name.startswith("SENTINEL_PORT_")
    }


def _of_files(service: Service, names: Names) -> dict[str, str]:
    if not service.env_files:
        return {}
    from ..system.env_file import read_env_file

    found: dict[str, str] = {}
    problems: list[Problem] = []
    for path in service.env_files:
        try:
            found |= read_env_file(path, {**names, **found})
        except (OSError, ValueError) as reason:
            why = os.strerror(reason.errno) if isinstance(reason, OSError) and reason.errno else str(reason)
            problems.append(Problem(f"{service.key}.env_file", path, why))
    if problems:
        raise ConfigurationError(problems)
    return found


def _of_the_configuration(service: Service, beneath: Names, own: Names) -> dict[str, str]:
    """The variables of `env`: each may refer to the others, and to itself for what lies beneath it."""
    if not service.env:
        return {}
    from ..text.interpolation import Unset, expand

    written, found = dict(service.env), dict[str, str]()
    problems: list[Problem] = []
    for name in _in_order(service, written):
        itself = {name: beneath[name]} if name in beneath else {}
        names = {**beneath, **found, **own, **itself}
        try:
            found[name] = expand(written[name], names)
        except Unset as unset:
            problems.append(_unset(f"{service.key}.env.{name}", unset))
    if problems:
        raise ConfigurationError(problems)
    return found


def _in_order(service: Service, written: Names) -> list[str]:
    """The names, those that others refer to first; ConfigurationError if two refer to each other."""
    if len(written) < 2:
        return [*written]
    from graphlib import CycleError, TopologicalSorter

    from ..text.interpolation import names_in
    from .problems import HIDDEN

    needs = {
        name: [each for each in names_in(text) if each in written and each != name] for name, text in written.items()
    }
    try:
        return [*TopologicalSorter(needs).static_order()]
    except CycleError as cycle:
        circle = " -> ".join(cycle.args[1])
        key = f"{service.key}.env.{cycle.args[1][0]}"
        raise ConfigurationError([Problem(key, HIDDEN, f"these refer to each other: {circle}")]) from cycle


def _unset(key: str, unset: Unset) -> Problem:
    from .problems import HIDDEN

    name = unset.name
    return Problem(key, HIDDEN, f"{name} is not set; write ${{{name}:-default}} for a default, $$ for a dollar")


# Names in the rest of the configuration


def interpolated(service: Service, workspace: str, environment: Names) -> Service:
    """The service with the names in its folder, its command's words and its health check replaced by what it sees.

    A command that is a string is left to its shell. ConfigurationError with every name that is not set.
    """
    if not _has_names(service):
        return service
    from ..text.interpolation import Unset, expand

    problems: list[Problem] = []

    def replaced(key: str, text: str, braced_only: bool = False) -> str:
        try:
            return expand(text, environment, braced_only)
        except Unset as unset:
            problems.append(_unset(f"{service.key}.{key}", unset))
            return text

    def words(key: str, command: Command) -> Command:
        return command if isinstance(command, str) else tuple(replaced(key, word) for word in command)

    folder = os.path.expanduser(replaced("cwd", service.cwd_template)) if service.cwd_template else service.cwd
    command = words("command", service.command)
    target = service.health.target
    if not isinstance(target, str):
        target = tuple(replaced("health", word) for word in target)
    elif service.health.kind != "command":
        target = replaced("health", target, braced_only=service.health.kind == "log")
    stop = words("stop_command", service.stop_command) if service.stop_command else None
    change = (service.on_change[0], words("on_change", service.on_change[1])) if service.on_change else None
    hooks = tuple((hook, words(f"hooks.{hook}", each)) for hook, each in service.hooks)
    alive = service.liveness
    if alive is not None and not isinstance(alive.target, str):
        alive = replace(alive, target=tuple(replaced("liveness", word) for word in alive.target))
    elif alive is not None and alive.kind != "command":
        alive = replace(alive, target=replaced("liveness", str(alive.target), braced_only=alive.kind == "log"))
    if problems:
        raise ConfigurationError(problems)
    cwd = os.path.normpath(os.path.join(workspace, folder))
    health = replace(service.health, target=target)
    service = replace(service, hooks=hooks, stop_command=stop, liveness=alive, on_change=change)
    return replace(service, cwd=cwd, cwd_template="", command=command, health=health)


def _has_names(service: Service) -> bool:
    texts = (service.cwd_template, *_words(service.command), *_words(service.health.target), _text(service.health))
    texts = (*texts, *_words(service.stop_command or ()), *(word for _, each in service.hooks for word in _words(each)))
    texts = (*texts, *_words(service.on_change[1] if service.on_change else ()))
    if service.liveness is not None:
        texts = (*texts, *_words(service.liveness.target), _text(service.liveness))
    return any("$" in text for text in texts)


def _words(command: str | tuple[str, ...]) -> tuple[str, ...]:
    return () if isinstance(command, str) else command


def _text(health: Health) -> str:
    return health.target if isinstance(health.target, str) and health.kind != "command" else ""


# Before anything is started, and where nothing may fail


def check_environments(world: World, services: Sequence[Service]) -> None:
    """ConfigurationError with all that keeps the services from their environment; before anything is started."""
    problems: list[Problem] = []
    for service in services:
        try:
            with_its_environment(service, world)
        except ConfigurationError as reason:
            problems += reason.problems
    if problems := [*problems, *_too_many_files(world, services)]:
        raise ConfigurationError([*dict.fromkeys(problems)])


def check_limits(world: World, services: Iterable[Service]) -> None:
    """ConfigurationError if one of them is to have more than this shell may give it."""
    if problems := [*_too_many_files(world, services)]:
        raise ConfigurationError([*dict.fromkeys(problems)])


def _too_many_files(world: World, services: Iterable[Service]) -> Iterator[Problem]:
    for service in services:
        most = world.most_open_files(service.nofile_limit) if service.nofile_limit else None
        if most is not None:
            key, why = f"{service.key}.limits.nofile", "the hard limit of this shell (ulimit -Hn)"
            yield Problem(key, service.nofile_limit, f"must be at most {most}, {why}")


def with_its_environment(service: Service, world: World) -> tuple[Service, dict[str, str]]:
    """The service as it would run, and what it would see; ConfigurationError if something of that can't be had.

    Ports that are still to be chosen have some number here: what counts is which names are set.
    """
    services = world.workspace.services
    ports = {each.name: each.port or UNKNOWN_PORT for each in services if each.port or each.auto_port}
    environment = service_environment(service, world, world.workspace.session, ports.get(service.name), ports)
    return interpolated(service, world.workspace.path, environment), environment


def visible_environment(
    service: Service, world: World, session: str, port: int | None, ports: Mapping[str, int]
) -> dict[str, str]:
    """The environment to ask a health check with: the service's, or what can be had of it."""
    for less in (service, replace(service, env_files=()), replace(service, env_files=(), env=())):
        with suppress(ConfigurationError):
            return service_environment(less, world, session, port, ports)
    return dict(world.environ)


def as_it_would_run(service: Service, world: World, session: Session, panes: Sequence[Pane]) -> Service:
    """The service with the names in it replaced by what it would see; unchanged where one of them is not set."""
    if not _has_names(service):
        return service
    ports = known_ports(world.workspace, session, panes)
    environment = visible_environment(service, world, session.name, ports.get(service.name), ports)
    with suppress(ConfigurationError):
        return interpolated(service, world.workspace.path, environment)
    return service


def _as_json(command: str | tuple[str, ...]) -> str:
    import json

    return json.dumps(command if isinstance(command, str) else list(command))
