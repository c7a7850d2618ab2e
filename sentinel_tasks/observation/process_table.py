"""The machine's processes and listeners as of one look; each is asked for once, however many services there are."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ..decisions.containers import engine_of
from ..lineage.process import Process
from ..lineage.reach import children_of, family, is_cut, line_of
from ..model import Identity, Listener, Tags, identity_of
from ..world import World

T = TypeVar("T")
FEW = 3
"""Up to this many services, asking each one's own processes is cheaper than asking the whole machine."""
WORDS_OF_A_LAUNCHER = (3, 5)
"""FIFO, record, launch, workspace and service (supervisor/launch.py); one of 0.1 tells the first three alone."""

Places = Mapping[Hashable, Sequence[int]]
"""Where each of several is in their list, by what it is looked for: hundreds of services do not look at all of them."""


class Loose(Struct, frozen=True):
    """A process below no launcher and no terminal server, and the tags of one that is this user's."""

    process: Process
    tags: Tags


class Launched(Struct, frozen=True):
    """A launcher that runs, with what its command line tells: where its record is, which launch it is, and of what."""

    process: Process
    record: str
    launch: str
    workspace: str = ""
    service: str = ""


class ProcessTable:
    """Facts about processes and ports that several services of one look share.

    Where these are few, it has only the processes that are `near`, and what is below them; about ports it knows all.
    """

    def __init__(self, world: World, services: int = 1, near: Collection[int] | None = None) -> None:
        self._world = world
        self._few = services <= FEW
        self._lock = threading.Lock()
        self.is_near = near is not None and self._few
        self._processes = world.processes.below(near or ()) if self.is_near else world.processes.read()
        self._below = children_of(self._processes)
        self._caller = world.processes.caller()
        self._own_line = frozenset(line_of(self._processes, self._caller.pid))

    # Processes

    def process(self, pid: int | None) -> Process | None:
        """The living process of that pid; None for one that has ended, or none at all."""
        found = self._processes.get(pid) if pid else None
        return found if found and found.is_alive else None

    def is_alive(self, who: Identity) -> bool:
        """True while this very process runs: a zombie has ended, a reused pid is another process."""
        found = self.process(who.pid)
        return found is not None and found.ticks == who.ticks

    def family(self, root: Identity) -> list[Process]:
        """The process and all that lives below it, but for what a terminal server or another launcher has below it.

        Parents come first.
        """
        return family(self._processes, root, self._below)

    def line(self, pid: int) -> list[Process]:
        """The process and all above it, nearest first."""
        return [self._processes[each] for each in line_of(self._processes, pid)]

    def publishers(self) -> list[Process]:
        """The processes by which container engines listen for containers."""
        return [each for each in self._processes.values() if each.is_alive and engine_of(each.name)]

    def launchers(self) -> Sequence[Launched]:
        """Every launcher of this user that runs, the oldest first."""
        with self._lock:
            return self._launchers

    @cached_property
    def _launchers(self) -> list[Launched]:
        launchers = [each for each in self._processes.values() if each.kind == "launcher"]
        oldest_first = sorted(launchers, key=attrgetter("ticks"))
        living = [each for each in oldest_first if each.is_alive and each.uid == self._caller.uid]
        told = ((each, self._world.processes.launched(each.pid)) for each in living)
        return [Launched(each, *words[1:]) for each, words in told if len(words) in WORDS_OF_A_LAUNCHER]

    def launchers_by(self, *keys: int | str | tuple[str, str]) -> list[Launched]:
        """Those of this pid, of this record, or of this workspace's service, the oldest first."""
        with self._lock:
            return _at(self._places_of_launchers, self._launchers, keys)

    @cached_property
    def _places_of_launchers(self) -> Places:
        return _places(self._launchers, lambda each: (each.process.pid, each.record, (each.workspace, each.service)))

    def is_above_us(self, pid: int | None) -> bool:
        """True for this task and all that it was started by."""
        return pid in self._own_line

    def loose(self) -> Sequence[Loose]:
        """The processes below no launcher and no terminal server, without this task and those above it."""
        with self._lock:
            return self._loose

    @cached_property
    def _loose(self) -> list[Loose]:
        return [
            Loose(each, self._tags(each)) for each in self._processes.values() if each.is_alive and self._is_loose(each)
        ]

    def loose_by(self, *keys: str | int | Identity) -> list[Loose]:
        """Those that carry this service's tag, of whatever workspace, are in this terminal session, or are this one."""
        with self._lock:
            return _at(self._places_of_loose, self._loose, keys)

    @cached_property
    def _places_of_loose(self) -> Places:
        return _places(self._loose, lambda each: (each.tags.service, each.process.session, identity_of(each.process)))

    def _tags(self, process: Process) -> Tags:
        """Another user's process may carry whatever that user likes; most name no workspace, and nobody asks whose."""
        found = self._world.processes.tags(process.pid)
        return found if not found.workspace or process.uid == self._caller.uid else Tags()

    def _is_loose(self, process: Process) -> bool:
        return not self.is_above_us(process.pid) and not any(map(is_cut, self.line(process.pid)))

    def describe(self, pid: int | None, address: str, uid: int | None = None) -> Listener:
        """Who listens at this address, as far as can be seen, with all above it."""
        process = self.process(pid)
        told = self._world.processes.describe(process, address, uid)
        if process is None:
            return told
        line = self.line(process.pid)
        launched_by = self._launched_by(line)
        workspace, service = launched_by if launched_by and launched_by[1] else (told.workspace, told.service)
        is_above_us = self.is_above_us(process.pid)
        return replace(told, line=tuple(line), is_above_us=is_above_us, workspace=workspace, service=service)

    def _launched_by(self, line: Sequence[Process]) -> tuple[str, str] | None:
        """Workspace and service of the launcher that the last of this line is below, if it is below one."""
        cut = next(filter(is_cut, line), None)
        own = self.launchers_by(cut.pid) if cut else []
        return next(((each.workspace, each.service) for each in own if each.process == cut), None)

    # Ports

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
    def _beside_localhost(self) -> dict[int, tuple[str, ...]]:
        return self._world.ports.beside_localhost()

    def beside_localhost(self, port: int) -> tuple[str, ...]:
        """The loopback addresses other than localhost's that somebody listens at on this port."""
        with self._lock:
            return self._beside_localhost.get(port, ())

    def holders(self, port: int, since: int = 0, others: Collection[int | None] = ()) -> list[tuple[int | None, str]]:
        """(pid, address) of everyone who holds a socket that listens on this port, as far as that is told quickly.

        Of those that had begun before that tick only the others: pid None for the socket of anybody else. Thousands of
        open files are no reason for a look at one service to take long.
        """
        if not self._few:
            return self.listeners(port)
        if self.is_near:
            return self._world.ports.holders(port, self._world.processes.pids())
        among = [pid for pid, each in self._processes.items() if each.ticks >= since or pid in others]
        return self._world.ports.holders(port, among)

    def own_listeners(self, port: int, family: Iterable[int]) -> list[tuple[int, str]]:
        """(pid, address) of those of these processes that listen on this port."""
        if self._few:
            return [(pid, address) for number, pid, address in self._world.ports.listening(family) if number == port]
        own = set(family)
        return [(pid, address) for pid, address in self.listeners(port) if pid in own and pid is not None]


def _places(listed: Iterable[Any], keys_of: Callable[[Any], Iterable[Hashable]]) -> Places:
    found: dict[Hashable, list[int]] = {}
    for place, each in enumerate(listed):
        for key in keys_of(each):
            found.setdefault(key, []).append(place)
    return found


def _at(places: Places, listed: Sequence[T], keys: Iterable[Hashable]) -> list[T]:
    """Those of these keys, each once and in their order."""
    return [listed[place] for place in sorted({place for key in keys for place in places.get(key, ())})]
