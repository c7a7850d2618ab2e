"""The vocabulary of an export: the facts of a service, and how a target says each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .instances import Copies
from .lost import Lost

if TYPE_CHECKING:
    from ..model import Service
    from .plan import Plan

FACTS = (
    "title",
    "command",
    "a secret in a command",
    "a path of this machine",
    "cwd",
    "env",
    "env_file",
    "a secret variable",
    "the caller's environment",
    "port",
    "ports and addresses of the others",
    "health: a path or URL",
    "health: tcp",
    "health: command",
    "health: log",
    "health: notify",
    "health: exit",
    "health: null",
    "liveness",
    "limits: memory",
    "limits: nofile",
    "startup_timeout",
    "depends_on: healthy",
    "depends_on: started",
    "depends_on: completed",
    "restart",
    "stop_signal",
    "stop_timeout",
    "stop_command",
    "success_codes",
    "hooks",
    "detached",
    "watch, restart_with",
    "log_max_mb, log_backups",
    "worker_command",
    "instances",
    "autostart",
    "groups, on_conflict, window, index",
    "--metrics",
)
"""All that is known of a service, in the order in which it is told; every target has one row for each."""


class Put(Struct, frozen=True):
    """One setting of the target: the place where it stands, from the outside in, and its value."""

    at: tuple[str, ...]
    value: object


class Loss(Struct, frozen=True):
    """What the row's fact loses for this service, if not what the row says; `about` names the part that is meant."""

    about: str = ""
    why: str = ""


Saying = Callable[["Plan", "Service"], Iterable[Put | Loss]]


def nothing(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    """Says nothing: the fact is said with another one, or means nothing there."""
    yield from ()


class Row(Struct, frozen=True):
    """How a target says one fact: in words for the reader of the table, and in settings for its file.

    `lost` is what is told wherever `say` yields a Loss; empty where nothing of the fact can get lost.
    """

    fact: str
    becomes: str
    say: Saying = nothing
    lost: str = ""


class Part(Struct, frozen=True):
    """A file as a target writes it, without its header: the services that it is of, and what a reader must know."""

    path: str
    text: str
    services: tuple[str, ...]
    notes: tuple[str, ...] = ()


Settings = Mapping[str, tuple[Put, ...]]
"""The settings of each service, in the order of the rows."""


class Target(Struct, frozen=True):
    """An engine that runs services: its rows, and the writer that lays their settings out in files.

    Where services are hosts (`hosts`), each is reached by its name and lives in a container. `copies` says which
    services of several instances it is given once.
    """

    name: str
    rows: tuple[Row, ...]
    write: Callable[[Plan, Settings], Iterable[Part]]
    hosts: bool = False
    copies: Copies = "none"


def said(rows: Iterable[Row], plan: Plan, service: Service) -> tuple[tuple[Put, ...], tuple[Lost, ...]]:
    """What the rows say of the service, and what gets lost of it."""
    puts: list[Put] = []
    losses: list[Lost] = []
    for row in rows:
        for each in row.say(plan, service):
            if isinstance(each, Put):
                puts.append(each)
            else:
                fact = f"{row.fact} ({each.about})" if each.about else row.fact
                losses.append(Lost(service.name, fact, each.why or row.lost))
    return tuple(puts), tuple(losses)


def nested(puts: Iterable[Put]) -> dict[str, Any]:
    """The settings, each at its place."""
    found: dict[str, Any] = {}
    for put in puts:
        inner = found
        for key in put.at[:-1]:
            inner = inner.setdefault(key, {})
        inner[put.at[-1]] = put.value
    return found
