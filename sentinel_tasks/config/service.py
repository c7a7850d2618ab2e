"""One service's keys, whatever their source, → one Service with every default filled in."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from ..model import HEALTH_KINDS, Condition, Health, HealthKind, Hook, Service
from .detect import PROCFILE_HAS_WEB, dev_command
from .problems import HIDDEN, Problems, listed, nearest
from .schema import (
    ALLOWED,
    HEALTH_KEYS,
    HEALTH_WORDS,
    INNER_TYPES,
    LIVENESS_KEYS,
    ON_CHANGE_TYPES,
    SERVICE_TYPES,
    HealthKeys,
    LimitsKeys,
    LivenessKeys,
    OnChangeKeys,
    WatchKeys,
    converted,
)

EXPECTATION = r"[1-5][0-9][0-9]|[1-5][xX]{2}|<[1-6][0-9][0-9]"
PASSED_THROUGH = (
    "startup_timeout",
    "stop_timeout",
    "stop_signal",
    "on_conflict",
    "restart",
    "detached",
    "log_backups",
    "index",
    "autostart",
    "instances",
)
ASKED = ("timeout", "interval", "retries")
LEAST_MEMORY = 1024**2
LIVENESS = Health("up", timeout=5.0, interval=10.0, retries=3)
"""How a liveness check is asked where nothing else is said."""


def checked(key: str, source: str, value: object, wanted: Any, problems_found: Problems) -> Any:
    """The value as the key's type wants it; UNSET, with a problem of `source`, if it can't be converted."""
    try:
        found = converted(value, wanted)
        if any(isinstance(text, str) and "\0" in text for text in (found if isinstance(found, list) else [found])):
            raise msgspec.ValidationError
        return found
    except msgspec.ValidationError:
        problems_found.add(source, HIDDEN if key == "env" else value, f"must be {ALLOWED[key]}")
        return msgspec.UNSET


class ServiceReader:
    """Reads one service's keys; what is wrong with them is added to the problems."""

    def __init__(
        self,
        name: str,
        raw: dict[str, tuple[str, Any]],
        folder: str,
        problems_found: Problems,
        files: Mapping[str, str] = {},
    ) -> None:
        self.name, self.folder, self.problems_found, self.files = name, folder, problems_found, files
        self.before = len(problems_found.problems)
        self.sources = {key: source for key, (source, _) in raw.items()}
        self.given = {key: value for key, (_, value) in raw.items()}
        self.values: dict[str, Any] = {}
        for key, (source, value) in raw.items():
            self._take(key, source, value)

    def _take(self, key: str, source: str, value: object) -> None:
        if key not in SERVICE_TYPES:
            self.problems_found.unknown(source, value, "key", SERVICE_TYPES, file=self.files.get(key, ""))
            return
        inner = INNER_TYPES.get(key)
        if inner and isinstance(value, Mapping) and not self._are_keys_of(key, inner, source, value):
            return
        if key == "env" and isinstance(value, Mapping):
            value = {name: text for name, text in value.items() if self._is_one_value(f"{source}.{name}", text)}
        found = checked(key, source, value, SERVICE_TYPES[key], self.problems_found)
        if found is not msgspec.UNSET:
            self.values[key] = found

    def _are_keys_of(self, key: str, types: Mapping[str, Any], source: str, given: Mapping[str, object]) -> bool:
        """True if each key of the mapping is known and its value allowed, whatever the others are."""
        before = len(self.problems_found.problems)
        for inner, value in given.items():
            at = f"{source}.{inner}"
            if inner in types:
                checked(inner, at, value, types[inner], self.problems_found)
            else:
                self.problems_found.unknown(at, value, "key", types, file=self.files.get(key, ""))
        return len(self.problems_found.problems) == before

    def _is_one_value(self, source: str, value: object) -> bool:
        """True for what a variable can hold; YAML makes a date of `2024-01-01`."""
        if value is None or isinstance(value, str | int | float):
            return True
        self.problems_found.add(
            source, HIDDEN, f"must be a text, a number, true or false; {type(value).__name__} is none"
        )
        return False

    def wrong(self, key: str, reason: str) -> None:
        """Adds a problem of the key's value, under the name by which a person gave it."""
        self.problems_found.add(self.source(key), self.given.get(key), reason)

    def source(self, key: str) -> str:
        """The name under which a person gave the key's value: a flag, a variable, or where it is configured."""
        return self.sources.get(key, f"sentinel.services.{self.name}.{key}")

    def service(self, has_tasks: bool, known: Iterable[str]) -> Service | None:
        """The service, or None if anything about it is wrong."""
        port = self.values.get("port")
        command, why = self._command(() if has_tasks else known)
        health = self._health(port)
        values = self.values
        folder = values.get("cwd", ".")
        found = Service(
            name=self.name,
            title=values.get("title", self.name),
            command=command,
            why=why,
            cwd=os.path.normpath(os.path.join(self.folder, os.path.expanduser(folder))),
            cwd_template=folder if "$" in folder else "",
            port=port if isinstance(port, int) else None,
            auto_port=port == "auto",
            health=health,
            env=tuple(self._environment()),
            env_files=tuple(self._env_files(why)),
            depends_on=self._depends_on(known),
            groups=tuple(_names(self.values.get("groups", []))),
            window=values.get("window", self.name),
            worker_command=_words(None if values.get("worker_command") == "null" else values.get("worker_command")),
            stop_command=_words(self.values.get("stop_command")),
            hooks=tuple(self._hooks()),
            liveness=self._liveness(port),
            on_change=self._on_change(),
            restart_with=self._restart_with(known),
            counts_workers=self.name == "telemetry",
            has_tasks=has_tasks,
            **self._others(),
        )
        if found.is_one_shot and (found.liveness or found.watchdog):
            self.wrong("liveness", "is for what goes on running: with health exit it is done once it exits 0")
        if found.is_one_shot and "ready" in dict(found.hooks):
            self.wrong("hooks", "ready is for what goes on running: with health exit it is done once it exits 0")
        if found.is_one_shot and found.restart == "always":
            self.wrong("restart", "must be never or on-failure: with health exit it is done once it exits 0")
        return found if len(self.problems_found.problems) == self.before else None

    def may_be_several(self, found: Service, count: int) -> bool:
        """True if there may be so many instances of the service; else why not is a problem."""
        if found.instances and found.counts_workers:
            self.wrong("instances", "is for other services: one Worker Telemetry API is for the whole workspace")
        elif count > 1 and found.port is not None:
            self.wrong("port", f"must be auto where there are {count} instances: each needs a port of its own")
        return len(self.problems_found.problems) == self.before

    def _others(self) -> dict[str, Any]:
        """The keys that need no more reading and were given; for the rest the defaults of `Service` hold."""
        found = {key: self.values[key] for key in PASSED_THROUGH if key in self.values}
        if "log_max_mb" in self.values:
            found["log_max_bytes"] = max(1, int(self.values["log_max_mb"] * 1_000_000))
        keys = self.values.get("liveness")
        grace = keys.grace if isinstance(keys, LivenessKeys) else msgspec.UNSET
        found["liveness_grace"] = None if grace is msgspec.UNSET else grace
        watchdog = keys.watchdog if isinstance(keys, LivenessKeys) else msgspec.UNSET
        found["watchdog"] = None if watchdog is msgspec.UNSET else watchdog
        limits = self.values.get("limits")
        if isinstance(limits, LimitsKeys):
            found["memory_limit"] = self._size(limits.memory)
            found["nofile_limit"] = None if limits.nofile is msgspec.UNSET else limits.nofile
        if "success_codes" in self.values:
            found["success_codes"] = tuple(self.values["success_codes"])
        return {**found, **self._watch()}

    def _watch(self) -> dict[str, Any]:
        """What is watched, as far as anything was said of it."""
        given = self.values.get("watch")
        if not given:
            return {}
        found: dict[str, Any] = {}
        keys = given if isinstance(given, WatchKeys) else WatchKeys(paths=given)
        for key, value in (("paths", keys.paths), ("ignore", keys.ignore)):
            if value is not msgspec.UNSET:
                patterns = (value,) if isinstance(value, str) else tuple(value)
                found["watch" if key == "paths" else "watch_ignore"] = self._inside(key, patterns)
        asked = {"watch_debounce": keys.debounce, "watch_git_ignored": keys.git_ignored}
        return found | {key: value for key, value in asked.items() if value is not msgspec.UNSET}

    def _inside(self, key: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
        """The patterns; a problem with each that can't be of a file in the workspace."""
        for pattern in patterns:
            if not pattern.strip() or pattern[0] in "/~" or ".." in pattern.split("/"):
                at = (
                    f"{self.source('watch')}.{key}"
                    if isinstance(self.given.get("watch"), Mapping)
                    else self.source("watch")
                )
                self.problems_found.add(at, pattern, "must be a pattern of files in the workspace, such as src/**/*.py")
        return patterns

    def _on_change(self) -> tuple[str, str | tuple[str, ...]] | None:
        keys = self.values.get("on_change")
        if "on_change" in self.values and not self.values.get("watch"):
            self.wrong("on_change", "is for a service with watch")
        if not isinstance(keys, OnChangeKeys):
            return None
        given = [(key, value) for key in ON_CHANGE_TYPES if (value := getattr(keys, key)) is not msgspec.UNSET]
        if len(given) != 1:
            self.wrong("on_change", f"must have exactly one of {listed([*ON_CHANGE_TYPES], 'and')}")
            return None
        return given[0][0], _words(given[0][1]) or ""

    def _restart_with(self, known: Iterable[str]) -> tuple[str, ...]:
        names = _names(self.values.get("restart_with", []))
        for name in names:
            if name not in known:
                at = f"sentinel.services.{self.name}.restart_with"
                self.problems_found.unknown(at, name, "service", known, name)
        return tuple(names)

    def _size(self, given: str | int | msgspec.UnsetType | None) -> int | None:
        """A size in bytes; a number alone is bytes, as little of which as one would type is surely meant otherwise."""
        if given is None or given is msgspec.UNSET:
            return None
        found = in_bytes(str(given))
        if found < LEAST_MEMORY:
            self.problems_found.add(f"{self.source('limits')}.memory", given, f"must be {ALLOWED['memory']}")
        return found

    def _command(self, resembling: Iterable[str]) -> tuple[str | tuple[str, ...], str]:
        """What it runs, and why; without a command its name may be a mistyped one of `resembling`."""
        command = _words(self.values.get("command"))
        if command:
            return command, "configured"
        if self.name == "telemetry":
            safe = ("-P",) if sys.version_info >= (3, 11) else ()
            return (sys.executable, *safe, "-m", "sentinel_tasks.api"), "the embedded Worker Telemetry API"
        if self.name == "dev":
            return dev_command(Path(self.folder))
        if "command" not in self.sources:
            meant = nearest(self.name, [name for name in resembling if name != self.name])
            hint = f"; did you mean the service {meant}?" if meant else ""
            self.wrong("command", f"a service needs a command{hint}")
        return "", ""

    def _health(self, port: int | str | None) -> Health:
        given: Any = self.values.get("health", "tcp" if port else None)
        expect = self._expect(self.values.get("expect", Health("http").expect), self.source("expect"))
        if isinstance(given, HealthKeys):
            return self._health_of_keys(given, port, expect)
        kind = HEALTH_WORDS.get("null" if given is None else given)
        if kind is None:
            return self._health_of_address(given, port, expect)
        return self._needs_port(Health(kind), port) if HEALTH_KINDS[kind].needs_port else Health(kind)

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
        given = [
            (kind, value) for key, kind in HEALTH_KEYS.items() if (value := getattr(keys, key)) is not msgspec.UNSET
        ]
        if len(given) != 1:
            self.wrong("health", f"must have exactly one of {listed([*HEALTH_KEYS], 'and')}")
            return Health("up")
        kind, value = given[0]
        if keys.expect is not msgspec.UNSET:
            expect = self._expect(keys.expect, f"{self.source('health')}.expect")
            if kind != "http":
                self.problems_found.add(f"{self.source('health')}.expect", keys.expect, "is for a path alone")
        health = self._health_of_kind(kind, value, port, expect)
        return replace(health, **{key: found for key in ASKED if (found := getattr(keys, key)) is not msgspec.UNSET})

    def _health_of_kind(self, kind: HealthKind, value: Any, port: int | str | None, expect: tuple[str, ...]) -> Health:
        if kind == "log":
            return self._health_of_log(value)
        if kind == "tcp":
            return self._health_of_port(value, port)
        return self._health_of_address(value, port, expect) if kind == "http" else Health(kind, _words(value) or "")

    def _health_of_port(self, given: int | bool | None, port: int | str | None) -> Health:
        if given is False:
            self.problems_found.add(f"{self.source('health')}.tcp", given, f"must be {ALLOWED['tcp']}")
        own = given is None or isinstance(given, bool)
        return self._needs_port(Health("tcp"), port) if own else Health("tcp", str(given))

    def _health_of_log(self, pattern: str) -> Health:
        self._check_pattern("health", pattern)
        return Health("log", pattern)

    def _check_pattern(self, key: str, pattern: str) -> None:
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as reason:
            self.wrong(key, f"{pattern!r} is not a regular expression: {reason}")

    def _liveness(self, port: int | str | None) -> Health | None:
        keys = self.values.get("liveness")
        if not isinstance(keys, LivenessKeys):
            return None
        keys_of_one = (*LIVENESS_KEYS, "watchdog")
        given = [(key, value) for key in keys_of_one if (value := getattr(keys, key)) is not msgspec.UNSET]
        if len(given) != 1:
            self.wrong("liveness", f"must have exactly one of {listed([*keys_of_one], 'and')}")
            return None
        key, value = given[0]
        if key == "watchdog":
            return None
        if value is True or (key == "path" and value.startswith("/")):
            self._needs_own_port(port)
        elif key == "path" and not _is_url(value):
            self.problems_found.add(f"{self.source('liveness')}.path", value, f"must be {ALLOWED['path']}")
        elif key == "log":
            self._check_pattern("liveness", value)
        target = "" if value is True else str(value) if isinstance(value, int) else _words(value) or ""
        expect = self._expect(self.values.get("expect", Health("http").expect), self.source("expect"))
        asked = {each: found for each in ASKED if (found := getattr(keys, each)) is not msgspec.UNSET}
        return replace(LIVENESS, kind=LIVENESS_KEYS[key], target=target, expect=expect, **asked)

    def _hooks(self) -> Iterator[tuple[Hook, str | tuple[str, ...]]]:
        for hook in get_args(Hook):
            if command := _words(getattr(self.values.get("hooks"), hook, None)):
                yield hook, command

    def _needs_own_port(self, port: int | str | None) -> None:
        if port is None and not ("port" in self.sources and "port" not in self.values):
            self.wrong("liveness", "needs a port; this service has none")

    def _expect(self, given: object, source: str) -> tuple[str, ...]:
        expected = tuple(str(each) for each in (given if isinstance(given, list | tuple) else [given]))
        if not expected or not all(re.fullmatch(EXPECTATION, each) for each in expected):
            self.problems_found.add(source, given, f"must be {ALLOWED['expect']}")
        return expected

    def _environment(self) -> Iterator[tuple[str, str]]:
        for name, value in self.values.get("env", {}).items():
            text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            if not name or "=" in name or "\0" in name + text:
                self.problems_found.add(
                    f"sentinel.services.{self.name}.env.{name}", HIDDEN, "not a name for a variable"
                )
            else:
                yield name, text

    def _env_files(self, why: str) -> list[str]:
        beside = os.path.join(self.folder, ".env")
        by_procfile = why == PROCFILE_HAS_WEB and os.path.isfile(beside)
        given = self.values.get("env_file", [beside] if by_procfile else [])
        names = [given] if isinstance(given, str) else given
        return [os.path.join(self.folder, os.path.expanduser(name)) for name in names if name]

    def _depends_on(self, known: Iterable[str]) -> tuple[tuple[str, Condition], ...]:
        given = self.values.get("depends_on", [])
        needed = dict(given if isinstance(given, dict) else dict.fromkeys(_names(given), "healthy"))
        for name in needed:
            if name not in known:
                self.problems_found.unknown(f"sentinel.services.{self.name}.depends_on.{name}", name, "service", known)
        return tuple(needed.items())


def in_bytes(size: str) -> int:
    """The bytes of a size that the schema allows, such as `512M`, `1.5 GiB` or a plain number."""
    number, unit = re.match(r"([0-9.]+) *([kmgt]?)", size.lower()).groups()  # type: ignore[union-attr]
    return int(float(number) * 1024 ** (" kmgt".index(unit) if unit else 0))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _names(given: str | list[str]) -> list[str]:
    """A list of names, or names with commas between them."""
    return [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given


def _words(given: Any) -> str | tuple[str, ...] | None:
    return tuple(given) if isinstance(given, list) else given if isinstance(given, str) else None
