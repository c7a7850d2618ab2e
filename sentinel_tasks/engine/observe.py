"""One look at the world: tmux once for all services, then each one's port, owner and health, cheap tests first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from .. import ports
from ..health import LOOPBACK_HOSTS, Question, is_path
from ..logs import Reader
from ..logtext import readable
from ..model import UP_AFTER, Answer, Health, Holder, Listener, Observation, Pane, Run, Service
from ..ownership import FRIENDLY, classify
from ..places import Session, known_ports, pane_of, remembered_ports, session_of
from ..world import World
from .machine import Machine
from .tell import ended

Ask = Callable[[Service, Question], Answer | None]
"""Puts the question; None while the answer is still awaited."""


class Scene(Struct, frozen=True):
    """One look at tmux: every pane of the server, and which session is the workspace's.

    A window that is shown in several sessions has a row for each; that of the workspace's session comes first.
    """

    panes: tuple[Pane, ...]
    session: Session
    machine: Machine
    opened: frozenset[int] = frozenset()

    @property
    def taken(self) -> frozenset[int]:
        """The window indices of the workspace's session that are in use."""
        return self.opened | {pane.index for pane in self.panes if pane.session == self.session.name}

    def with_window(self, session: str, index: int) -> Scene:
        """The scene once we have opened this window."""
        return Scene(self.panes, Session(session, True), self.machine, self.opened | {index})


def scene(world: World, services: int = 1) -> Scene:
    """What tmux shows now, from one tmux process; `services` is how many are to be observed in it."""
    panes = world.tmux.panes()
    session = session_of(world.workspace.path, panes, world.is_same_folder)
    ours_first = sorted(panes, key=lambda pane: pane.session != session.name)
    return Scene(tuple(ours_first), session, Machine(services))


def observe(service: Service, world: World, seen: Scene, put: Ask, for_a_start: bool = False) -> Observation:
    """Everything there is to know of one service now. SPEC §4: what start and status decide on."""
    pane = pane_of(world.workspace.path, service.name, seen.panes)
    run = _run(world, service, pane)
    if run is None or run.is_incomplete:
        run = _unrecorded(pane, seen.machine, world.now()) or run
    port = _port(service, pane, seen, for_a_start)
    open_at = ports.open_addresses(port) if port else ()
    bare = Observation(world.now(), seen.session.name, seen.session.exists, pane, run, port, open_at)
    holders = _holders(service, world, seen, bare) if open_at else ()
    answer = _answer(service, world, seen, bare, holders, put)
    return replace(bare, holders=holders, answer=answer)


def _run(world: World, service: Service, pane: Pane | None) -> Run | None:
    """The launcher's record, if it is of the launch that the pane carries (or of the last one, if no pane is left)."""
    run = world.state_of(pane).run(service.name)
    return run if run and (pane is None or pane.launch == run.launch) else None


def _unrecorded(pane: Pane | None, machine: Machine, now: float) -> Run | None:
    """What the processes tell where the record does not: the launcher's child, and since when it runs."""
    if pane is None or not pane.alive:
        return None
    from .. import processes

    child = next((who for who in machine.tree(pane.pid) if who.pid != pane.pid), None)
    return Run(pane.launch, pane.pid, child.pid, started=now - processes.age(child)) if child else None


def _port(service: Service, pane: Pane | None, seen: Scene, for_a_start: bool) -> int | None:
    """What the window remembers; only a start tries the wanted port again after having moved from it."""
    moved = service.on_conflict == "auto" and not for_a_start
    if pane is not None and pane.port and (pane.alive or service.auto_port or moved):
        return pane.port
    if service.auto_port:
        return remembered_ports(seen.session, seen.panes).get(service.name)
    return service.port or _port_of_url(service.health)


def _port_of_url(health: Health) -> int | None:
    if health.kind != "http" or is_path(health):
        return None
    parts = urlsplit(str(health.target))
    standard = 443 if parts.scheme == "https" else 80
    return (parts.port or standard) if parts.hostname in LOOPBACK_HOSTS else None


# Whose port


def _holders(service: Service, world: World, seen: Scene, bare: Observation) -> tuple[Holder, ...]:
    from .. import processes

    assert bare.port is not None
    pane = bare.pane if bare.alive else None
    own = _own_listeners(pane, bare.port, seen.machine) if pane else []
    covered = all(any(ports.covers(listener.address, address) for listener in own) for address in bare.open_at)
    if own and covered and not seen.machine.is_dealt_out(bare.port):
        return tuple(Holder(listener, "ours", pane) for listener in own)
    rows = living_listeners(bare.port, seen.machine) or living_listeners(bare.port, Machine())
    if not rows and not ports.open_addresses(bare.port):
        return ()
    uid = ports.uid_of(bare.port)
    found = [processes.describe(pid, address, uid) for pid, address in (rows or {None: bare.open_at[0]}).items()]
    return tuple(
        classify(listener, service.name, world.workspace.path, seen.session.name, seen.panes, pane)
        for listener in found
    )


def living_listeners(port: int, machine: Machine) -> dict[int | None, str]:
    """The address of each process that listens there; one that has ended since it was seen there holds nothing."""
    from .. import processes

    rows = machine.listeners(port)
    return {pid: address for pid, address in rows if pid is None or processes.identity(pid) is not None}


def _own_listeners(pane: Pane, port: int, machine: Machine) -> list[Listener]:
    from .. import processes

    family = {who.pid: who for who in machine.tree(pane.pid) if who.pid != pane.pid}  # the launcher never listens
    rows = machine.own_listeners(port, family)
    return [Listener(address, family[pid], processes.name(pid), own_user=True) for pid, address in rows]


# Is it healthy


def _answer(
    service: Service, world: World, seen: Scene, bare: Observation, holders: tuple[Holder, ...], put: Ask
) -> Answer | None:
    if any(holder.relation not in FRIENDLY for holder in holders):
        return None
    adopted = any(holder.relation == "adopted" for holder in holders)
    if not bare.alive and not adopted:
        return None
    kind = "tcp" if adopted and service.health.kind != "http" else service.health.kind
    if bare.alive and bare.run is not None and bare.run.next_start is not None:
        return Answer(False, f"{ended(bare.run)}; it is about to be started again (restart {bare.run.restarts})")
    if kind in ("http", "tcp") and bare.port and not holders:
        return Answer(False, f"nothing listens on port {bare.port}")
    if kind not in ("http", "command") and bare.pane is not None and _is_suspended(bare):
        return Answer(False, f"it is suspended; kill -CONT -{bare.pane.pid} lets it go on")
    if kind == "tcp":
        return Answer(True, "the port accepts")
    if kind == "http" and (stranger := _answered_by_a_stranger(service, seen, bare)):
        return stranger
    if kind == "up":
        return _up(bare)
    if kind == "exit":
        return Answer(False, "still running")
    if kind == "log" and _was_seen_ready(bare):
        return Answer(True, "seen in the log")
    return put(service, _question(service, world, seen, bare, holders))


def _answered_by_a_stranger(service: Service, seen: Scene, bare: Observation) -> Answer | None:
    """The refusal of a check that is asked at another port of this machine than the service's, if not ours as well."""
    asked = _port_of_url(service.health)
    if asked in (None, bare.port) or bare.pane is None or not bare.alive:
        return None
    if _own_listeners(bare.pane, asked, seen.machine):
        return None
    return Answer(False, f"this service does not listen on port {asked}, where its health is asked")


def _was_seen_ready(bare: Observation) -> bool:
    """True if a start saw it ready in this very life; one that was started again must say so again."""
    restarted = bare.run is not None and bare.run.restarts > 0
    return bare.pane is not None and bare.pane.ready == bare.pane.launch and not restarted


def _is_suspended(bare: Observation) -> bool:
    """What is not asked can't tell by itself that it does not work."""
    from .. import processes

    return bare.alive and bare.run is not None and bare.run.pid is not None and processes.is_suspended(bare.run.pid)


def _up(bare: Observation) -> Answer:
    up = bare.age >= UP_AFTER and bare.run is not None and bare.run.ended is None
    return Answer(True, "it stays up") if up else Answer(False, f"not yet up for {UP_AFTER:g} s")


def _question(service: Service, world: World, seen: Scene, bare: Observation, holders: tuple[Holder, ...]) -> Question:
    from .environment import visible_environment

    ports = known_ports(world.workspace, seen.session, seen.panes)
    pane, log = bare.pane, world.state_of(bare.pane).log(service.name)
    return Question(
        health=service.health,
        port=bare.port,
        addresses=tuple(dict.fromkeys(_reachable(holder.listener.address, bare.open_at) for holder in holders)),
        cwd=service.cwd,
        environment=lambda: visible_environment(service, world, bare.session, bare.port, ports),
        log=lambda: _log_since(log, pane.launch) if pane else (),
        counts_workers=service.counts_workers,
    )


def _reachable(address: str, open_at: Sequence[str]) -> str:
    """Where a listener at this address can be asked from here; one at `::` may leave IPv4 to others."""
    if address == "::" and "::1" in open_at:
        return "::1"
    return "127.0.0.1" if address in ("0.0.0.0", "::") else address


def _log_since(path: Path, launch: str) -> Iterator[str]:
    """The lines as a person would see them, so that `^ready$` finds one that is coloured or follows a mark of ours."""
    with suppress(OSError), Reader(path).from_launch(launch) as reader:
        for _, line in reader.lines(with_rest=True):
            yield readable(line, colour=False)


# What else is to be told


def with_elsewhere(seen: Observation, machine: Machine) -> Observation:
    """The same with the ports on which the service listens while its own is silent, so that a wrong one is named.

    Its own port is named with the address: it is silent on localhost alone.
    """
    if seen.pane is None or not seen.alive or not seen.port or seen.holders:
        return seen
    family = [who.pid for who in machine.tree(seen.pane.pid)]
    places = {(port, address if port == seen.port else "") for port, _, address in ports.listening(family)}
    return replace(seen, elsewhere=tuple(_place(port, address) for port, address in sorted(places)))


def _place(port: int, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if host else str(port)


def measured(seen: Observation, machine: Machine) -> Observation:
    """The same with the service's own process and the memory of its whole tree, our launcher not counted."""
    if seen.pane is None or not seen.alive:
        return seen
    from .. import processes

    family = [who for who in machine.tree(seen.pane.pid) if who.pid != seen.pane.pid]
    own = next((who for who in family if seen.run and who.pid == seen.run.pid), None)
    return replace(seen, process=own, rss_bytes=processes.rss_bytes(family))
