"""One look at one service: its window, its record, its port and who holds it, its health; cheap tests first."""

from __future__ import annotations

from msgspec.structs import replace

from ..model import Observation, Pane, Run, Service
from ..system import ports
from ..tmux.lookup import pane_of, remembered_ports
from ..world import World
from .health_check import Ask, answer_of
from .port_holders import holders_of, port_of_url
from .process_table import ProcessTable
from .snapshot import Snapshot


def observe(service: Service, world: World, seen: Snapshot, put: Ask, for_a_start: bool = False) -> Observation:
    """Everything there is to know of one service now: what start and status decide on."""
    pane = pane_of(world.workspace.path, service.name, seen.panes)
    run = _run(world, service, pane)
    if run is None or run.is_incomplete:
        run = _unrecorded(pane, seen.machine, world.now()) or run
    port = _port(service, pane, seen, for_a_start)
    open_at = ports.open_addresses(port) if port else ()
    bare = Observation(world.now(), seen.session.name, seen.session.exists, pane, run, port, open_at)
    holders = holders_of(service, world, seen, bare) if open_at else ()
    answer = answer_of(service, world, seen, bare, holders, put)
    return replace(bare, holders=holders, answer=answer)


def _run(world: World, service: Service, pane: Pane | None) -> Run | None:
    """The launcher's record, if it is of the launch that the pane carries (or of the last one, if no pane is left)."""
    run = world.state_of(pane).run(service.name)
    return run if run and (pane is None or pane.launch == run.launch) else None


def _unrecorded(pane: Pane | None, machine: ProcessTable, now: float) -> Run | None:
    """What the processes tell where the record does not: the launcher's child, and since when it runs."""
    if pane is None or not pane.alive:
        return None
    from ..system import processes

    child = next((who for who in machine.tree(pane.pid) if who.pid != pane.pid), None)
    return Run(pane.launch, pane.pid, child.pid, started=now - processes.age(child)) if child else None


def _port(service: Service, pane: Pane | None, seen: Snapshot, for_a_start: bool) -> int | None:
    """What the window remembers; only a start tries the wanted port again after having moved from it."""
    moved = service.on_conflict == "auto" and not for_a_start
    if pane is not None and pane.port and (pane.alive or service.auto_port or moved):
        return pane.port
    if service.auto_port:
        return remembered_ports(seen.session, seen.panes).get(service.name)
    return service.port or port_of_url(service.health)


# What else is to be told


def with_elsewhere(seen: Observation, machine: ProcessTable) -> Observation:
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


def measured(seen: Observation, machine: ProcessTable) -> Observation:
    """The same with the service's own process and the memory of its whole tree, our launcher not counted."""
    if seen.pane is None or not seen.alive:
        return seen
    from ..system import processes

    family = [who for who in machine.tree(seen.pane.pid) if who.pid != seen.pane.pid]
    own = next((who for who in family if seen.run and who.pid == seen.run.pid), None)
    return replace(seen, process=own, rss_bytes=processes.rss_bytes(family))
