"""One look at tmux for all services: every pane, and which session is the workspace's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from msgspec import Struct

from ..model import Pane
from ..tmux.lookup import Session, session_of
from ..world import World
from .process_table import ProcessTable


class Snapshot(Struct, frozen=True, dict=True):
    """One look at tmux: every pane of the server, and which session is the workspace's.

    A window that is shown in several sessions has a row for each; that of the workspace's session comes first.
    """

    panes: tuple[Pane, ...]
    session: Session
    process_table: ProcessTable
    began: float = 0.0
    opened: frozenset[int] = frozenset()

    def panes_of(self, service: str) -> Sequence[Pane]:
        """The panes that carry the mark of a service of this name, of whatever workspace."""
        return self._by_service.get(service, ())

    @cached_property
    def _by_service(self) -> dict[str, list[Pane]]:
        found: dict[str, list[Pane]] = {}
        for pane in self.panes:
            found.setdefault(pane.service, []).append(pane)
        return found

    @property
    def servers(self) -> frozenset[int]:
        """The pid of the tmux server that was asked."""
        return frozenset(pane.server for pane in self.panes)

    @property
    def taken(self) -> frozenset[int]:
        """The window indices of the workspace's session that are in use."""
        return self.opened | {pane.index for pane in self.panes if pane.session == self.session.name}

    @property
    def has_our_session(self) -> bool:
        """True if the workspace's session is there and carries our marks."""
        return self.session.exists and not self.session.unmarked

    def with_all_processes(self, world: World, services: int) -> Snapshot:
        """The same with all processes, as they are now."""
        return Snapshot(self.panes, self.session, ProcessTable(world, services), self.began, self.opened)

    def with_window(self, session: str, index: int) -> Snapshot:
        """The snapshot once we have opened this window."""
        return Snapshot(self.panes, Session(session, True), self.process_table, self.began, self.opened | {index})


def take_snapshot(world: World, services: int = 1, launches: Collection[str] = ()) -> Snapshot:
    """What tmux shows now, from one tmux process; `services` is how many are to be observed in it.

    If all of these are of the `launches`, and few, no other process is looked at than theirs.
    """
    began, panes = world.look_began(), world.tmux.panes()
    session = session_of(world.workspace.path, panes, world.is_same_folder)
    ours_first = sorted(panes, key=lambda pane: pane.session != session.name)
    near = {pane.pid for pane in panes if pane.launch in launches and not pane.dead}
    return Snapshot(tuple(ours_first), session, ProcessTable(world, services, near or None), began)
