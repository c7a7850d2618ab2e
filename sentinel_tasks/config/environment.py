"""What a service's process sees: the caller's variables, then the files', then its own, then ours.

Contract: Configuration.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from ..errors import ConfigurationError, Problem
from ..model import Service
from ..names import port_variable
from ..system.state_folder import read_env_file
from ..world import World
from .load import PORT_VARIABLES

OF_THE_CALLERS_TERMINAL = ("TMUX", "TMUX_PANE", "COLUMNS", "LINES", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "_")
OF_ANOTHER_SERVICE = ("WORKER_ID", "SENTINEL_WORKER_COMMAND")


def service_environment(
    service: Service, world: World, session: str, port: int | None, ports: Mapping[str, int]
) -> dict[str, str]:
    """The whole environment of the service's process; ConfigurationError if one of its files can't be read."""
    environment = _configured(service, world)
    environment |= {
        "SENTINEL_WORKSPACE": world.workspace.path,
        "SENTINEL_SESSION": session,
        "SENTINEL_SERVICE": service.name,
        **{port_variable(name): str(number) for name, number in ports.items()},
    }
    if port is not None:
        environment["PORT"] = str(port)
        if variable := PORT_VARIABLES.get(service.name):
            environment[variable] = str(port)
    if service.worker_command is not None:
        environment["SENTINEL_WORKER_COMMAND"] = _as_json(service.worker_command)
    return environment


def _configured(service: Service, world: World) -> dict[str, str]:
    called_by_a_service = "SENTINEL_SERVICE" in world.environ
    dropped = {*OF_THE_CALLERS_TERMINAL, *OF_ANOTHER_SERVICE, *(["PORT"] if called_by_a_service else [])}
    environment = {
        name: value
        for name, value in world.environ.items()
        if name not in dropped and not name.startswith("SENTINEL_PORT_")
    }
    if service.env_files:
        check_environments([service])
        environment |= read_env_file(*service.env_files)
    return environment | dict(service.env)


def check_environments(services: Iterable[Service]) -> None:
    """ConfigurationError with every file of variables that can't be read; before anything is started."""
    files = [(service, path) for service in services for path in service.env_files]
    problems = [problem for service, path in files if (problem := _problem(service, path))]
    if problems:
        raise ConfigurationError(problems)


def _problem(service: Service, path: str) -> Problem | None:
    try:
        read_env_file(path)
    except (OSError, ValueError) as reason:
        why = os.strerror(reason.errno) if isinstance(reason, OSError) and reason.errno else str(reason)
        return Problem(f"sentinel.services.{service.name}.env_file", path, why)
    return None


def visible_environment(
    service: Service, world: World, session: str, port: int | None, ports: Mapping[str, int]
) -> dict[str, str]:
    """The environment to ask a health check with: the service's, without files that can't be read."""
    try:
        return service_environment(service, world, session, port, ports)
    except ConfigurationError:
        return service_environment(replace(service, env_files=()), world, session, port, ports)


def _as_json(command: str | tuple[str, ...]) -> str:
    import json

    return json.dumps(command if isinstance(command, str) else list(command))
