"""One look at one service: its window, its record, its port and who holds it, its health; cheap tests first."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ..config.environment import as_it_would_run
from ..model import Identity, Observation, Pane, Run, Service
from ..tmux.lookup import pane_of, remembered_ports
from ..world import World
from .health_check import Ask, answer_of
from .port_holders import holders_of, port_of_url
from .process_table import ProcessTable
from .snapshot import Snapshot

LINES_OF_OUTPUT = 20


def observe(service: Service, world: World, snapshot: Snapshot, put: Ask, for_a_start: bool = False) -> Observation:
    """Everything there is to know of one service now: what start, stop and status decide on, and what reports tell."""
    service = as_it_would_run(service, world, snapshot.session, snapshot.panes)
    pane = pane_of(world.workspace.path, service.name, snapshot.panes)
    run = _run(world, service, pane)
    if run is None or run.is_incomplete:
        run = _unrecorded(pane, world, snapshot.process_table) or run
    port = _port(service, pane, snapshot, for_a_start)
    open_at = world.ports.open_addresses(port) if port else ()
    bare = Observation(world.now(), snapshot.session.name, snapshot.session.exists, pane, run, port, open_at)
    holders = holders_of(service, world, snapshot, bare) if open_at else ()
    answer = answer_of(service, world, snapshot, bare, holders, put)
    found = replace(bare, holders=holders, answer=answer)
    more = _of_the_living if found.alive else _of_the_ended
    return replace(found, **more(service, world, found, snapshot.process_table))


def _run(world: World, service: Service, pane: Pane | None) -> Run | None:
    """The launcher's record, if it is of the launch that the pane carries (or of the last one, if no pane is left)."""
    run = world.state_of(pane).run(service.name)
    return run if run and (pane is None or pane.launch == run.launch) else None


def _unrecorded(pane: Pane | None, world: World, table: ProcessTable) -> Run | None:
    """What the processes tell where the record does not: the launcher's child, and since when it runs."""
    if pane is None or not pane.alive:
        return None
    child = next((who for who in table.tree(pane.pid) if who.pid != pane.pid), None)
    started = world.now() - world.processes.age(child) if child else None
    return Run(pane.launch, pane.pid, child.pid, started=started) if child else None


def _port(service: Service, pane: Pane | None, snapshot: Snapshot, for_a_start: bool) -> int | None:
    """What the window remembers; only a start tries the wanted port again after having moved from it."""
    moved = service.on_conflict == "auto" and not for_a_start
    if pane is not None and pane.port and (pane.alive or service.auto_port or moved):
        return pane.port
    if service.auto_port:
        return remembered_ports(snapshot.session, snapshot.panes).get(service.name)
    return service.port or port_of_url(service.health)


# What reports tell beside it


def _of_the_living(service: Service, world: World, seen: Observation, table: ProcessTable) -> dict[str, Any]:
    """Its own process, the memory of its whole tree without our launcher, and where else it listens."""
    assert seen.pane is not None
    family = [who for who in table.tree(seen.pane.pid) if who.pid != seen.pane.pid]
    return {
        "process": next((who for who in family if seen.run and who.pid == seen.run.pid), None),
        "rss_bytes": world.processes.rss_bytes(family),
        "elsewhere": _elsewhere(world, seen, family),
        "wanted_is_free": _wanted_is_free(service, world, seen),
    }


def _of_the_ended(service: Service, world: World, seen: Observation, table: ProcessTable) -> dict[str, Any]:
    return {"last_output": last_output(service, world, seen)}


def last_output(service: Service, world: World, seen: Observation) -> tuple[str, ...]:
    """The last lines that the service printed since it was last started."""
    launch = seen.run.launch if seen.run else ""
    return tuple(world.logs.last_words(world.log_of(service, seen.pane), LINES_OF_OUTPUT, launch))


def _elsewhere(world: World, seen: Observation, family: list[Identity]) -> tuple[str, ...]:
    """The ports on which it listens while its own is silent, so that a wrong one is named.

    Its own port is named with the address: it is silent on localhost alone.
    """
    if not seen.port or seen.holders:
        return ()
    found = world.ports.listening(who.pid for who in family)
    places = {(port, address if port == seen.port else "") for port, _, address in found}
    return tuple(_place(port, address) for port, address in sorted(places))


def _place(port: int, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if host else str(port)


def _wanted_is_free(service: Service, world: World, seen: Observation) -> bool | None:
    """Whether another port, wanted now, can be had: a restart on a taken one would be refused, and what ran be gone."""
    if service.port is None or seen.port in (None, service.port):
        return None
    return world.ports.is_free(service.port)
