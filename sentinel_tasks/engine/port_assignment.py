"""Which port each service of a workspace has: a fixed one, a remembered one, or one chosen now.

Contract: Configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import SentinelError
from ..model import Pane, Service
from ..names import AUTO_COUNT, AUTO_FIRST, as_port_pairs, automatic_ports, mark, port_pairs
from ..observation.other_servers import panes_elsewhere
from ..observation.snapshot import Snapshot
from ..tmux.lookup import known_ports, remembered_ports
from ..world import World

if TYPE_CHECKING:
    from ..doors import PortReservations

CHOOSING_SECONDS = 3.0
"""Enough to look at every port; somebody may listen on all of them and answer slowly."""


class Assignment:
    """The ports of a workspace's services, while some of them start and some of those must move to another port."""

    def __init__(self, starting: Sequence[Service], moving: frozenset[str], world: World, snapshot: Snapshot) -> None:
        self.starting, self.moving, self.world, self.snapshot = starting, moving, world, snapshot
        self.reservations: PortReservations
        self.notes: dict[str, list[str]] = {}

    @cached_property
    def is_choosing(self) -> bool:
        """True if a port may have to be chosen: for what starts, or for another service that has none yet."""
        others = (service for service in self.world.workspace.services if service.name not in self._known())
        return bool(self.moving) or any(service.auto_port for service in (*self.starting, *others))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """To be held while ports are chosen and until their launchers hold them: nobody else chooses them meanwhile."""
        with self.world.choosing_ports() if self.is_choosing else nullcontext(), self.world.reserving() as reservations:
            self.reservations = reservations
            yield

    def reserved(self, launch: str) -> list[str]:
        """What that launch's launcher is to hold: all ports that were chosen here, for its service knows them."""
        moved = {self.by_name[name] for name in self.moving}
        return self.reservations.of_launch(launch, moved | {*self._automatic().values()})

    @cached_property
    def by_name(self) -> Mapping[str, int]:
        """The port of every service that has one."""
        assigned = self._known()
        reserved = self._reserved_for_others()
        for service in self.world.workspace.services:
            if self._needs_another(service, assigned.get(service.name)):
                assigned[service.name] = self._choose(service.name, reserved | set(assigned.values()))
        return assigned

    def _known(self) -> dict[str, int]:
        """What is known of all, and what is wanted now of those that start."""
        known = known_ports(self.world.workspace, self.snapshot.session, self.snapshot.panes)
        return known | {service.name: service.port for service in self.starting if service.port}

    def _needs_another(self, service: Service, known: int | None) -> bool:
        if service.name in self.moving:
            return True
        if known is None:
            return service.auto_port
        starts = any(each.name == service.name for each in self.starting)
        return service.auto_port and starts and not self._is_to_be_had(known)

    def _is_to_be_had(self, port: int) -> bool:
        return self.world.ports.is_free(port) and self.reservations.take(port)

    def _reserved_for_others(self) -> set[int]:
        """What other workspaces use or remember; on other tmux servers too, if a port is to be chosen now."""
        home = mark(self.world.workspace.path)
        everywhere = [*self.snapshot.panes, *(panes_elsewhere(self.world) if self.is_choosing else ())]
        return {port for pane in everywhere if pane.home != home for port in _reserved(pane)}

    def _choose(self, service: str, avoided: set[int]) -> int:
        """The first port that is free, from a place that is always the same for this workspace and service."""
        candidates = [port for port in automatic_ports(self.world.port_origin, service) if port not in avoided]
        reserved, began = self.reservations.of_others(), self.world.monotonic()
        for port in [each for each in candidates if each not in reserved]:
            if self._is_to_be_had(port):
                return port
            if self.world.monotonic() - began >= CHOOSING_SECONDS:
                break
        return self._choose_unreserved(service, [each for each in candidates if each in reserved])

    def _choose_unreserved(self, service: str, candidates: Sequence[int]) -> int:
        """A free one that somebody reserves: whoever squats on all of them keeps nobody from starting."""
        began = self.world.monotonic()
        for port in candidates:
            if self.world.ports.is_free(port):
                self.notes[service] = ["every automatic port is reserved by other programs; it uses one all the same"]
                return port
            if self.world.monotonic() - began >= CHOOSING_SECONDS:
                break
        raise SentinelError(f"no port from {AUTO_FIRST} to {AUTO_FIRST + AUTO_COUNT - 1} is free", "{ps} --all")

    def remember(self) -> None:
        """Keeps the automatic ones with the workspace's session."""
        automatic = self._automatic()
        if automatic and automatic != remembered_ports(self.snapshot.session, self.snapshot.panes):
            self.world.tmux.remember_ports(self.snapshot.session.name, as_port_pairs(automatic))

    def _automatic(self) -> dict[str, int]:
        services = self.world.workspace.services
        return {service.name: self.by_name[service.name] for service in services if service.auto_port}


def _reserved(pane: Pane) -> set[int]:
    return {*port_pairs(pane.ports).values(), *([pane.port] if pane.port else [])}
