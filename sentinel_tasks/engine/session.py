"""The workspace's session as a whole: where to attach, and closing it once only our windows are in it."""

from __future__ import annotations

from msgspec import Struct

from ..decisions.pause import pause_after
from ..model import Pane
from ..names import typed_target, typed_tmux
from ..observation.observe import observe
from ..observation.snapshot import Snapshot, take_snapshot
from ..tmux.lookup import pane_of, session_of
from ..world import World

CLOSING_SECONDS = 2.0


class Place(Struct, frozen=True):
    """A session, or one window in it, and the command a person types to see it."""

    session: str
    session_id: str
    window: str | None
    typed: str


def place_of(world: World, service: str | None) -> Place | None:
    """Where a service's window is, or the workspace's session; None if there is none."""
    snapshot = take_snapshot(world)
    home = world.workspace
    if service is None:
        found = next(
            (p for p in snapshot.panes if snapshot.session.exists and p.session == snapshot.session.name), None
        )
    else:
        found = pane_of(home.path, service, snapshot.panes) or _adopted(world, service, snapshot)
    if found is None:
        return None
    target = typed_target(found.session, found.index if service else None)
    typed = f"{typed_tmux(home.socket_name)} attach-session -t {target}"
    return Place(found.session, found.session_id, found.window_id if service else None, typed)


def way_to_window(world: World, service: str) -> str:
    """How a person reaches a service's window that is on a tmux server which is not asked; empty if it has none."""
    seen = observe(world.workspace.service(service), world, take_snapshot(world), lambda *_: None)
    return seen.launcher.way if seen.launcher else ""


def _adopted(world: World, service: str, snapshot: Snapshot) -> Pane | None:
    """The pane of a process that was started by hand and passes for the service."""
    seen = observe(world.workspace.service(service), world, snapshot, lambda *_: None)
    return next((holder.pane for holder in seen.holders if holder.relation == "adopted"), None)


def close_session(world: World) -> bool:
    """Closes the session if every window in it is one of ours whose service has ended; True if it did.

    Where all are ours, tmux is given time to see that they have ended.
    """
    began = world.monotonic()
    while (inside := _inside(world)) and all(pane.service for pane in inside):
        if all(pane.dead for pane in inside):
            world.tmux.close_session(inside[0].session_id)
            return True
        if (elapsed := world.monotonic() - began) >= CLOSING_SECONDS:
            break
        world.sleep(pause_after(elapsed))
    return False


def _inside(world: World) -> list[Pane]:
    panes = world.tmux.panes()
    session = session_of(world.workspace.path, panes, world.is_same_folder)
    return [pane for pane in panes if session.exists and pane.session == session.name]
