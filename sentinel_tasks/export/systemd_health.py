"""`ExecStartPost=` that asks until the service is healthy: what comes after it in the order waits for that."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Service
from . import checks
from .plan import Plan
from .rows import Loss, Put
from .systemd_process import put, started
from .systemd_text import exec_line
from .words import shell, through_env


def _poll(plan: Plan, service: Service, check: str | tuple[str, ...]) -> Put:
    """Asks until it is healthy or the process has ended; systemd itself ends the wait."""
    asked = shell(check) if isinstance(check, str) else check
    looked = 'until timeout 2 "$@"; do kill -0 "$MAINPID" || exit 1; sleep 0.2; done'
    words = (*shell(looked), "sh", *started(plan, service, asked))
    return put("Service", "ExecStartPost", exec_line(through_env(words)))


def http(plan: Plan, service: Service) -> Iterator[Put]:
    """A path or a URL is asked."""
    if service.health.kind == "http":
        yield _poll(plan, service, checks.http(service, plan.ports.get(service.name)))


def tcp(plan: Plan, service: Service) -> Iterator[Put]:
    """A port is asked."""
    if service.health.kind == "tcp":
        yield _poll(plan, service, checks.tcp(plan.ports.get(service.name)))


def command(plan: Plan, service: Service) -> Iterator[Put]:
    """A command is run."""
    if service.health.kind == "command":
        yield _poll(plan, service, service.health.target)


def _stays_up() -> Put:
    words = through_env(shell('sleep 1; kill -0 "$MAINPID"'))
    return put("Service", "ExecStartPost", exec_line(words))


def log(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    """Nobody reads the log."""
    if service.health.kind == "log":
        yield _stays_up()
        yield Loss()


def up(plan: Plan, service: Service) -> Iterator[Put]:
    """It must stay up."""
    if service.health.kind == "up":
        yield _stays_up()
