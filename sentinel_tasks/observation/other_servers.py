"""The other tmux servers of this user: a workspace may have chosen a socket of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from msgspec.structs import replace

from ..errors import TmuxRefused
from ..model import Pane
from ..world import World


def other_worlds(world: World) -> Iterator[World]:
    """The same workspace as it would be on each other server that runs."""
    for name in world.other_sockets():
        yield world.with_workspace(replace(world.workspace, socket_name=name))


def panes_elsewhere(world: World) -> Iterator[Pane]:
    """Every pane of every other server that answers."""
    for there in other_worlds(world):
        with suppress(TmuxRefused):
            yield from there.tmux.panes()
