"""A service's launcher while it lives, wherever its window is; and what is left of a service without one."""

from __future__ import annotations

import os

from msgspec.structs import replace

from ..lineage.process import Process
from ..model import Holder, Identity, Launcher, Observation, Pane, Run, Service, identity_of
from ..names import mark
from ..world import World
from .process_table import Launched, Loose, ProcessTable
from .snapshot import Snapshot

SLACK = 0.1
"""Seconds by which the kernel's tick and ours may be apart."""


def launcher_of(service: str, pane: Pane | None, world: World, snapshot: Snapshot) -> Launcher | None:
    """The launcher in the service's pane; else the newest that says it runs this service, on whatever tmux server."""
    table = snapshot.process_table
    if pane is not None and pane.alive and (own := table.process(pane.pid)):
        return Launcher(identity_of(own), pane.launch, pane.server, state=pane.state)
    others = launchers_of(service, world, table)
    return _elsewhere(others[-1], world, snapshot) if others else None


def is_of_a_stranger(pane: Pane, table: ProcessTable) -> bool:
    """True for a pane whose marks lie: a person's program, or another service's launcher, runs in it."""
    own = table.process(pane.pid) if pane.alive else None
    if own is None or own.kind != "launcher":
        return own is not None and own.kind == "" and not own.is_ending
    return any(each.service not in ("", pane.service) for each in table.launchers_by(own.pid))


def window_of(launcher: Launcher, service: str, world: World, snapshot: Snapshot) -> Pane | None:
    """The pane that runs the launcher, whatever became of its marks."""
    pid = launcher.identity.pid
    found = next((pane for pane in snapshot.panes if pane.pid == pid and not pane.dead), None)
    marks = {"service": service, "home": mark(world.workspace.path), "launch": launcher.launch, "launcher": pid}
    return found and replace(found, **marks, state=launcher.state)


def launchers_of(service: str, world: World, table: ProcessTable) -> list[Launched]:
    """All launchers that run this service, the oldest first: they say so, or write its record."""
    return table.launchers_by((world.workspace.path, service), world.state.record_path(service))


def twins_of(service: str, launcher: Launcher | None, world: World, table: ProcessTable) -> tuple[Identity, ...]:
    """The launchers that run this service beside that one: there should be none."""
    all_of_it = (identity_of(each.process) for each in launchers_of(service, world, table))
    return tuple(who for who in all_of_it if launcher is not None and who != launcher.identity)


def _elsewhere(launched: Launched, world: World, snapshot: Snapshot) -> Launcher:
    line = snapshot.process_table.line(launched.process.pid)
    server = next((each.pid for each in line if each.kind == "multiplexer"), None)
    is_reached = server in snapshot.servers
    opened_since = world.processes.began(launched.process) >= snapshot.began - SLACK
    has_pane = any(pane.pid == launched.process.pid and not pane.dead for pane in snapshot.panes)
    has_window = server is not None and (has_pane or opened_since or not is_reached)
    way = world.way_to_server(server) if server is not None and not is_reached else ""
    who, state = identity_of(launched.process), os.path.dirname(launched.record)
    return Launcher(who, launched.launch, server, has_window, is_reached, way, state)


def family_of(launcher: Launcher | None, table: ProcessTable) -> tuple[Process, ...]:
    """What lives below the launcher."""
    family = table.family(launcher.identity) if launcher else []
    return tuple(each for each in family if launcher and each.pid != launcher.identity.pid)


def orphans_of(service: Service, bare: Observation, world: World, snapshot: Snapshot) -> tuple[Holder, ...]:
    """What runs of the service below no launcher, and what that has started: by its record, its tags or its session."""
    table = snapshot.process_table
    of_its_run: list[int | Identity] = [bare.run.launcher, *bare.run.known] if bare.run else []
    may_be = table.loose_by(service.name, *of_its_run)
    roots = [each.process for each in may_be if _is_left_by(each, service, bare, world, snapshot)]
    found = {each.pid: None for root in roots for each in table.family(identity_of(root))}
    return tuple(Holder(table.describe(pid, ""), "stray") for pid in found)


def _is_left_by(each: Loose, service: Service, bare: Observation, world: World, snapshot: Snapshot) -> bool:
    if service.detached == "leave" and (bare.run is None or each.process.session != bare.run.launcher):
        return False
    if is_tagged(each, world, snapshot) and each.tags.service == service.name:
        return True
    if bare.run is None or not world.processes.is_this_boot(bare.run.boot):
        return False
    if identity_of(each.process) in bare.run.known:
        return True
    return bare.launcher is None and _is_of_the_session(each.process, bare, bare.run, world, snapshot.process_table)


def is_tagged(each: Loose, world: World, snapshot: Snapshot) -> bool:
    """True for the tags of this workspace, unless a window of another tmux server that lives left it behind.

    That server inherited them, and its windows are a person's.
    """
    server = snapshot.process_table.process(each.tags.server)
    is_guest = server is not None and server.kind == "multiplexer" and server.pid not in snapshot.servers
    return each.tags.workspace == world.workspace.path and not is_guest


def _is_of_the_session(process: Process, bare: Observation, run: Run, world: World, table: ProcessTable) -> bool:
    """True for the terminal session of a launcher that is gone.

    Its pid may be another session's once all of it has ended. That is excluded as long as nobody has noticed the
    launcher's end, for what was in the session by then, and while one on record lives there.
    """
    if process.session != run.launcher or table.process(run.launcher) or not 0 < run.launcher_ticks <= process.ticks:
        return False
    if not run.is_over or bare.now - world.processes.age(process) <= (run.ended or 0.0):
        return True
    return any(table.is_alive(who) and _session(who, table) == run.launcher for who in run.known)


def _session(who: Identity, table: ProcessTable) -> int | None:
    found = table.process(who.pid)
    return found.session if found else None
