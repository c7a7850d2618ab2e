"""Rows, and what rows ask, that several targets share."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from ..model import Service
from .plan import Plan
from .rows import Loss, Put, Row, Saying
from .secrets import IN_A_COMMAND

MASKED = Row(
    "a secret in a command",
    "`***` in its place",
    lost=IN_A_COMMAND,
)
"""Told when the secrets are taken out, before a target sees the service."""

WINDOW = Row("groups, on_conflict, window, index", "nothing: they are of `up` and of its windows")
METRICS = Row("--metrics", "nothing: a flag of compose and kubernetes")


def _leaves_what_is_detached(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if service.detached == "leave":
        yield Loss()


DETACHED = Row("detached", "`end`: all that it started ends with it", _leaves_what_is_detached, "all of it ends")
DETACHED_ELSEWHERE = Row("detached", "`leave`: what has left its process group goes on")
HERE = Row("a path of this machine", "as it is: it is the same machine")
CALLER = Row("the caller's environment", "that of whoever starts the engine; none of its values is written")
SYSTEM_FOLDERS = ("/bin/", "/usr/bin/", "/usr/local/bin/", "/sbin/", "/usr/sbin/")


def is_one_shot(service: Service) -> bool:
    """True for what is done once it exits 0."""
    return service.health.kind == "exit"


def lost_if(kind: str) -> Saying:
    """A row that is lost for every service with this kind of health check."""

    def say(plan: Plan, service: Service) -> Iterator[Put | Loss]:
        if service.health.kind == kind:
            yield Loss()

    return say


def lost_if_given(*keys: str) -> Saying:
    """A row that is lost for every service that has one of these keys."""

    def say(plan: Plan, service: Service) -> Iterator[Put | Loss]:
        if any(getattr(service, key) for key in keys):
            yield Loss()

    return say


HOOKS = Row("hooks", "nothing", lost_if_given("hooks"), "nobody runs a command when it is ready, crashes or stops")
WATCH = Row(
    "watch, restart_with",
    "nothing",
    lost_if_given("watch", "restart_with"),
    "nobody watches files there, and nothing restarts with another service",
)


def lost_dependency(condition: str) -> Saying:
    """A row that is lost for every dependency of this condition."""

    def say(plan: Plan, service: Service) -> Iterator[Put | Loss]:
        for needed in plan.needed(service, condition):
            yield Loss(needed.name)

    return say


def unread_files(plan: Plan, service: Service) -> Iterator[Loss]:
    """A loss for each file of variables that another reader may read in another way."""
    for path in service.env_files:
        if path not in plan.options.plain_files:
            yield Loss(plan.relative(path) if plan.hosts else path)


def machine_paths(plan: Plan, service: Service) -> Iterator[Loss]:
    """A loss for what names a path that an image does not have."""
    program = _program(service)
    if program.startswith("/") and not program.startswith(SYSTEM_FOLDERS):
        yield Loss("command")
    texts = {"command": service.command, **{f"env {name}": value for name, value in service.env}}
    for key, text in texts.items():
        if plan.workspace.path in (text if isinstance(text, str) else " ".join(text)):
            yield Loss(key)
    if not plan.is_inside(service.cwd):
        yield Loss("cwd")


def names_loopback(service: Service) -> bool:
    """True if the command says where to listen, and nobody outside of a container reaches it there."""
    text = service.command if isinstance(service.command, str) else " ".join(service.command)
    return any(address in text for address in ("127.0.0.1", "localhost", "::1"))


def _program(service: Service) -> str:
    if not isinstance(service.command, str):
        return service.command[0]
    try:
        return next(iter(shlex.split(service.command)), "")
    except ValueError:
        return ""


def has_other_log_limits(service: Service) -> bool:
    """True if the configuration says how much of the log is kept."""
    defaults: dict[str, Any] = dict(
        zip(Service.__struct_fields__[::-1], Service.__struct_defaults__[::-1], strict=False)
    )
    return any(getattr(service, key) != defaults[key] for key in ("log_max_bytes", "log_backups"))


def seconds(number: float) -> str:
    """A duration that systemd, compose and Go read alike."""
    whole = round(number * 1000)
    return f"{whole // 1000}s" if whole % 1000 == 0 else f"{whole}ms"


def size(count: int, suffixes: tuple[str, str, str]) -> str:
    """So many bytes as a whole number of the largest unit possible; `suffixes` are those of the target for K, M, G."""
    found = [(1024**power, suffix) for power, suffix in enumerate(suffixes, 1) if count % 1024**power == 0]
    unit, suffix = found[-1] if found else (1, "")
    return f"{count // unit}{suffix}"


def whole_seconds(number: float) -> int:
    """The seconds for an engine that knows no fractions, never fewer."""
    return max(1, -int(-number // 1))
