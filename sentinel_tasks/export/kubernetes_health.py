"""The probes that ask after a container as `up` asks after its service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from ..model import Health, Service
from . import checks
from .common import whole_seconds
from .kubernetes_objects import literals
from .plan import Plan
from .rows import Loss, Put
from .words import shell

Check = str | tuple[str, ...]
LOG_LOST = "nobody reads the log once it runs"
WATCHDOG_LOST = "nobody listens to what it tells"


def _probes(service: Service, asked: dict[str, Any]) -> Iterator[Put]:
    seconds = whole_seconds(service.startup_timeout)
    starting = {**asked, "periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": seconds}
    yield Put(("container", "startupProbe"), starting)
    yield Put(("container", "readinessProbe"), {**starting, "periodSeconds": 5, "failureThreshold": 1})


def _exec(check: Check) -> dict[str, Any]:
    return {"exec": {"command": literals(shell(check) if isinstance(check, str) else check)}}


def http(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    """A path or a URL is asked."""
    if service.health.kind != "http":
        return
    port = plan.ports.get(service.name)
    if not _is_for_the_kubelet(service):
        yield from _probes(service, _exec(checks.http(service, port)))
        return
    yield from _probes(service, {"httpGet": {"path": checks.path(service.health), "port": port}})
    if "3xx" not in _expected(service):
        yield Loss()


def _is_for_the_kubelet(service: Service) -> bool:
    """True if `httpGet`, which takes 2xx and 3xx and can send no token, asks what `up` would."""
    expected = _expected(service)
    return (
        checks.is_path(service.health)
        and not service.counts_workers
        and "2xx" in expected
        and expected <= {"2xx", "3xx"}
    )


def _expected(service: Service) -> set[str]:
    return {each.lower() for each in service.health.expect}


def liveness(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    """What no longer answers is started again."""
    check = service.liveness
    if service.watchdog is not None:
        yield Loss("watchdog", WATCHDOG_LOST)
    if check is not None and check.kind == "log":
        yield Loss("log", LOG_LOST)
    elif check is not None:
        yield from _liveness_probe(plan, service, check)


def _liveness_probe(plan: Plan, service: Service, check: Health) -> Iterator[Put | Loss]:
    asked = replace(service, health=check)
    own, port = _is_for_the_kubelet(asked), plan.ports.get(service.name)
    if check.kind == "http":
        found = {"httpGet": {"path": checks.path(check), "port": port}} if own else _exec(checks.http(asked, port))
        yield from [Loss()] if own and "3xx" not in _expected(asked) else []
    else:
        found = {"tcpSocket": {"port": int(str(check.target or port))}} if check.kind == "tcp" else _exec(check.target)
    seconds = {"periodSeconds": check.interval, "timeoutSeconds": check.timeout}
    whole = {key: whole_seconds(value) for key, value in seconds.items()}
    yield Put(("container", "livenessProbe"), {**found, **whole, "failureThreshold": check.retries})


def tcp(plan: Plan, service: Service) -> Iterator[Put]:
    """A port is asked."""
    if service.health.kind == "tcp":
        yield from _probes(service, {"tcpSocket": {"port": plan.ports[service.name]}})


def command(plan: Plan, service: Service) -> Iterator[Put]:
    """A command is run."""
    if service.health.kind == "command":
        yield from _probes(service, _exec(service.health.target))


def up(plan: Plan, service: Service) -> Iterator[Put]:
    """It must stay up."""
    if service.health.kind == "up":
        yield Put(("deployment", "minReadySeconds"), 1)


def notify(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    """Nobody listens."""
    if service.health.kind == "notify":
        yield Put(("deployment", "minReadySeconds"), 1)
        yield Loss()


def log(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    """Nobody reads the log."""
    if service.health.kind == "log":
        yield Put(("deployment", "minReadySeconds"), 1)
        yield Loss()
