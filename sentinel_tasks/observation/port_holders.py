"""Whose port it is: who listens there now, cheap tests first, and what each is to the service."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec.structs import replace

from ..decisions.ownership import classify, covers
from ..health.question import LOOPBACK_HOSTS, is_path
from ..model import Health, Holder, Listener, Observation, Pane, Service
from ..names import unmarked
from ..world import World
from .process_table import ProcessTable
from .snapshot import Snapshot


def holders_of(service: Service, world: World, snapshot: Snapshot, bare: Observation) -> tuple[Holder, ...]:
    """Everyone who holds the service's open port; the whole machine is asked only if its own processes are not all."""
    assert bare.port is not None
    pane = bare.pane if bare.alive else None
    own = own_listeners(pane, bare.port, world, snapshot) if pane else []
    covered = all(any(covers(listener.address, address) for listener in own) for address in bare.open_at)
    if own and covered and not snapshot.process_table.is_dealt_out(bare.port):
        return tuple(Holder(listener, "ours", pane) for listener in own)
    rows = living_listeners(bare.port, world, snapshot.process_table)
    rows = rows or living_listeners(bare.port, world, ProcessTable(world))
    if not rows and not world.ports.open_addresses(bare.port):
        return ()
    uid = world.ports.uid_of(bare.port)
    found = [world.processes.describe(pid, address, uid) for pid, address in (rows or {None: bare.open_at[0]}).items()]
    holders = (
        classify(listener, service.name, world.workspace.path, snapshot.session.name, snapshot.panes, pane)
        for listener in found
    )
    return tuple(_with_its_workspace(holder, world) for holder in holders)


def _with_its_workspace(holder: Holder, world: World) -> Holder:
    home = unmarked(holder.pane.home) if holder.pane else holder.listener.workspace
    return replace(holder, is_gone=bool(home) and holder.relation == "workspace" and world.is_gone(str(home)))


def living_listeners(port: int, world: World, table: ProcessTable) -> dict[int | None, str]:
    """The address of each process that listens there; one that has ended since it was seen there holds nothing."""
    rows = table.listeners(port)
    return {pid: address for pid, address in rows if pid is None or world.processes.identity(pid) is not None}


def own_listeners(pane: Pane, port: int, world: World, snapshot: Snapshot) -> list[Listener]:
    """Those of the pane's own processes that listen on the port."""
    family = {
        who.pid: who for who in snapshot.process_table.tree(pane.pid) if who.pid != pane.pid
    }  # the launcher never listens
    rows = snapshot.process_table.own_listeners(port, family)
    return [Listener(address, family[pid], world.processes.name(pid), own_user=True) for pid, address in rows]


def port_of_url(health: Health) -> int | None:
    """The port of this machine that a health check names, as a number or in a whole URL; None for any other check."""
    if health.kind == "tcp" and health.target:
        return int(str(health.target))
    if health.kind != "http" or is_path(health):
        return None
    parts = urlsplit(str(health.target))
    standard = 443 if parts.scheme == "https" else 80
    return (parts.port or standard) if parts.hostname in LOOPBACK_HOSTS else None
