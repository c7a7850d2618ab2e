"""Invoke's configuration → one frozen Workspace, or one complaint about everything that is wrong (SPEC §2)."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from .errors import ConfigurationError, Problem
from .model import Condition, Health, Service, Workspace
from .names import SERVICE, session_name, state_name
from .plan import order
from .projects import dev_command
from .schema import ALLOWED, SENTINEL_TYPES, SERVICE_TYPES, HealthKeys, converted

Keys = Mapping[str, Any]

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
PORT_VARIABLES = {"telemetry": "WORKER_API_PORT", "dev": "DEV_SERVER_PORT"}
HIDDEN = "…"
"""Shown in place of variables' values, which may be secrets."""
EXPECTATION = re.compile(r"[1-5]\d\d|[1-5][xX]{2}|<[1-6]\d\d", re.ASCII)


class Complaints:
    """Collects what is wrong, so that a person hears of all of it at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, key: str, value: object, reason: str) -> None:
        self.problems.append(Problem(key, value, reason))

    def unknown(self, key: str, value: object, kind: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(key.rpartition(".")[2], names, n=1)
        meant = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
        self.add(key, value, f"unknown {kind}; {meant}")

    def raise_if_any(self) -> None:
        if self.problems:
            raise ConfigurationError(self.problems)


def workspace_folder(project: str, environ: Mapping[str, str]) -> str:
    """The workspace's absolute real path: `WORKSPACE_FOLDER`, else the project's folder (SPEC §1)."""
    chosen = environ.get("WORKSPACE_FOLDER")
    folder = os.path.realpath(chosen or project)
    if not os.path.isdir(folder):
        raise ConfigurationError([Problem("WORKSPACE_FOLDER", chosen or project, "there is no such folder")])
    return folder


def read(
    config: object,
    declared: Mapping[str, Keys],
    project: str,
    state_root: Path,
    environ: Mapping[str, str],
    flags: Mapping[str, Keys] | None = None,
) -> Workspace:
    """The workspace with all its services; ConfigurationError with every problem in it.

    `declared` is what Python code said of each service, `config` Invoke's `sentinel` section, `flags` what the command
    line says of a service, by key.
    """
    if not isinstance(config, Mapping):
        raise ConfigurationError([Problem("sentinel", config, "must be a mapping of keys to values")])
    complaints = Complaints()
    folder = workspace_folder(project, environ)
    general = _general(config, environ, complaints)
    sections = _sections(config, declared, complaints)
    services = []
    for name, keys in sections.items():
        raw = _raw(name, keys, declared.get(name, {}), environ, folder, (flags or {}).get(name, {}))
        if (service := _Reading(name, raw, folder, complaints).service(name in declared, sections)) is not None:
            services.append(service)
    _check_together(services, complaints)
    complaints.raise_if_any()
    return Workspace(
        path=folder,
        session=session_name(folder),
        state_folder=str(state_root / state_name(folder)),
        services=tuple(order(services)),
        socket_name=general.get("socket_name"),
        history_limit=general.get("history_limit", 10_000),
    )


def _general(config: Keys, environ: Mapping[str, str], complaints: Complaints) -> dict[str, Any]:
    values = {key: value for key, value in config.items() if key != "services"}
    for key in SENTINEL_TYPES:
        if key not in values and (text := environ.get(f"INVOKE_SENTINEL_{key.upper()}")):
            values[key] = text
    known = {*SENTINEL_TYPES, "services"}
    for key in [key for key in values if key not in known]:
        complaints.unknown(f"sentinel.{key}", values.pop(key), "key", known)
    checked = {
        key: _checked(key, f"sentinel.{key}", value, SENTINEL_TYPES[key], complaints) for key, value in values.items()
    }
    socket = checked.get("socket_name")
    if isinstance(socket, str) and (not socket or "/" in socket):
        complaints.add("sentinel.socket_name", socket, f"must be {ALLOWED['socket_name']}, without a slash")
    return {key: value for key, value in checked.items() if value is not msgspec.UNSET}


def _checked(key: str, source: str, value: object, wanted: Any, complaints: Complaints) -> Any:
    try:
        return converted(value, wanted)
    except msgspec.ValidationError:
        complaints.add(source, HIDDEN if key == "env" else value, f"must be {ALLOWED[key]}")
        return msgspec.UNSET


def _sections(config: Keys, declared: Mapping[str, Keys], complaints: Complaints) -> dict[str, Keys]:
    """Each service's section of the configuration, declared ones first, empty where it says nothing."""
    given = config.get("services")
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        complaints.add("sentinel.services", given, "must be a mapping of names to services")
        given = {}
    sections: dict[str, Keys] = {}
    for name in [*declared, *(str(name) for name in given if name not in declared)]:
        keys = given.get(name)
        if not SERVICE.match(name):
            complaints.add(f"sentinel.services.{name}", name, "a service's name is a-z, then a-z, 0-9 and -")
        elif keys is not None and not isinstance(keys, Mapping):
            complaints.add(f"sentinel.services.{name}", keys, "must be a mapping of keys to values")
        else:
            sections[name] = keys or {}
    return sections


def _raw(
    name: str, section: Keys, declared: Keys, environ: Mapping[str, str], folder: str, flags: Keys
) -> dict[str, tuple[str, Any]]:
    """Every key's value with the name under which a person gave it; later sources win."""
    at = f"sentinel.services.{name}"
    raw = {key: (f"{at}.{key}", value) for key, value in {**BUILT_IN.get(name, {}), **declared, **section}.items()}
    for key in SERVICE_TYPES:
        if key not in section and (found := _from_environment(name, key, environ)):
            raw[key] = found
    raw.update(_guide_port(name, environ, folder))
    raw.update({key: (FLAGS.get(key, f"--{key.replace('_', '-')}"), value) for key, value in flags.items()})
    return raw


def _from_environment(name: str, key: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that Invoke would read, or its spelling that a shell can set, and what it says."""
    variable = f"INVOKE_SENTINEL_SERVICES_{name}_{key}".upper()
    spellings = (variable, variable.replace("-", "_"))
    return next(((each, environ[each]) for each in spellings if environ.get(each)), None)


def _guide_port(name: str, environ: Mapping[str, str], folder: str) -> dict[str, tuple[str, Any]]:
    """The guide's own variable, unless it is what a service of another workspace was given."""
    variable = PORT_VARIABLES.get(name, "")
    text = environ.get(variable)
    own = environ.get("SENTINEL_WORKSPACE", folder) == folder
    overruled = f"INVOKE_SENTINEL_SERVICES_{name}_PORT".upper() in environ
    return {"port": (variable, text)} if text and own and not overruled else {}


class _Reading:
    """One service's keys on their way to a Service."""

    def __init__(self, name: str, raw: dict[str, tuple[str, Any]], folder: str, complaints: Complaints) -> None:
        self.name, self.folder, self.complaints = name, folder, complaints
        self.before = len(complaints.problems)
        self.sources = {key: source for key, (source, _) in raw.items()}
        self.given = {key: value for key, (_, value) in raw.items()}
        self.values: dict[str, Any] = {}
        for key, (source, value) in raw.items():
            self._take(key, source, value)

    def _take(self, key: str, source: str, value: object) -> None:
        if key not in SERVICE_TYPES:
            self.complaints.unknown(source, value, "key", SERVICE_TYPES)
            return
        found = _checked(key, source, value, SERVICE_TYPES[key], self.complaints)
        if found is not msgspec.UNSET:
            self.values[key] = found

    def wrong(self, key: str, reason: str) -> None:
        self.complaints.add(self._source(key), self.given.get(key), reason)

    def _source(self, key: str) -> str:
        return self.sources.get(key, f"sentinel.services.{self.name}.{key}")

    def service(self, has_tasks: bool, known: Iterable[str]) -> Service | None:
        """The service, or None if anything about it is wrong."""
        port = self.values.get("port")
        command, why = self._command()
        health = self._health(port)
        values = self.values
        found = Service(
            name=self.name,
            title=values.get("title", self.name),
            command=command,
            why=why,
            cwd=os.path.normpath(os.path.join(self.folder, os.path.expanduser(values.get("cwd", ".")))),
            port=port if isinstance(port, int) else None,
            auto_port=port == "auto",
            health=health,
            env=tuple(self._environment()),
            env_files=tuple(self._env_files()),
            depends_on=self._depends_on(known),
            log_max_bytes=max(1, int(values.get("log_max_mb", 50) * 1_000_000)),
            window=values.get("window", self.name),
            worker_command=_words(None if values.get("worker_command") == "null" else values.get("worker_command")),
            verb="activate" if self.name == "telemetry" else "start",
            has_tasks=has_tasks,
            **{key: values[key] for key in PASSED_THROUGH if key in values},
        )
        return found if len(self.complaints.problems) == self.before else None

    def _command(self) -> tuple[str | tuple[str, ...], str]:
        command = _words(self.values.get("command"))
        if command:
            return command, "configured"
        if self.name == "telemetry":
            safe = ("-P",) if sys.version_info >= (3, 11) else ()
            return (sys.executable, *safe, "-m", "sentinel_tasks.api"), "the embedded Worker Telemetry API"
        if self.name == "dev":
            return dev_command(Path(self.folder))
        if "command" not in self.sources:
            self.wrong("command", "a service needs a command")
        return "", ""

    def _health(self, port: int | str | None) -> Health:
        given = self.values.get("health", "tcp" if port else None)
        expect = self._expect(self.values.get("expect", "2xx"), self._source("expect"))
        if isinstance(given, HealthKeys):
            return self._health_of_keys(given, port, expect)
        if given in (None, "null"):
            return Health("up")
        if given == "exit":
            return Health("exit")
        if given == "tcp":
            return self._needs_port(Health("tcp"), port)
        return self._health_of_address(given, port, expect)

    def _health_of_address(self, given: str, port: int | str | None, expect: tuple[str, ...]) -> Health:
        health = Health("http", given, expect)
        if given.startswith("/"):
            return self._needs_port(health, port)
        if not _is_url(given):
            self.wrong("health", f"must be {ALLOWED['health']}")
        return health

    def _needs_port(self, health: Health, port: int | str | None) -> Health:
        misread = "port" in self.sources and "port" not in self.values
        if port is None and not misread:
            self.wrong("health", "needs a port; this service has none")
        return health

    def _health_of_keys(self, keys: HealthKeys, port: int | str | None, expect: tuple[str, ...]) -> Health:
        given = {
            name: value for name in ("path", "command", "log") if (value := getattr(keys, name)) is not msgspec.UNSET
        }
        if len(given) != 1:
            self.wrong("health", "must have exactly one of path, command and log")
            return Health("up")
        if "command" in given:
            return Health("command", _words(given["command"]) or "")
        if "log" in given:
            return self._health_of_log(str(given["log"]))
        if keys.expect is not msgspec.UNSET:
            expect = self._expect(keys.expect, f"{self._source('health')}.expect")
        return self._health_of_address(str(given["path"]), port, expect)

    def _health_of_log(self, pattern: str) -> Health:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as reason:
            self.wrong("health", f"{pattern!r} is not a regular expression: {reason}")
        return Health("log", pattern)

    def _expect(self, given: object, source: str) -> tuple[str, ...]:
        expected = tuple(str(each) for each in (given if isinstance(given, list) else [given]))
        if not expected or not all(EXPECTATION.fullmatch(each) for each in expected):
            self.complaints.add(source, given, f"must be {ALLOWED['expect']}")
        return expected

    def _environment(self) -> Iterator[tuple[str, str]]:
        for name, value in self.values.get("env", {}).items():
            text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            if not name or "=" in name or "\0" in name + text:
                self.complaints.add(f"sentinel.services.{self.name}.env.{name}", HIDDEN, "not a name for a variable")
            else:
                yield name, text

    def _env_files(self) -> list[str]:
        given = self.values.get("env_file", [])
        names = [given] if isinstance(given, str) else given
        return [os.path.join(self.folder, os.path.expanduser(name)) for name in names if name]

    def _depends_on(self, known: Iterable[str]) -> tuple[tuple[str, Condition], ...]:
        given = self.values.get("depends_on", [])
        if isinstance(given, str):
            given = [name.strip() for name in given.split(",") if name.strip()]
        needed = dict(given if isinstance(given, dict) else dict.fromkeys(given, "healthy"))
        for name in needed:
            if name not in known:
                self.complaints.unknown(f"sentinel.services.{self.name}.depends_on.{name}", name, "service", known)
        return tuple(needed.items())


PASSED_THROUGH = ("startup_timeout", "stop_timeout", "on_conflict", "restart", "log_backups", "index")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _words(given: Any) -> str | tuple[str, ...] | None:
    return tuple(given) if isinstance(given, list) else given if isinstance(given, str) else None


def _check_together(services: list[Service], complaints: Complaints) -> None:
    by_port: dict[int, str] = {}
    for service in services:
        at = f"sentinel.services.{service.name}"
        if service.port is not None and (other := by_port.setdefault(service.port, service.name)) != service.name:
            complaints.add(f"{at}.port", service.port, f"the service {other} has the same port")
    _check_cycles(services, complaints)


def _check_cycles(services: list[Service], complaints: Complaints) -> None:
    try:
        order(services)
    except ValueError as cycle:
        complaints.add("sentinel.services", str(cycle), "these services wait for each other in a circle")
