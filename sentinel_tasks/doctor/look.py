"""One look at what the checks need; each fact is found when it is first asked for, and only once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import Problem, TmuxRefused
from ..model import Listener, Observation, Pane
from ..names import mark
from ..tmux.sockets import socket_folder
from ..world import World

if TYPE_CHECKING:
    from ..observation.process_table import ProcessTable
    from ..observation.snapshot import Snapshot


class Given(Struct, frozen=True):
    """What only the caller knows: problems of the configuration, how the tasks file was read, what Invoke lacks.

    `unread` are keys and variables that nothing reads, each with what may have been meant; not all are in it unless
    `keys_are_known`. `unlisted` are the services that the tasks file declares and `inv --list` does not show, by file.
    `lost` are the private names that the installed Invoke lacks, each with what the user loses by that.
    """

    problems: tuple[Problem, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()
    keys_are_known: bool = True
    unlisted: tuple[tuple[str, tuple[str, ...]], ...] = ()
    has_tasks_file: bool = True
    invoke_version: str = ""
    lost: tuple[tuple[str, str], ...] = ()


class Look:
    """The machine at one moment; make a new one to look again."""

    def __init__(self, world: World, given: Given) -> None:
        self.world, self.given = world, given
        self.workspace = world.workspace

    @cached_property
    def _asked(self) -> tuple[list[Pane], str]:
        if not self.world.tmux.is_installed:
            return [], "tmux is not installed"
        try:
            return self.world.tmux.panes(), ""
        except TmuxRefused as reason:
            return [], reason.what

    @property
    def panes(self) -> list[Pane]:
        """Every pane of the server; [] if no server can be asked."""
        return self._asked[0]

    @cached_property
    def panes_everywhere(self) -> list[Pane]:
        """Every pane of every server of this user that answers."""
        from ..observation.other_servers import panes_elsewhere

        return [*self.panes, *panes_elsewhere(self.world)] if self.world.tmux.is_installed else []

    @property
    def silent(self) -> str:
        """Why tmux can't be asked; empty if it can."""
        return self._asked[1]

    @property
    def own_session(self) -> Pane | None:
        """A pane of this workspace's session, if there is one."""
        return next((pane for pane in self.panes if pane.workspace == mark(self.workspace.path)), None)

    @cached_property
    def socket_folder(self) -> str:
        """Where the sockets of this user's tmux servers are."""
        return socket_folder(self.world.environ)

    @cached_property
    def _snapshot(self) -> Snapshot:
        from ..observation.snapshot import take_snapshot

        return take_snapshot(self.world, len(self.workspace.services))

    @property
    def table(self) -> ProcessTable:
        """The machine's processes."""
        return self._snapshot.process_table

    @cached_property
    def observations(self) -> Mapping[str, Observation]:
        """Each service as a start would see it, except that its health is not asked."""
        from ..observation.observe import observe

        services = () if self.silent else self.workspace.services
        return {each.name: observe(each, self.world, self._snapshot, lambda *_: None) for each in services}

    @cached_property
    def strays(self) -> Mapping[str, list[Listener]]:
        """Processes of this workspace's services that have no launcher any more, by service.

        A process that a running service has detached from itself is no stray. If tmux can't be asked, nobody knows.
        """
        if self.silent:
            return {}
        declared = {name: [holder.listener for holder in seen.orphans] for name, seen in self.observations.items()}
        found = {**self._undeclared_strays(), **declared}
        return {name: whom for name, whom in found.items() if whom and not self._runs(name)}

    def _undeclared_strays(self) -> dict[str, list[Listener]]:
        from ..observation.launchers import is_tagged

        found: dict[str, list[Listener]] = {}
        for each in self.table.loose():
            if each.tags.service and is_tagged(each, self.world, self._snapshot):
                found.setdefault(each.tags.service, []).append(self.table.describe(each.process.pid, ""))
        return found

    def _runs(self, service: str) -> bool:
        from ..observation.launchers import launchers_of

        return bool(launchers_of(service, self.world, self.table))
