"""One service that the configuration wants several of → as many plain services (contract: Configuration, Instances).

They are made here, so that whatever starts, looks at or ends services knows plain services alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from ..model import Condition, Service
from ..names import instance_name, instance_number
from .problems import Problems
from .schema import MOST_INSTANCES


def count_of(service: Service, scales: Mapping[str, tuple[int, int]]) -> int:
    """How many there are: as many as configured, unless `scale` said otherwise of this very configuration.

    A port that is configured since then is enough for one.
    """
    configured, wanted = scales.get(service.name, (0, 0))
    is_fixed = service.port is not None and "port" not in service.by_flag
    is_said = configured == service.instances and 0 < wanted <= MOST_INSTANCES
    return wanted if is_said and not is_fixed else service.instances


def with_number(service: Service, number: int) -> Service:
    """One of the instances of the service."""
    name = instance_name(service.name, number)
    return replace(
        service,
        name=name,
        title=name if service.title == service.name else f"{service.title} {number}",
        window=name if service.window == service.name else f"{service.window}-{number}",
        index=None if service.index is None else service.index + number - 1,
        has_tasks=False,
        template=service.name,
        instance=number,
    )


def with_instances_needed(services: Iterable[Service]) -> list[Service]:
    """The services, each waiting for every instance of what it depends on by the name in common."""
    services = list(services)
    names: dict[str, list[str]] = {}
    for service in services:
        names.setdefault(service.common_name, []).append(service.name)
    return [replace(each, depends_on=tuple(_needed(each, names))) for each in services]


def _needed(service: Service, names: Mapping[str, list[str]]) -> Iterable[tuple[str, Condition]]:
    return ((each, condition) for name, condition in service.depends_on for each in names.get(name, [name]))


def check_names(services: Iterable[Service], known: Iterable[str], problems_found: Problems) -> None:
    """No service is called as an instance of another one is, or would be if there were more of it."""
    known = list(known)
    for service in services:
        for name in known if service.instances else ():
            if instance_number(name, service.name) is not None:
                reason = f"the service {name} is called like one of them; give it another name"
                problems_found.add(f"{service.key}.instances", service.instances, reason)
