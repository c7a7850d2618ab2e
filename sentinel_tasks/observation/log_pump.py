"""Whether a running service's output is still written to its log."""

from __future__ import annotations

from ..world import World


def is_lost(world: World, log: str, launcher: int, server: int) -> bool:
    """True if this launcher runs and the tmux server has no log pump that writes this log: it was killed.

    A pump that has only just been started is found by its command line. One whose log is a link writes nothing: that
    is told as it is.
    """
    if world.is_being_written(log) or world.is_link(log):
        return False
    table = world.processes.read()
    if (process := table.get(launcher)) is None or not process.is_alive:
        return False  # a pump ends with its launcher
    children = [each for each in table.values() if each.parent == server and each.is_alive]
    if any(each.kind == "multiplexer" for each in children):
        return False  # tmux has forked for it, and the child is tmux itself yet
    return not any(log in word for each in children for word in world.processes.command_line(each.pid))
