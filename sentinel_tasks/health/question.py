"""What is asked of a service, with what, and at which address. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from ..model import Health

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
PATIENCE = 2.0
"""Seconds one question may take; a server that accepts and never answers is not healthy."""


class Question(Struct, frozen=True):
    """What to ask and with what: the service's port and addresses, its environment, its log since this start."""

    health: Health
    port: int | None
    addresses: tuple[str, ...]
    cwd: str
    environment: Callable[[], Mapping[str, str]]
    log: Callable[[], Iterable[str]]
    patience: float = PATIENCE
    counts_workers: bool = False


def url(health: Health, port: int | None, host: str = "localhost") -> str:
    """The address that is asked: the configured URL, or the path at this host and port."""
    if not is_path(health):
        return str(health.target)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{health.target}"


def is_path(health: Health) -> bool:
    """True if the check asks the service's own port for a path, not some other address."""
    return str(health.target).startswith("/")
