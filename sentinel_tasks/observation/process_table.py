"""The machine's processes and listeners as of one look; each is asked for once, however many services there are."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cached_property

from ..model import Identity
from ..world import World

FEW = 3
"""Up to this many services, asking each one's own processes is cheaper than asking the whole machine."""


class ProcessTable:
    """Facts about processes and ports that several services of one look share."""

    def __init__(self, world: World, services: int = 1) -> None:
        self._world = world
        self._few = services <= FEW
        self._lock = threading.Lock()

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        return self._world.processes.children()

    def tree(self, pid: int) -> list[Identity]:
        """The process and all its descendants that live, parents first."""
        with self._lock:
            children = self._children
        found, pids = [], [pid]
        for each in pids:
            pids += children.get(each, [])
            if (who := self._world.processes.identity(each)) is not None:
                found.append(who)
        return found

    @cached_property
    def _listeners(self) -> dict[int, list[tuple[int | None, str]]]:
        by_port: dict[int, list[tuple[int | None, str]]] = {}
        for port, pid, address in self._world.ports.all_listeners():
            by_port.setdefault(port, []).append((pid, address))
        return by_port

    def listeners(self, port: int) -> list[tuple[int | None, str]]:
        """(pid, address) of whoever listens on this port; pid None where the owner can't be seen."""
        with self._lock:
            return self._listeners.get(port, [])

    @cached_property
    def _dealt_out(self) -> frozenset[int]:
        return self._world.ports.dealt_out()

    def is_dealt_out(self, port: int) -> bool:
        """True if several sockets share one address of this port, and any of them may be asked."""
        with self._lock:
            return port in self._dealt_out

    def own_listeners(self, port: int, family: Iterable[int]) -> list[tuple[int, str]]:
        """(pid, address) of those of these processes that listen on this port."""
        if self._few:
            return [(pid, address) for number, pid, address in self._world.ports.listening(family) if number == port]
        own = set(family)
        return [(pid, address) for pid, address in self.listeners(port) if pid in own and pid is not None]
