"""Whose port it is: who listens there now, cheap tests first, and what each is to the service."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec.structs import replace

from ..decisions.ownership import Owner, classify, covers, is_at_localhost, is_in_the_way
from ..health.question import is_loopback, is_path
from ..lineage.reach import ROOT
from ..model import Health, Holder, Listener, Observation, Service, identity_of
from ..names import unmarked
from ..world import World
from .process_table import ProcessTable
from .snapshot import Snapshot


def holders_of(service: Service, world: World, snapshot: Snapshot, bare: Observation) -> tuple[Holder, ...]:
    """Everyone who holds the service's open port; the whole machine is asked only if its own processes are not all."""
    assert bare.port is not None
    own = own_listeners(bare, bare.port, world, snapshot) if bare.alive else []
    covered = all(any(covers(listener.address, address) for listener in own) for address in bare.open_at)
    if own and covered and not snapshot.process_table.is_dealt_out(bare.port):
        return tuple(Holder(listener, "ours", bare.pane) for listener in own)
    found = _listeners(bare.port, bare.open_at[0], world, snapshot.process_table)
    owner = _owner(service, world, snapshot, bare)
    holders = (classify(listener, owner, snapshot.panes) for listener in found)
    return tuple(_with_its_workspace(holder, world) for holder in holders if is_in_the_way(holder))


def _owner(service: Service, world: World, snapshot: Snapshot, bare: Observation) -> Owner:
    orphans = frozenset(who for holder in bare.orphans if (who := holder.listener.identity))
    reachable = bare.recorded if world.processes.caller().uid == ROOT else frozenset()
    return Owner(service.name, world.workspace.path, snapshot.session.name, bare.launcher, orphans, reachable)


def _listeners(port: int, address: str, world: World, table: ProcessTable) -> list[Listener]:
    """Whoever listens on the port; where the look's own table does not know one of them, as of now."""
    rows = table.listeners(port)
    if not rows or any(pid is not None and table.process(pid) is None for pid, _ in rows):
        table = ProcessTable(world)
        rows = [(pid, where) for pid, where in table.listeners(port) if pid is None or table.process(pid)]
    if not rows and not world.ports.open_addresses(port):
        return []
    uid = world.ports.uid_of(port)
    addresses: dict[int | None, str] = dict(sorted(rows, key=lambda row: is_at_localhost(row[1]))) or {None: address}
    return [table.describe(pid, where, uid) for pid, where in addresses.items()]


def _with_its_workspace(holder: Holder, world: World) -> Holder:
    home = unmarked(holder.pane.home) if holder.pane else holder.listener.workspace
    return replace(holder, is_gone=bool(home) and holder.relation == "workspace" and world.is_gone(str(home)))


def own_listeners(bare: Observation, port: int, world: World, snapshot: Snapshot) -> list[Listener]:
    """Those of the service's own processes that listen on the port."""
    family = {each.pid: each for each in bare.family}
    rows = snapshot.process_table.own_listeners(port, family)
    return [
        Listener(address, identity_of(family[pid]), world.processes.name(family[pid]), own_user=True)
        for pid, address in rows
    ]


def port_of_url(health: Health) -> int | None:
    """The port of this machine that a health check names, as a number or in a whole URL; None for any other check."""
    if health.kind == "tcp" and health.target:
        return int(str(health.target))
    if health.kind != "http" or is_path(health):
        return None
    parts = urlsplit(str(health.target))
    standard = 443 if parts.scheme == "https" else 80
    return (parts.port or standard) if is_loopback(parts.hostname) else None
