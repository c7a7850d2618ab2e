"""The other tmux servers of this user: a workspace may have chosen a socket of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from msgspec.structs import replace

from ..errors import TmuxRefused
from ..model import Pane
from ..tmux.sockets import servers, socket_folder
from ..world import World

DEFAULT = "default"


def other_worlds(world: World) -> Iterator[World]:
    """The same workspace as it would be on each other server that runs."""
    own = world.workspace.socket_name or DEFAULT
    for name in servers(socket_folder(world.environ)):
        if name != own:
            yield World(replace(world.workspace, socket_name=name), world.environ, world.echo)


def panes_elsewhere(world: World) -> Iterator[Pane]:
    """Every pane of every other server that answers."""
    for there in other_worlds(world):
        with suppress(TmuxRefused):
            yield from there.tmux.panes()
