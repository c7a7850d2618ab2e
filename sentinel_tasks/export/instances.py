"""Several instances of a service, for an engine that copies what it is given once. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from ..model import Service, Workspace
from ..names import instance_name

Copies = Literal["all", "without a port", "none"]
"""Which services of several instances an engine is given once."""

NUMBER = "\ue000"
"""Stands for the number of an instance, until its engine's own word for that is put in its place."""

ALIKE = "all are alike: none has a number, nor SENTINEL_INSTANCE"


def copied(workspace: Workspace, copies: Copies) -> list[str]:
    """The names in common of those that are given once."""
    if copies == "none":
        return []
    found = workspace.templates
    return [name for name, own in found.items() if copies == "all" or not any(map(_has_port, own))]


def _has_port(service: Service) -> bool:
    return service.port is not None or service.auto_port


def as_one_each(workspace: Workspace, copied: Collection[str]) -> Workspace:
    """The same, but each of these is one service again, which says of how many instances."""
    common = names_in_common(workspace, copied)
    counts = {name: len(own) for name, own in workspace.templates.items()}
    found: dict[str, Service] = {}
    for service in workspace.services:
        name = common.get(service.name, service.name)
        if name not in found:
            found[name] = _one(service, name, counts[name] if name in copied else 0, common)
    return replace(workspace, services=tuple(found.values()))


def _one(service: Service, name: str, count: int, common: Mapping[str, str]) -> Service:
    needed = {common.get(each, each): condition for each, condition in service.depends_on}
    if not count:
        return replace(service, depends_on=tuple(needed.items()), instances=0)
    title = name if service.title == service.name else service.title.removesuffix(f" {service.instance}")
    return replace(
        service, name=name, title=title, depends_on=tuple(needed.items()), template="", instance=0, instances=count
    )


def names_in_common(workspace: Workspace, copied: Collection[str]) -> dict[str, str]:
    """The name that each instance of these has in common with the others."""
    return {service.name: service.template for service in workspace.services if service.template in copied}


def meant(names: Sequence[str], workspace: Workspace, common: Mapping[str, str]) -> list[str]:
    """The services of these names, by which a person may call one instance or all."""
    found: dict[str, None] = {}
    for name in names:
        own = [each.name for each in workspace.templates.get(name, ())] or [name]
        found |= dict.fromkeys(common.get(each, each) for each in own)
    return list(found)


def names_of(service: Service) -> Iterator[str]:
    """The name of a service, and those of the instances that it stands for."""
    yield service.name
    yield from (instance_name(service.name, number) for number in range(1, service.instances + 1))
