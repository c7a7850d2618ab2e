"""The lists of what must be provided: names without values, where the engine of the export looks for them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from ..model import Service
from .kubernetes_objects import secret_name
from .plan import Plan
from .rows import Part
from .words import has_line_break


def lists(target: str, plan: Plan) -> Iterator[Part]:
    """A list for each service, or for all where the engine has one environment."""
    if target == "procfile":
        yield _for_all(plan)
    else:
        yield from (_for(target, plan, service) for service in plan.services if plan.secrets[service.name])


def _for(target: str, plan: Plan, service: Service) -> Part:
    notes = tuple(_how(target, plan, service))
    return Part(f"{service.name}.env.example", _empty(plan.secrets[service.name]), (service.name,), notes)


def _how(target: str, plan: Plan, service: Service) -> Iterator[str]:
    name = service.name
    if target == "systemd":
        yield f"Copy it to ~/.config/{plan.stem}/{name}.env, for your user alone, and fill in the values."
    elif target == "kubernetes":
        yield f"Fill in the values, without quotes, in {name}.env; then:"
        yield f"kubectl create secret generic {secret_name(plan, service)} --from-env-file={name}.env"
    else:
        yield f"Copy it to {name}.env beside this file, for your user alone, and fill in the values in single quotes."


def _for_all(plan: Plan) -> Part:
    names = dict.fromkeys(name for service in plan.services for name in plan.secrets[service.name])
    shared = {name: value for name, value in plan.shared().items() if not has_line_break(value)}
    text = "".join(f"{name}={shlex.quote(value)}\n" for name, value in shared.items())
    services = tuple(service.name for service in plan.services)
    notes = ("Copy it to sentinel.env, for your user alone, and fill in the values in single quotes.",)
    return Part("sentinel.env.example", f"{text}{_empty(tuple(names))}", services, notes)


def _empty(names: tuple[str, ...]) -> str:
    return "".join(f"{name}=\n" for name in names)
