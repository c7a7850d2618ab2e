"""The services' output as lines: the last ones, and those that come, each with its service's name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from ..errors import TmuxRefused, TmuxUnavailable
from ..model import Line, Pane
from ..observation.log_pump import is_lost
from ..text.duration import moment
from ..text.latest import Latest
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


class Shown(NamedTuple):
    """A line of a service's output: when it came (epoch seconds, 0 if unknown), whose it is, as it may be shown.

    Where `begins` is true the text is ours: another run of the service begins here.
    """

    when: float
    service: str
    text: str
    begins: bool = False


def last(world: World, logs: Mapping[str, Path], count: int, colour: bool, with_runs: bool = False) -> list[Shown]:
    """The last `count` lines of each service, all in the order of time; `with_runs` with a line between two runs."""
    timed = [
        (when, name, line)
        for name, log in logs.items()
        for when, line in world.logs.last_lines(log, count, with_runs=with_runs)
    ]
    return [_shown(when, name, line, colour) for when, name, line in sorted(timed, key=itemgetter(0))]


def _shown(when: float, name: str, line: bytes, colour: bool) -> Shown:
    if is_only_annotations(line):
        return Shown(when, name, f"another run began at {moment(when)}", begins=True)
    return Shown(when, name, readable(line, colour))


def following(
    world: World,
    logs: Mapping[str, Path],
    count: int,
    colour: bool,
    wanted: Callable[[], bool],
    with_runs: bool = False,
) -> Iterator[Shown]:
    """The last lines, then every line that comes, through restarts and rotations, as long as they are wanted.

    No line is lost however slowly they are taken, and no more is in memory than some of them and an unfinished one.
    """
    readers = {name: world.logs.following(log, count + 1) for name, log in logs.items()}
    waiting = {name: _last_printed(reader, count, with_runs) for name, reader in readers.items()}
    try:
        while wanted():
            for when, name, line in take_due(waiting):
                yield _shown(when, name, line, colour)
            for name, reader in readers.items():
                waiting[name] = waiting[name] or _printed(reader.next_lines(), with_runs)
            if not any(waiting.values()):
                world.sleep(PAUSE)
    finally:
        for reader in readers.values():
            reader.close()


def _last_printed(reader: LogReader, count: int, with_runs: bool) -> list[Line]:
    latest = Latest(count)
    for when, line in reader.lines():
        if with_runs or not is_only_annotations(line):
            latest.add(when, line)
    return latest.lines()


def _printed(lines: Iterable[Line], with_runs: bool) -> list[Line]:
    """Those that the service itself printed, and if wanted where its runs begin."""
    return [(when, line) for when, line in lines if with_runs or not is_only_annotations(line)]


def take_due(waiting: dict[str, list[Line]]) -> list[tuple[float, str, bytes]]:
    """Takes what can be told in the order of time: all up to where the first of those that wait may have more."""
    ends = [lines[-1][0] for lines in waiting.values() if lines]
    if not ends:
        return []
    cut = {name: bisect_right(lines, min(ends), key=itemgetter(0)) for name, lines in waiting.items()}
    timed = [(when, name, line) for name, lines in waiting.items() for when, line in lines[: cut[name]]]
    for name, lines in waiting.items():
        waiting[name] = lines[cut[name] :]
    return sorted(timed, key=itemgetter(0))
