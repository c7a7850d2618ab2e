"""Services as their windows tell of them: of another workspace, or no longer named by this one's configuration."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from ..model import Health, Pane, Service
from ..names import is_instance, mark, unmarked
from ..world import World
from .process_table import ProcessTable


def marked_service(pane: Pane) -> Service:
    """What the window's marks tell; how its health was asked is not known here, only whether it ever was healthy."""
    told = Health("http", "/") if pane.port else Health("up")
    health = Health("exit") if pane.kind == "exit" else told
    name = pane.service
    return Service(
        name, name, "", "configured", unmarked(pane.home), pane.port, health, window=pane.window_name, has_tasks=False
    )


def running_unread(world: World, panes: Iterable[Pane]) -> list[Service]:
    """Services that run and whose configuration can't be read: healthy as long as their port accepts."""
    found = unconfigured(world, panes, ProcessTable(world))
    return [replace(each, health=Health("tcp")) if each.port else each for each in found]


def unconfigured(
    world: World, panes: Iterable[Pane], table: ProcessTable, of: Collection[str] | None = None
) -> list[Service]:
    """Services of this workspace that still run, although its configuration does not name them any more.

    Also those whose windows are on a tmux server that is not asked. With `of` only instances of these services.
    """
    home, known = mark(world.workspace.path), {service.name for service in world.workspace.services}
    living = {pane.service: pane for pane in panes if pane.home == home and pane.alive and pane.service not in known}
    launched = [each.service for each in table.launchers() if each.workspace == world.workspace.path]
    others = dict.fromkeys(name for name in launched if name not in (*known, *living))
    found = [*map(marked_service, living.values()), *(launched_service(world.workspace.path, name) for name in others)]
    return found if of is None else [each for each in found if any(is_instance(each.name, name) for name in of)]


def launched_service(workspace: str, name: str) -> Service:
    """What its launcher alone tells."""
    return Service(name, name, "", "configured", workspace, None, Health("up"), has_tasks=False)
