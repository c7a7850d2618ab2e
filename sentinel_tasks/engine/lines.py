"""The services' output as lines: the last ones, and those that come, each with its service's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import TmuxRefused, TmuxUnavailable
from ..logs import Line, Reader, last_lines
from ..logtext import is_only_marks, readable
from ..model import Pane
from ..places import pane_of
from ..world import World

PAUSE = 0.1


def log_files(world: World, names: Sequence[str]) -> dict[str, Path]:
    """Where each service's log is: with whoever started it, as far as tmux can tell."""
    panes = _panes(world)
    return {name: world.state_of(pane_of(world.workspace.path, name, panes)).log(name) for name in names}


def _panes(world: World) -> list[Pane]:
    """A log can be read without tmux."""
    try:
        return world.tmux.panes()
    except (TmuxUnavailable, TmuxRefused):
        return []


def last(logs: Mapping[str, Path], count: int, colour: bool) -> list[tuple[str, str]]:
    """The last `count` lines of each service, all in the order in which they came."""
    timed = [(when, name, line) for name, log in logs.items() for when, line in last_lines(log, count)]
    return [(name, readable(line, colour)) for _, name, line in sorted(timed, key=lambda each: each[0])]


def following(
    world: World, logs: Mapping[str, Path], count: int, colour: bool, wanted: Callable[[], bool]
) -> Iterator[tuple[str, str]]:
    """The last lines, then every line that comes, through restarts and rotations, as long as they are wanted."""
    readers = {name: Reader(log).from_last(count + 2) for name, log in logs.items()}
    most: int | None = count
    try:
        while wanted():
            timed = [(when, name, line) for name, reader in readers.items() for when, line in _printed(reader, most)]
            for _, name, line in sorted(timed, key=lambda each: each[0]):
                yield name, readable(line, colour)
            most = None
            world.sleep(PAUSE)
    finally:
        for reader in readers.values():
            reader.close()


def _printed(reader: Reader, most: int | None) -> list[Line]:
    """The reader's next lines that the service itself printed; only the last of them if there is a limit."""
    lines = [(when, line) for when, line in reader.lines() if not is_only_marks(line)]
    return lines if most is None else lines[max(0, len(lines) - most) :]
