"""Whose port it is: who listens there now, cheap tests first, and what each is to the service."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ..decisions.ownership import Owner, answering, classify, covers, is_at_localhost, is_in_the_way
from ..health.question import is_loopback, is_path
from ..lineage.process import Process
from ..lineage.reach import ROOT
from ..model import Health, Holder, Listener, Observation, Service, identity_of
from ..names import unmarked
from ..world import World
from .process_table import ProcessTable
from .snapshot import Snapshot


def holders_of(
    service: Service, world: World, snapshot: Snapshot, bare: Observation, for_a_start: bool = False
) -> tuple[Holder, ...]:
    """Everyone who holds the service's open port; the whole machine is asked only if its own processes are not all."""
    assert bare.port is not None
    own = own_listeners(bare, bare.port, world, snapshot) if bare.alive else []
    covered = all(any(covers(listener.address, address) for listener in own) for address in bare.open_at)
    if own and covered and not _has_strangers(bare, bare.port, own, snapshot.process_table, for_a_start):
        return tuple(Holder(listener, "ours", bare.pane) for listener in own)
    found = _listeners(bare.port, bare.open_at[0], world, snapshot.process_table)
    owner = _owner(service, world, snapshot, bare)
    if own:
        found = [each for each in found if not _never_answers(each.line[:1])]
    holders = (classify(listener, owner, snapshot.panes) for listener in found)
    return tuple(_with_its_workspace(holder, world) for holder in holders if is_in_the_way(holder))


def _has_strangers(
    bare: Observation, port: int, own: Sequence[Listener], table: ProcessTable, for_a_start: bool
) -> bool:
    """True if anybody else may answer where the service does: by a socket of his own, or by one that is the service's.

    Several may share an address (SO_REUSEPORT), and a narrower address takes what is asked of a wildcard. The service's
    very socket is had by what has begun since the service, or was handed it: whoever is older is asked by a start.
    """
    strays = [holder.listener.pid for holder in bare.orphans]
    since = 0 if for_a_start or bare.launcher is None else bare.launcher.identity.ticks
    rows, pids = table.holders(port, since, strays), {listener.pid for listener in own}
    addresses = {address for _, address in rows}
    where = {answering(addresses, asked) for asked in bare.open_at}
    others = {pid for pid, address in rows if address in where and pid not in pids}
    return any(not _never_answers([each] if (each := table.process(pid)) else []) for pid in others)


def _never_answers(line: Sequence[Process]) -> bool:
    """True for a terminal server, which may have inherited the socket of a service that started it."""
    return any(each.kind == "multiplexer" for each in line)


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
    return [_seen(port, pid, where, uid, table) for pid, where in addresses.items()]


def _seen(port: int, pid: int | None, address: str, uid: int | None, table: ProcessTable) -> Listener:
    """The listener; where another user's can't be seen, a container engine's process tells which port it publishes."""
    told = table.describe(pid, address, uid)
    if told.identity is not None:
        return told
    publishers = (table.describe(each.pid, address, uid) for each in table.publishers())
    return next((each for each in publishers if f"-host-port {port} " in f"{each.command} "), told)


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
    from urllib.parse import urlsplit

    parts = urlsplit(str(health.target))
    standard = 443 if parts.scheme == "https" else 80
    return (parts.port or standard) if is_loopback(parts.hostname) else None
