"""Invoke's configuration → one frozen Workspace, or one error that lists everything wrong (contract: Configuration)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ..decisions.dependencies import order
from ..errors import ConfigurationError, Problem
from ..model import Service, Workspace
from ..names import PORT_VARIABLES, SERVICE, TASKS_OF_A_WORKSPACE, WEB, instance_name, session_name, state_name
from .detect import PROCFILE_HAS_WEB
from .folder import workspace_folder
from .problems import Problems, nearest
from .schema import SENTINEL_TYPES, SERVICE_TYPES
from .service import ServiceReader, checked

Keys = Mapping[str, Any]
Scales = Mapping[str, tuple[int, int]]
"""What `scale` was asked for, by service: how many the configuration named then, and how many are wanted instead."""

BUILT_IN: dict[str, Keys] = {
    "dev": {"title": "Dev Server", "port": 3002, "health": "/", "expect": "<500", "window": "🚀 main", "index": 1},
    "telemetry": {
        "title": "Worker Telemetry API",
        "port": 3000,
        "health": "/api/workers/registry",
        "window": "📡 telemetry",
        "index": 2,
    },
}
FLAGS = {"startup_timeout": "--timeout", "stop_timeout": "--timeout"}


class Sources(Struct, frozen=True):
    """What configures a workspace, by source (contract: Configuration, Sources).

    `declared` (by Python) and `flags` (of the command line) hold keys by service. `config` is Invoke's `sentinel`
    section, not yet checked. `last` is the part of it that comes after the variables: the file given with `-f`.
    The services of `listed` have tasks of their own though only the configuration names them. `scales` is how many
    instances were asked for since.
    """

    declared: Mapping[str, Keys]
    config: object
    environ: Mapping[str, str]
    last: object = None
    flags: Mapping[str, Keys] | None = None
    of_procfile: Mapping[str, str] = {}
    file: str = ""
    listed: frozenset[str] = frozenset()
    scales: Scales = {}


def read(sources: Sources, project: str, state_root: Path, problems: Sequence[Problem] = ()) -> Workspace:
    """The workspace with all its services; ConfigurationError with every problem, also those found before."""
    workspace, found = read_all(sources, project, state_root, problems)
    if found:
        raise ConfigurationError(found)
    return workspace


def read_all(
    sources: Sources, project: str, state_root: Path, problems: Sequence[Problem] = ()
) -> tuple[Workspace, list[Problem]]:
    """The workspace with the services that are configured well, and every problem, also those found before."""
    problems_found, config = Problems(problems), sources.config
    if not isinstance(config, Mapping):
        problems_found.add("sentinel", config, "must be a mapping of keys to values")
        config = {}
    folder = workspace_folder(project, sources.environ)
    sources = replace(sources, environ=_heeded(sources))
    general = _general(config, sources.environ, problems_found)
    services = _services(sources, _sections(config, sources.declared, problems_found), folder, problems_found)
    state_folder, found = str(state_root / state_name(folder)), problems_found.problems
    ordered = tuple(services if found else order(services))
    return Workspace(
        path=folder,
        session=session_name(folder),
        state_folder=state_folder,
        services=ordered,
        is_whole=not found,
        **general,
    ), found


class _Reading(Struct, frozen=True):
    """Where services are read from, and where to."""

    sources: Sources
    sections: Mapping[str, Keys]
    folder: str
    problems_found: Problems
    ports: dict[str, str]

    def service(self, name: str, of_flags: str) -> Service | None:
        """The service of that section with the flags that were given for `of_flags`; notes what gave its port."""
        sources, section = self.sources, self.sections[name]
        files = {**dict.fromkeys(sources.declared.get(name, {}), "tasks.py"), **dict.fromkeys(section, sources.file)}
        flags = (sources.flags or {}).get(of_flags, {})
        raw = _raw(name, section, sources, self.folder, flags)
        reader = ServiceReader(name, raw, self.folder, self.problems_found, files)
        found = reader.service(name in sources.declared, self.sections)
        if found is None:
            return None
        self.ports[of_flags] = reader.source("port")
        has_tasks, notes = found.has_tasks or name in sources.listed, _passed_over(name, sources.environ)
        found = replace(found, has_tasks=has_tasks, by_flag=tuple(flags), notes=notes)
        return found if of_flags != name or self._may_be_several(found, reader) else None

    def _may_be_several(self, found: Service, reader: ServiceReader) -> bool:
        if not found.instances:
            return True
        from .instances import count_of

        return reader.may_be_several(found, count_of(found, self.sources.scales))

    def instances(self, service: Service) -> Iterator[Service]:
        """The service itself, or all of its instances; one of them may have flags of its own."""
        from .instances import count_of, with_number

        if not service.instances:
            yield service
            return
        for number in range(1, count_of(service, self.sources.scales) + 1):
            name = instance_name(service.name, number)
            self.ports[name] = self.ports[service.name]
            own = self.service(service.name, name) if name in (self.sources.flags or {}) else service
            yield from [] if own is None else [with_number(own, number)]


def _services(sources: Sources, sections: Mapping[str, Keys], folder: str, problems_found: Problems) -> list[Service]:
    reading = _Reading(sources, sections, folder, problems_found, {})
    found = [service for name in sections if (service := reading.service(name, name)) is not None]
    services = _each_once(found, sources.of_procfile)
    _check_completions(services, problems_found)
    _check_cycles(services, problems_found)
    _check_followers(services, problems_found)
    services = _each_instance(services, reading)
    _check_ports(services, reading.ports, problems_found)
    return services


def _each_instance(services: list[Service], reading: _Reading) -> list[Service]:
    if not any(service.instances for service in services):
        return services
    from .instances import check_names, with_instances_needed

    check_names(services, reading.sections, reading.problems_found)
    return with_instances_needed(each for service in services for each in reading.instances(service))


def _each_once(services: list[Service], of_procfile: Mapping[str, str]) -> list[Service]:
    """Without the Procfile's `web` where that is what `dev` runs, and with what is to be known of its processes."""
    runs_web = any(service.name == "dev" and service.why == PROCFILE_HAS_WEB for service in services)
    kept = [each for each in services if not (runs_web and each.name == WEB and WEB in of_procfile)]
    notes = {each.name: of_procfile.get(each.name, "") for each in kept}
    return [replace(each, notes=(*each.notes, notes[each.name])) if notes[each.name] else each for each in kept]


def _heeded(sources: Sources) -> dict[str, str]:
    """The variables, without those of keys that a later source sets."""
    overruled = {*_overruled(sources.last)} if isinstance(sources.last, Mapping) else set()
    return {name: text for name, text in sources.environ.items() if name not in overruled}


def _overruled(section: Keys, variable: str = "INVOKE_SENTINEL") -> Iterator[str]:
    """Every variable for what this section sets: as Invoke names it, as a shell can set it, or of PORT_VARIABLES."""
    for key, value in section.items():
        inner = f"{variable}_{key}".upper()
        yield from (inner, inner.replace("-", "_"))
        yield from (other for name, other in PORT_VARIABLES.items() if inner == _variable(name, "port"))
        if isinstance(value, Mapping):
            yield from _overruled(value, inner)


def _variable(name: str, key: str) -> str:
    """The variable of a service's key, as Invoke names it."""
    return f"INVOKE_SENTINEL_SERVICES_{name}_{key}".upper()


def unread_variables(environ: Mapping[str, str], services: Iterable[str]) -> list[tuple[str, str]]:
    """The `INVOKE_SENTINEL_…` variables that nothing reads, each with the one that may have been meant, or ""."""
    named = [_variable(service, key) for service in services for key in SERVICE_TYPES]
    keys = [*named, *(name.replace("-", "_") for name in named)]
    read = [*(f"INVOKE_SENTINEL_{key}".upper() for key in SENTINEL_TYPES), *keys]
    ours = [name for name in environ if name.startswith("INVOKE_SENTINEL_")]
    unread = [name for name in ours if name not in read and not name.startswith(tuple(f"{each}_" for each in keys))]
    by_end = {_end(name): name for name in read}
    return [(name, by_end.get(nearest(_end(name), list(by_end)), "")) for name in sorted(unread)]


def _end(variable: str) -> str:
    """The part of a variable's name that differs from the other variables of our section."""
    return variable.removeprefix("INVOKE_SENTINEL_").removeprefix("SERVICES_")


def _general(config: Keys, environ: Mapping[str, str], problems_found: Problems) -> dict[str, Any]:
    values = {key: value for key, value in config.items() if key != "services"}
    for key in SENTINEL_TYPES:
        if text := environ.get(f"INVOKE_SENTINEL_{key.upper()}"):
            values[key] = text
    known = {*SENTINEL_TYPES, "services"}
    for key in [key for key in values if key not in known]:
        problems_found.unknown(f"sentinel.{key}", values.pop(key), "key", known)
    found = {
        key: checked(key, f"sentinel.{key}", value, SENTINEL_TYPES[key], problems_found)
        for key, value in values.items()
    }
    return {key: value for key, value in found.items() if value is not msgspec.UNSET}


def _sections(config: Keys, declared: Mapping[str, Keys], problems_found: Problems) -> dict[str, Keys]:
    """Each service's section of the configuration, declared services first; empty if there is none."""
    given = config.get("services")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        problems_found.add("sentinel.services", given, "must be a mapping of names to services")
        given = {}
    sections: dict[str, Keys] = {}
    for name in [*declared, *(str(name) for name in given if name not in declared)]:
        keys = given.get(name)
        if not re.match(SERVICE, name):
            problems_found.add(f"sentinel.services.{name}", name, "a service's name is a-z, then a-z, 0-9 and -")
        elif name in TASKS_OF_A_WORKSPACE:
            problems_found.add(
                f"sentinel.services.{name}", name, "a service can't be called like a task of the workspace"
            )
        elif keys is not None and not isinstance(keys, Mapping):
            problems_found.add(f"sentinel.services.{name}", keys, "must be a mapping of keys to values")
        else:
            sections[name] = keys or {}
    return sections


def _raw(name: str, section: Keys, sources: Sources, folder: str, flags: Keys) -> dict[str, tuple[str, Any]]:
    """Every key's value, with the name under which a person gave it; later sources win."""
    at, environ, own = f"sentinel.services.{name}", sources.environ, {**sources.declared.get(name, {}), **section}
    raw = {key: (f"{at}.{key}", value) for key, value in {**BUILT_IN.get(name, {}), **own}.items()}
    for key in SERVICE_TYPES if _is_named_in(environ, name) else ():
        if found := _from_environment(name, key, environ):
            raw[key] = found
        elif key in raw and isinstance(raw[key][1], Mapping):
            raw[key] = (raw[key][0], _with_variables(name, key, raw[key][1], environ))
    raw.update(_port_from_its_variable(name, environ, folder))
    own_health = "health" in own or _from_environment(name, "health", environ)
    if not own_health and raw.get("port", ("", 0))[1] in (None, "null"):
        raw.pop("health", None)  # the default check is of the default port
    raw.update({key: (FLAGS.get(key, f"--{key.replace('_', '-')}"), value) for key, value in flags.items()})
    return raw


def _is_named_in(environ: Mapping[str, str], name: str) -> bool:
    """True if any key of the service may be set there: hundreds of services have dozens of keys to ask for."""
    beginning = _variable(name, "")
    return any(variable.startswith((beginning, beginning.replace("-", "_"))) for variable in environ)


def _from_environment(name: str, key: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable of that key, as Invoke names it or as a shell can set it, and its value."""
    variable = _variable(name, key)
    spellings = (variable, variable.replace("-", "_"))
    return next(((each, environ[each]) for each in spellings if environ.get(each)), None)


def _with_variables(name: str, key: str, values: Keys, environ: Mapping[str, str]) -> Keys:
    """The values of a mapping, each replaced by that of its own variable if there is one."""
    found = {inner: _from_environment(name, f"{key}_{inner}", environ) for inner in values}
    return {inner: given[1] if (given := found[inner]) else value for inner, value in values.items()}


def _port_from_its_variable(name: str, environ: Mapping[str, str], folder: str) -> dict[str, tuple[str, Any]]:
    """The port from PORT_VARIABLES, unless the variable is what a service of another workspace was given."""
    variable = PORT_VARIABLES.get(name, "")
    text = environ.get(variable)
    own = environ.get("SENTINEL_WORKSPACE", folder) == folder
    overruled = _variable(name, "port") in environ
    is_address = "://" in (text or "")
    return {"port": (variable, text)} if text and own and not overruled and not is_address else {}


def _passed_over(name: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """That a variable of the guide's holds an address, as some platforms set it for a service of that name."""
    variable = PORT_VARIABLES.get(name, "")
    return (f"{variable} is no port but an address; it is passed over",) if "://" in environ.get(variable, "") else ()


def _check_ports(services: list[Service], given_as: Mapping[str, str], problems_found: Problems) -> None:
    """No two services have one port; the problem names the flag or variable that asked for it, if one did."""
    by_port: dict[int, str] = {}
    for service in sorted(services, key=lambda each: not given_as[each.name].startswith("sentinel.")):
        if service.port is not None and (other := by_port.setdefault(service.port, service.name)) != service.name:
            problems_found.add(given_as[service.name], service.port, f"the service {other} has the same port")


def _check_completions(services: list[Service], problems_found: Problems) -> None:
    one_shots = {service.name for service in services if service.is_one_shot}
    known = {service.name for service in services}
    for service in services:
        for needed, condition in service.depends_on:
            if condition == "completed" and needed in known - one_shots:
                at = f"sentinel.services.{service.name}.depends_on.{needed}"
                problems_found.add(at, condition, f"{needed} never completes: its health is not exit")


def _check_cycles(services: list[Service], problems_found: Problems) -> None:
    try:
        order(services)
    except ValueError as cycle:
        problems_found.add("sentinel.services", str(cycle), "these services wait for each other in a circle")


def _check_followers(services: list[Service], problems_found: Problems) -> None:
    """No service restarts with itself, by however many others."""
    if not any(service.restart_with for service in services):
        return
    try:
        order(replace(each, depends_on=tuple((name, "started") for name in each.restart_with)) for each in services)
    except ValueError as cycle:
        first = str(cycle).partition(" ")[0]
        reason = "these services restart with each other in a circle"
        problems_found.add(f"sentinel.services.{first}.restart_with", str(cycle), reason)
