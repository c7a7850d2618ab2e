"""A service as `up` would run it: what its configuration says of names is put in, or left to a shell. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from os.path import join, normpath

from msgspec import Struct
from msgspec.structs import replace

from ..errors import ConfigurationError, Problem
from ..model import Health, Service
from ..text.interpolation import names_in
from . import checks
from .references import Later, Names, Word, joined, quoted, resolved
from .words import NAME, in_place, shell


class Settled(Struct, frozen=True):
    """A service whose every text stands for itself, but for what its commands leave to a shell; `names` are those."""

    service: Service
    names: tuple[str, ...]


def settled(service: Service, own: Mapping[str, str], workspace: str) -> Settled:
    """The service as `up` would run it, as far as that can be known here; `own` is what we set for it."""
    env = _environment(service, own)
    known = {**env, **own}
    where = _Where(env, known, _folder(service, known), workspace)
    static = tuple((name, value) for name, value in env.items() if isinstance(value, str))
    found = replace(
        service,
        env=static,
        cwd=where.folder_of(service),
        cwd_template="",
        command=where.command(service.command),
        stop_command=None if service.stop_command is None else where.command(service.stop_command),
        health=_health(service, service.health, where, own.get("PORT")),
        liveness=service.liveness and _health(service, service.liveness, where, own.get("PORT")),
    )
    return Settled(found, tuple(_left(service, env, known)))


class _Where(Struct, frozen=True):
    """In which environment and folder a service's commands are run."""

    env: Names
    known: Names
    folder: Word | None
    workspace: str

    def folder_of(self, service: Service) -> str:
        """Where the engine starts it; a shell goes on from there."""
        if self.folder is None:
            return service.cwd
        return self.workspace if isinstance(self.folder, Later) else _absolute(self.workspace, self.folder)

    def command(self, command: str | tuple[str, ...]) -> str | tuple[str, ...]:
        """The command, as a line of shell if something in it, or around it, is left to one."""
        words: list[Word] = [resolved(word, self.known) for word in command] if not isinstance(command, str) else []
        if self.is_plain and isinstance(command, str):
            return command
        texts = tuple(word for word in words if isinstance(word, str))
        if self.is_plain and len(texts) == len(words):
            return texts
        return self._line(words or [*shell(in_place(str(command)))])

    @property
    def is_plain(self) -> bool:
        """True if neither its folder nor a variable is left to a shell."""
        return not any(isinstance(word, Later) for word in (self.folder, *self.env.values()))

    def _line(self, words: Sequence[Word]) -> str:
        line = " ".join(quoted(word) for word in [*self._assigned(), *words])
        folder = f"cd {quoted(self.folder)} && " if isinstance(self.folder, Later) else ""
        return f"{folder}exec {line}"

    def _assigned(self) -> list[Word]:
        missing = {name: value for name, value in self.env.items() if _is_lost(name, value)}
        options = ["--"] if any(name.startswith("-") for name in missing) else []
        return ["env", *options, *(joined([f"{name}=", value]) for name, value in missing.items())] if missing else []


def _is_lost(name: str, value: Word) -> bool:
    """True for a variable that is not there yet where a shell runs: some drop those whose names are none for them."""
    return isinstance(value, Later) or NAME.fullmatch(name) is None


def _environment(service: Service, own: Mapping[str, str]) -> dict[str, Word]:
    """The variables of `env`, those that others refer to first; one that names itself gets what lies beneath it."""
    from graphlib import CycleError, TopologicalSorter

    written, found = dict(service.env), dict[str, Word]()
    needs = {name: {*names_in(text)} & {*written} - {name} for name, text in written.items()}
    try:
        ordered = [*TopologicalSorter(needs).static_order()]
    except CycleError as cycle:
        key, circle = f"{service.key}.env", " -> ".join(cycle.args[1])
        raise ConfigurationError([Problem(key, "…", f"these refer to each other: {circle}")]) from cycle
    for name in ordered:
        found[name] = resolved(written[name], {**found, **own})
    return {name: found[name] for name in written}


def _folder(service: Service, known: Names) -> Word | None:
    if not service.cwd_template:
        return None
    return resolved(re.sub(r"^~(?=/|$)", "${HOME}", service.cwd_template), known)


def _absolute(workspace: str, folder: str) -> str:
    return normpath(join(workspace, folder))


def _health(service: Service, health: Health, where: _Where, port: str | None) -> Health:
    if health.kind == "command":
        return replace(health, target=where.command(health.target))
    target = resolved(str(health.target), where.known, braced_only=health.kind == "log")
    if isinstance(target, str):
        return replace(health, target=target)
    if health.kind == "http":
        asked = checks.http_at(replace(service, health=health), quoted(_address(target, port)))
        return replace(health, kind="command", target=asked)
    return health


def _address(target: Later, port: str | None) -> Word:
    return joined([f"http://localhost:{port}", target]) if target.inside.startswith("/") else target


def _left(service: Service, env: Names, known: Names) -> Iterator[str]:
    texts = [
        service.cwd_template,
        *_words(service.command),
        *_words(service.stop_command or ()),
        *_words(service.health.target),
        *_words(service.liveness.target if service.liveness else ()),
    ]
    words = [*env.values(), *(resolved(text, known) for text in texts)]
    yield from dict.fromkeys(name for word in words if isinstance(word, Later) for name in word.names)


def _words(command: str | tuple[str, ...]) -> tuple[str, ...]:
    return () if isinstance(command, str) else command
