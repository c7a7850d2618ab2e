"""What is asked of a service, with what, and at which address. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from ..model import Health

LOOPBACK = r"127(\.[0-9]{1,3}){3}"


class Question(Struct, frozen=True):
    """What to ask and with what: the service's port and addresses, its environment, its log since this start.

    It is broken off after `patience` seconds; a command also once `is_over` says that nobody waits any more.
    """

    health: Health
    port: int | None
    addresses: tuple[str, ...]
    cwd: str
    environment: Callable[[], Mapping[str, str]]
    log: Callable[[], Iterable[str]]
    patience: float
    is_over: Callable[[], bool] = lambda: False
    counts_workers: bool = False


def is_loopback(host: str | None) -> bool:
    """True for a name or an address of this machine alone: all of 127.0.0.0/8 is."""
    return host in ("localhost", "::1") or (host is not None and re.fullmatch(LOOPBACK, host) is not None)


def url(health: Health, port: int | None, host: str = "localhost") -> str:
    """The address that is asked: the configured URL, or the path at this host and port."""
    if not is_path(health):
        return str(health.target)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{health.target}"


def is_path(health: Health) -> bool:
    """True if the check asks the service's own port for a path, not some other address."""
    return str(health.target).startswith("/")


def unanswered(question: Question, seconds: float) -> str:
    """What is to be told while an answer has been awaited for so long."""
    if question.health.kind != "http":
        return f"the health {question.health.kind} has been asked for {seconds:.0f} s"
    from ..text.masking import masked_text

    host = next(iter(question.addresses), "localhost")
    return f"no answer from {masked_text(url(question.health, question.port, host))} for {seconds:.0f} s"
