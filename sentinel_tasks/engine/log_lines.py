"""The services' output as lines: the last ones, and those that come, each with its service's name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path

from ..errors import TmuxRefused, TmuxUnavailable
from ..model import Line, Pane
from ..observation.log_pump import is_lost
from ..text.sanitize import is_only_annotations, readable
from ..tmux.lookup import pane_of
from ..world import LogReader, World
from .log_pump import start_again

PAUSE = 0.1


def log_files(world: World, names: Sequence[str]) -> dict[str, Path]:
    """Where each service's log is: with whoever started it, as far as tmux can tell.

    A log pump that was killed is started again.
    """
    panes = _panes(world)
    found = {name: pane_of(world.workspace.path, name, panes) for name in names}
    logs = {name: world.state_of(pane.state if pane else "").log(name) for name, pane in found.items()}
    services = {service.name: service for service in world.workspace.services}
    for name, pane in found.items():
        if name in services and pane and pane.alive and is_lost(world, logs[name], pane.pid, pane.server):
            start_again(world, services[name], logs[name], pane)
    return logs


def _panes(world: World) -> list[Pane]:
    """A log can be read without tmux."""
    try:
        return world.tmux.panes()
    except (TmuxUnavailable, TmuxRefused):
        return []


def last(world: World, logs: Mapping[str, Path], count: int, colour: bool) -> list[tuple[str, str]]:
    """The last `count` lines of each service, all in the order in which they came."""
    timed = [(when, name, line) for name, log in logs.items() for when, line in world.logs.last_lines(log, count)]
    return [(name, readable(line, colour)) for _, name, line in sorted(timed, key=lambda each: each[0])]


def following(
    world: World, logs: Mapping[str, Path], count: int, colour: bool, wanted: Callable[[], bool]
) -> Iterator[tuple[str, str]]:
    """The last lines, then every line that comes, through restarts and rotations, as long as they are wanted.

    No line is lost however slowly they are taken, and no more is in memory than some of them and an unfinished one.
    """
    readers = {name: world.logs.following(log, count + 2) for name, log in logs.items()}
    waiting = {name: _last_printed(reader, count) for name, reader in readers.items()}
    try:
        while wanted():
            for name, line in take_due(waiting):
                yield name, readable(line, colour)
            for name, reader in readers.items():
                waiting[name] = waiting[name] or _printed(reader.next_lines())
            if not any(waiting.values()):
                world.sleep(PAUSE)
    finally:
        for reader in readers.values():
            reader.close()


def _last_printed(reader: LogReader, count: int) -> list[Line]:
    lines = _printed(reader.lines())
    return lines[max(0, len(lines) - count) :]


def _printed(lines: Iterable[Line]) -> list[Line]:
    """Those that the service itself printed."""
    return [(when, line) for when, line in lines if not is_only_annotations(line)]


def take_due(waiting: dict[str, list[Line]]) -> list[tuple[str, bytes]]:
    """Takes what can be told in the order of time: all up to where the first of those that wait may have more."""
    ends = [lines[-1][0] for lines in waiting.values() if lines]
    if not ends:
        return []
    cut = {name: bisect_right(lines, min(ends), key=itemgetter(0)) for name, lines in waiting.items()}
    timed = [(when, name, line) for name, lines in waiting.items() for when, line in lines[: cut[name]]]
    for name, lines in waiting.items():
        waiting[name] = lines[cut[name] :]
    return [(name, line) for _, name, line in sorted(timed, key=itemgetter(0))]
