"""What a service waits for in Kubernetes, as init containers of its pod."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Service
from . import checks
from .common import is_one_shot
from .kubernetes_objects import literals
from .plan import Plan
from .rows import Loss, Put
from .words import shell

CHECK_LOST = "its own check can't be asked from outside: its port is waited for, or nothing if it has none"
STARTED_LOST = "nobody waits: it is started at the same time"
ONCE_LOST = "it is run before every start of this service, not once"


def after(plan: Plan, needed: Service, condition: str) -> Iterator[Put | Loss]:
    """What is done before a service that waits for this one."""
    if condition == "started":
        yield Loss(needed.name)
    elif is_one_shot(needed):
        yield Put(("before", needed.name), None)
        yield Loss(needed.name, ONCE_LOST)
    else:
        yield from _asking(plan, needed)


def _asking(plan: Plan, needed: Service) -> Iterator[Put | Loss]:
    check = _check(plan, needed)
    if check is not None:
        yield Put(("before", needed.name), literals(shell(f"until {check}; do sleep 1; done")))
    if not _is_askable(needed):
        yield Loss(needed.name)


def _check(plan: Plan, needed: Service) -> str | None:
    port, host = plan.ports.get(needed.name), plan.host(needed.name)
    if needed.health.kind == "http" and _is_askable(needed):
        return f"({checks.http(needed, port, host)})"
    return f"({checks.tcp(port, host)})" if port is not None else None


def _is_askable(needed: Service) -> bool:
    """True if the check asks its port, and wants no token for it."""
    kind = needed.health.kind
    return kind == "tcp" or (kind == "http" and checks.is_path(needed.health) and not needed.counts_workers)
