"""The services' output as lines: the last ones, and those that come, each with its service's name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from ..errors import TmuxRefused, TmuxUnavailable
from ..model import Line, Pane
from ..observation.log_pump import is_lost
from ..text.duration import moment
from ..text.sanitize import is_only_annotations, readable
from ..tmux.lookup import pane_of
from ..world import World
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
        if name in services and pane and pane.alive and is_lost(world, str(logs[name]), pane.pid, pane.server):
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


def shown(when: float, service: str, line: bytes, colour: bool) -> Shown:
    """The line as it may be shown."""
    if is_only_annotations(line):
        return Shown(when, service, f"another run began at {moment(when)}", begins=True)
    return Shown(when, service, readable(line, colour))


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
