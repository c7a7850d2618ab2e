"""One look at one service: its window, its record, its port and who holds it, its health; cheap tests first."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ..config.environment import as_it_would_run
from ..model import Observation, Service
from ..tmux.lookup import pane_of, remembered_ports
from ..world import World
from .health_check import Ask, answer_of
from .launchers import family_of, is_of_a_stranger, launcher_of, orphans_of, twins_of, window_of
from .port_holders import holders_of, port_of_url
from .records import record_of
from .snapshot import Snapshot

LINES_OF_OUTPUT = 20


def observe(
    service: Service, world: World, snapshot: Snapshot, put: Ask, for_a_start: bool = False, at: int | None = None
) -> Observation:
    """Everything there is to know of one service now: what start, stop and status decide on, and what reports tell.

    It is looked for on the port `at`, if one is given, and not on the one that it has.
    """
    name, service = service.name, as_it_would_run(service, world, snapshot.session, snapshot.panes)
    bare = _without_port(service, world, snapshot)
    port = at or _port(service, bare, snapshot, for_a_start)
    bare = replace(bare, port=port, open_at=_open_at(port, world, snapshot) if port else ())
    holders = holders_of(service, world, snapshot, bare, for_a_start) if bare.open_at else ()
    answer = answer_of(service, world, snapshot, bare, holders, put)
    found = replace(bare, holders=holders, answer=answer)
    found = replace(found, **(_of_the_living if found.alive else _of_the_ended)(service, world, snapshot, found))
    if for_a_start or not found.alive:
        return found
    from .changes import changes_of

    return replace(found, changes=changes_of(name, world, found))


def _open_at(port: int, world: World, snapshot: Snapshot) -> tuple[str, ...]:
    """At `localhost`; where that is silent, at the loopback addresses beside it."""
    return world.ports.open_addresses(port) or snapshot.process_table.beside_localhost(port)


def _without_port(service: Service, world: World, snapshot: Snapshot) -> Observation:
    """Its window, launcher, processes and record."""
    table, session = snapshot.process_table, snapshot.session
    pane = pane_of(world.workspace.path, service.name, snapshot.panes_of(service.name))
    if pane is not None and is_of_a_stranger(pane, table):
        pane = None
    launcher = launcher_of(service.name, pane, world, snapshot)
    if launcher is not None and (pane is None or pane.pid != launcher.identity.pid):
        pane = window_of(launcher, service.name, world, snapshot)
    bare = Observation(world.now(), session.name, session.exists, pane, launcher=launcher)
    bare = replace(bare, family=family_of(launcher, table), twins=twins_of(service.name, launcher, world, table))
    run = record_of(service, bare, world)
    return replace(bare, run=run, orphans=orphans_of(service, replace(bare, run=run), world, snapshot))


def _port(service: Service, bare: Observation, snapshot: Snapshot, for_a_start: bool) -> int | None:
    """What the window remembers, or its launcher where the window is not seen.

    Only a start tries the wanted port again after having moved from it.
    """
    pane = bare.pane
    if bare.alive and bare.run is not None and bare.run.port and not (pane and pane.port):
        return bare.run.port
    moved = service.on_conflict == "auto" and not for_a_start
    if pane is not None and pane.port and (pane.alive or service.auto_port or moved):
        return pane.port
    if service.auto_port:
        return remembered_ports(snapshot.session, snapshot.panes).get(service.name)
    return service.port or port_of_url(service.health)


# What reports tell beside it


def _of_the_living(service: Service, world: World, snapshot: Snapshot, seen: Observation) -> dict[str, Any]:
    """The memory of its whole family, where else it listens, and whether another port that is wanted could be had."""
    return {
        "rss_bytes": world.processes.rss_bytes(each.pid for each in seen.family),
        **_elsewhere(world, snapshot, seen),
        "wanted_is_free": _wanted_is_free(service, world, seen),
        "is_unlogged": _is_unlogged(service, world, seen),
        **(_watching(service, world, seen) if service.watch else {}),
    }


def _of_the_ended(service: Service, world: World, snapshot: Snapshot, seen: Observation) -> dict[str, Any]:
    """What it printed last, where that tells why it ended: of one that was stopped nobody asks."""
    if seen.run is None or seen.run.interrupted:
        return {}
    return {"last_output": last_output(service, world, seen)}


def last_output(service: Service, world: World, seen: Observation) -> tuple[str, ...]:
    """The last lines that the service printed since it was last started."""
    launch = seen.run.launch if seen.run else ""
    return tuple(world.logs.last_words(world.log_of(service, seen), LINES_OF_OUTPUT, launch))


def _elsewhere(world: World, snapshot: Snapshot, seen: Observation) -> dict[str, Any]:
    """Where and by which processes it listens while its own port is silent, so that a wrong one is named.

    Its own port is named with the address: it is silent on localhost alone.
    """
    if not seen.port or seen.holders:
        return {}
    found = sorted(world.ports.listening(each.pid for each in seen.family))
    places = sorted({(port, address if port == seen.port else "") for port, _, address in found})
    by = {pid: address for _, pid, address in found}
    return {
        "elsewhere": tuple(_place(port, address) for port, address in places),
        "elsewhere_by": tuple(snapshot.process_table.describe(pid, address) for pid, address in by.items()),
    }


def _place(port: int, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}" if host else str(port)


def _is_unlogged(service: Service, world: World, seen: Observation) -> bool:
    launcher = seen.launcher
    if launcher is None or launcher.server is None or not launcher.has_window:
        return False
    from .log_pump import is_lost

    return is_lost(world, world.log_path(service, seen), launcher.identity.pid, launcher.server)


def _watching(service: Service, world: World, seen: Observation) -> dict[str, Any]:
    from .watching import watching

    return watching(service, world, seen)


def _wanted_is_free(service: Service, world: World, seen: Observation) -> bool | None:
    """Whether another port, wanted now, can be had: a restart on a taken one would be refused, and what ran be gone."""
    if service.port is None or seen.port in (None, service.port):
        return None
    return world.ports.is_free(service.port)
