"""Whose port it is: who listens there now, cheap tests first, and what each is to the service."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..decisions.ownership import classify
from ..health.question import LOOPBACK_HOSTS, is_path
from ..model import Health, Holder, Listener, Observation, Pane, Service
from ..system import ports
from ..world import World
from .process_table import ProcessTable
from .snapshot import Snapshot


def holders_of(service: Service, world: World, seen: Snapshot, bare: Observation) -> tuple[Holder, ...]:
    """Everyone who holds the service's open port; the whole machine is asked only if its own processes are not all."""
    from ..system import processes

    assert bare.port is not None
    pane = bare.pane if bare.alive else None
    own = own_listeners(pane, bare.port, seen.machine) if pane else []
    covered = all(any(ports.covers(listener.address, address) for listener in own) for address in bare.open_at)
    if own and covered and not seen.machine.is_dealt_out(bare.port):
        return tuple(Holder(listener, "ours", pane) for listener in own)
    rows = living_listeners(bare.port, seen.machine) or living_listeners(bare.port, ProcessTable())
    if not rows and not ports.open_addresses(bare.port):
        return ()
    uid = ports.uid_of(bare.port)
    found = [processes.describe(pid, address, uid) for pid, address in (rows or {None: bare.open_at[0]}).items()]
    return tuple(
        classify(listener, service.name, world.workspace.path, seen.session.name, seen.panes, pane)
        for listener in found
    )


def living_listeners(port: int, machine: ProcessTable) -> dict[int | None, str]:
    """The address of each process that listens there; one that has ended since it was seen there holds nothing."""
    from ..system import processes

    rows = machine.listeners(port)
    return {pid: address for pid, address in rows if pid is None or processes.identity(pid) is not None}


def own_listeners(pane: Pane, port: int, machine: ProcessTable) -> list[Listener]:
    """Those of the pane's own processes that listen on the port."""
    from ..system import processes

    family = {who.pid: who for who in machine.tree(pane.pid) if who.pid != pane.pid}  # the launcher never listens
    rows = machine.own_listeners(port, family)
    return [Listener(address, family[pid], processes.name(pid), own_user=True) for pid, address in rows]


def port_of_url(health: Health) -> int | None:
    """The port of this machine that a health check of a whole URL is asked at; None for any other check."""
    if health.kind != "http" or is_path(health):
        return None
    parts = urlsplit(str(health.target))
    standard = 443 if parts.scheme == "https" else 80
    return (parts.port or standard) if parts.hostname in LOOPBACK_HOSTS else None
