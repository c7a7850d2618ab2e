"""Every workspace of this user that anything is left of: what runs of it, and what became of its folder.

Contract: Tasks, Gc.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

from msgspec import Struct, field
from msgspec.structs import replace

from ..decisions.gone import Fate, Held, Mount, Sight, fate_of, since_when
from ..errors import TmuxRefused
from ..folder import Folder
from ..model import Condition, Identity, Pane, Run, Service, Workspace, identity_of
from ..names import session_name, state_name, unmarked
from ..world import World
from .other_servers import other_worlds
from .process_table import ProcessTable
from .unconfigured import launched_service, marked_service

RECORDS = ".run.json"
MANY = 16


class Left(Struct):
    """What is left of a workspace: its windows by the tmux server that they are on, and who runs of which service."""

    panes: dict[str | None, list[Pane]] = field(default_factory=dict)
    running: dict[str, set[Identity]] = field(default_factory=dict)
    holders: set[int] = field(default_factory=set)
    sessions: set[str | None] = field(default_factory=set)
    runs: dict[str, Run] = field(default_factory=dict)


class Known(Struct, frozen=True):
    """A workspace that is known of: what became of it, and what is left of it.

    `folder` is what was written down of it; `since` is when it was seen to be gone first, at the latest.
    """

    path: str
    fate: Fate
    left: Left
    state_folder: Path
    folder: Folder | None = None
    since: float | None = None

    @property
    def running(self) -> list[str]:
        """The names of its services that run, in order."""
        return sorted(self.left.running)

    @property
    def servers(self) -> list[str | None]:
        """The tmux servers that have a window or the session of it; the default one comes first."""
        return sorted({*self.left.panes, *self.left.sessions}, key=lambda name: name or "")

    def services(self) -> dict[str, Service]:
        """Its services that run or have a window, as windows, launchers and records tell of them."""
        panes = [pane for found in self.left.panes.values() for pane in found if pane.service]
        by_alive = sorted(panes, key=lambda pane: pane.alive)
        found = {
            **{name: launched_service(self.path, name) for name in self.running},
            **{pane.service: marked_service(pane) for pane in by_alive},
        }
        return {name: _as_recorded(each, self.left.runs.get(name), found) for name, each in found.items()}

    def world(self, world: World, server: str | None) -> World:
        """The workspace's world on that tmux server, as it is known without its configuration."""
        there = Workspace(
            self.path, session_name(self.path), str(self.state_folder), tuple(self.services().values()),
            socket_name=server, typed=world.workspace.typed,
        )  # fmt: skip
        return world.with_workspace(there)


def _as_recorded(service: Service, run: Run | None, others: Collection[str]) -> Service:
    """With what its launcher wrote down of how it is stopped, and after whom."""
    if run is None:
        return service
    timeout = service.stop_timeout if run.stop_timeout is None else run.stop_timeout
    needs: tuple[tuple[str, Condition], ...] = tuple((name, "started") for name in run.needs if name in others)
    return replace(service, stop_timeout=timeout, stop_signal=run.stop_signal, depends_on=needs)


def known_workspaces(world: World, only: str | None = None) -> list[Known]:
    """Every workspace of which anything is left, or that one alone, in the order of their paths."""
    folders = world.folders.known_folders(world.state_root)
    by_path = {folder.path: folder for folder in folders.values() if folder is not None}
    left = _left(world, ProcessTable(world, MANY), by_path)
    for path, folder in by_path.items():
        if path in left or only in (None, path):
            _add_recorded(world, path, folder, left.setdefault(path, Left()))
    paths = sorted(left) if only is None else [path for path in left if path == only]
    return [_known(world, path, left[path], by_path) for path in paths]


def gone_beside(world: World) -> list[Known]:
    """Workspaces of the same repository that are gone or were moved while services of theirs run, as records tell.

    Nobody asks tmux or git: every task wants to know it, and as a rule there are none.
    """
    missing = world.missing_beside()
    if not missing:
        return []
    folders = world.folders.known_folders(world.state_root)
    by_path = {folder.path: folder for folder in folders.values() if folder is not None}
    found = [_known(world, path, _recorded(world, path), by_path) for path in missing if path in by_path]
    return [each for each in found if each.running and each.fate.word in ("gone", "moved")]


def _recorded(world: World, path: str) -> Left:
    """What runs by the records of its launchers."""
    left = Left()
    for service, run in _runs(world, path):
        launcher = Identity(run.launcher, run.launcher_ticks)
        if world.processes.is_this_boot(run.boot) and world.processes.is_alive(launcher) and not run.is_over:
            left.running[service] = {launcher}
            left.holders.add(run.launcher)
    return left


def _left(world: World, table: ProcessTable, recorded: Collection[str]) -> dict[str, Left]:
    """What runs of those that our state folder knows, and of those that have windows: whoever has another state folder
    has other workspaces.
    """
    found: dict[str, Left] = {}
    for server, panes in _panes(world):
        for pane in panes:
            if pane.workspace:
                found.setdefault(unmarked(pane.workspace), Left()).sessions.add(server)
            if pane.home:
                left = found.setdefault(unmarked(pane.home), Left())
                left.panes.setdefault(server, []).append(pane)
    for each in table.launchers():
        if each.workspace in found or Path(each.record).parent.parent == world.state_root:
            left = found.setdefault(each.workspace, Left())
            left.running.setdefault(each.service, set()).add(identity_of(each.process))
            left.holders.add(each.process.pid)
    for who, workspace, service in _tagged(table):
        if workspace not in found and workspace not in recorded:
            continue
        found.setdefault(workspace, Left()).running.setdefault(service, set()).add(who)
    return found


def _panes(world: World) -> Iterator[tuple[str | None, list[Pane]]]:
    """Of every tmux server of this user that answers."""
    for there in (world, *other_worlds(world)):
        with suppress(TmuxRefused):
            yield there.workspace.socket_name, there.tmux.panes()


def _tagged(table: ProcessTable) -> Iterator[tuple[Identity, str, str]]:
    """Processes below no launcher that carry a workspace's tags; a window of a server that lives left none of them."""
    for each in table.loose():
        server = table.process(each.tags.server)
        is_guest = server is not None and server.kind == "multiplexer"
        if each.tags.workspace and each.tags.service and not is_guest:
            yield identity_of(each.process), each.tags.workspace, each.tags.service


def _add_recorded(world: World, path: str, folder: Folder, left: Left) -> None:
    """Processes that a launcher's record names and that live on without it."""
    for service, run in _runs(world, path):
        left.runs[service] = run
        if service not in left.running and world.processes.is_this_boot(run.boot):
            living = {who for who in run.known if world.processes.is_alive(who)}
            left.running.update({service: living} if living else {})


def _runs(world: World, path: str) -> Iterator[tuple[str, Run]]:
    """Each service of the workspace that has a record, and what it tells."""
    state = world.state_of(str(world.state_root / state_name(path)))
    for record in sorted(state.folder.glob(f"*{RECORDS}")):
        service = record.name.removesuffix(RECORDS)
        if (run := state.run(service)) is not None:
            yield service, run


def _known(world: World, path: str, left: Left, by_path: dict[str, Folder]) -> Known:
    folder, state_folder = by_path.get(path), world.state_root / state_name(path)
    sight, removed = _sight(world, path, folder, left.holders, by_path)
    fate = fate_of(sight)
    if fate.word != "gone":
        return Known(path, fate, left, state_folder, folder)
    since = since_when(folder.gone_since if folder else None, removed, world.folders.changed_above(path))
    return Known(path, fate, left, state_folder, folder, since)


def _sight(
    world: World, path: str, folder: Folder | None, holders: Iterable[int], others: Iterable[str]
) -> tuple[Sight, float | None]:
    """What is seen of the folder, and when the kernel saw it removed."""
    is_there, why = world.folders.is_there(path)
    if is_there is not False:
        return Sight(is_there, why), None
    held, elsewhere, removed = _held(world, path, folder, holders)
    if folder is None:
        return Sight(False, held=held, elsewhere=elsewhere), removed
    mount = world.folders.mount_state(folder.mount, not world.processes.is_this_boot(folder.boot))
    by_git = "" if elsewhere else world.folders.place_by_git(folder)
    if not (elsewhere or by_git or held):  # of what a launcher works in, the kernel's word is enough
        elsewhere = world.folders.place_by_identity(folder, others)
    return Sight(False, "", True, cast(Mount, mount), folder.mount.point, held, elsewhere, by_git), removed


def _held(world: World, path: str, folder: Folder | None, holders: Iterable[int]) -> tuple[Held, str, float | None]:
    """What its launchers, which began in it, tell of the folder: whether it was removed, and where else it is."""
    held: Held = ""
    removed: float | None = None
    for pid in sorted(holders):
        grip = world.folders.held_by(pid)
        if grip is None:
            continue
        is_known = folder is not None and (grip.inode, grip.device) == (folder.identity.inode, folder.identity.device)
        if not (is_known or grip.place == path):
            continue
        if grip.is_reachable:
            return "", grip.place, None
        if not grip.is_removed:
            held = "hidden"
        elif held != "hidden":
            held, removed = "removed", max(removed or 0.0, grip.changed)
    return held, "", removed
