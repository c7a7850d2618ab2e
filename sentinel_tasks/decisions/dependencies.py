"""Which service comes before which, and what it waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..model import STATES_HEALTHY, STATES_STARTED, Condition, Service, State


def order(services: Iterable[Service]) -> list[Service]:
    """The services, each after all that it depends on, otherwise in the order given; ValueError names a cycle."""
    given = {service.name: service for service in services}
    placed: dict[str, Service] = {}

    def place(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(" -> ".join([*path[path.index(name) :], name]))
        if name in placed:
            return
        for needed, _ in given[name].depends_on:
            if needed in given:
                place(needed, (*path, name))
        placed[name] = given[name]

    for name in given:
        place(name, ())
    return list(placed.values())


def with_dependencies(wanted: Iterable[str], services: Mapping[str, Service]) -> list[Service]:
    """The wanted services and all that they depend on, in dependency order."""
    names: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in names:
            names[name] = None
            for needed, _ in services[name].depends_on:
                add(needed)

    for name in wanted:
        add(name)
    return order(service for service in services.values() if service.name in names)


def is_satisfied(condition: Condition, state: State, settled: bool) -> bool:
    """True if a dependency in this state lets what needs it start; `settled` says that its own start is over."""
    if condition == "completed":
        return state == "completed"
    return state in STATES_STARTED if condition == "started" else settled and state in STATES_HEALTHY
