"""Searches of several logs at once: what is found in the order of time, what comes, and where each has stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from ..errors import ConfigurationError, Problem, TmuxRefused
from ..logs.cursor import cursor_of, places_of
from ..logs.wanted import Place, Stats, Wanted
from ..model import Line, Pane
from ..names import mark, state_name, unmarked
from ..observation.other_servers import panes_elsewhere
from ..text.sanitize import is_only_annotations
from ..tmux.lookup import pane_of
from ..world import World
from .log_lines import PAUSE, Shown, log_files, shown, take_due

if TYPE_CHECKING:
    from ..doors import LogSearch

NEVER_GIVEN = "was never given out in this workspace; without it, logs begin anew, and --json tells the cursor"


class Source(Struct, frozen=True):
    """A service's log: whose it is, where, and what it is called in a cursor."""

    service: str
    workspace: str
    log: Path
    key: str


def sources(world: World, names: list[str]) -> dict[str, Source]:
    """The logs of these services of the workspace, by the service's name."""
    files = log_files(world, names)
    return {name: Source(name, world.workspace.path, log, name) for name, log in files.items()}


def sources_everywhere(world: World, names: list[str]) -> dict[str, Source]:
    """The logs of all services of this user that have a window, and of this workspace's; by workspace and service.

    A workspace is called by its folder's name, or by its path where another one has the same.
    """
    own = world.workspace.path
    found = {(own, name): source for name, source in sources(world, names).items()}
    for (path, name), log in _elsewhere(world).items():
        found.setdefault((path, name), Source(name, path, log, f"{path}:{name}"))
    paths = {path for path, _ in found}
    short = {path: os.path.basename(path) for path in paths}
    alike = {path for path in paths if [*short.values()].count(short[path]) > 1}
    return {f"{path if path in alike else short[path]}/{name}": source for (path, name), source in found.items()}


def _elsewhere(world: World) -> dict[tuple[str, str], Path]:
    panes: list[Pane] = []
    with suppress(TmuxRefused):
        panes = [*world.tmux.panes(), *panes_elsewhere(world)]
    marked = sorted({(pane.home, pane.service) for pane in panes if pane.home and pane.service})
    others = [(unmarked(home), name) for home, name in marked if home != mark(world.workspace.path)]
    return {(path, name): _log(world, path, name, panes) for path, name in others}


def _log(world: World, path: str, name: str, panes: list[Pane]) -> Path:
    pane = pane_of(path, name, panes)
    folder = str(Path(world.workspace.state_folder).with_name(state_name(path)))
    return world.state_of(pane.state if pane and pane.state else folder).log(name)


class Searches:
    """One search in several logs, by name; entered, it has begun in each.

    `cursor` tells where an earlier answer has ended: ConfigurationError if it was never given out, or if what it points
    into is gone. A service of which it knows nothing is read from its first line on.
    """

    def __init__(self, world: World, of: Mapping[str, Source], wanted: Wanted, cursor: str | None) -> None:
        self._world, self._of, self._cursor = world, of, cursor
        self._places = _places(world, cursor) if cursor is not None else {}
        self._opened = ExitStack()
        self._searches = {name: world.search(source.log, self._wanted(source, wanted)) for name, source in of.items()}

    def _wanted(self, source: Source, wanted: Wanted) -> Wanted:
        return wanted if self._cursor is None else wanted._replace(after=self._places.get(source.key, Place()))

    def __enter__(self) -> Searches:
        with ExitStack() as opened:
            problems = [
                _gone(name, self._cursor) for name, search in self._searches.items()
                if not opened.enter_context(closing(search)).begin()
            ]  # fmt: skip
            if problems:
                raise ConfigurationError(problems)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def found(self, colour: bool, with_runs: bool) -> Iterator[Shown]:
        """The lines that are there now, all in the order of time."""
        each = (_named(name, search.found()) for name, search in self._searches.items())
        for when, name, line in merge(*each, key=itemgetter(0)):
            if with_runs or not is_only_annotations(line):
                yield shown(when, name, line, colour)

    def to_come(self, colour: bool, with_runs: bool, wanted: Callable[[], bool]) -> Iterator[Shown]:
        """Every line that comes after those, through restarts and rotations, as long as they are wanted.

        None is lost however slowly they are taken, and no more is in memory than some of them and an unfinished one.
        """
        waiting: dict[str, list[Line]] = {name: [] for name in self._searches}
        while wanted():
            for when, name, line in take_due(waiting):
                yield shown(when, name, line, colour)
            for name, search in self._searches.items():
                waiting[name] = waiting[name] or _printed(search, with_runs)
            if not any(waiting.values()):
                self._world.sleep(PAUSE)

    def stats(self) -> dict[str, Stats]:
        """What is to be told of the lines of each."""
        return {name: search.stats() for name, search in self._searches.items()}

    def cursor(self) -> str:
        """Where all have stopped; what the cursor before told of others is kept."""
        here = {self._of[name].key: search.place() for name, search in self._searches.items()}
        return cursor_of(self._world.workspace.path, {**self._places, **here})


def _named(name: str, lines: Iterator[Line]) -> Iterator[tuple[float, str, bytes]]:
    return ((when, name, line) for when, line in lines)


def _printed(search: LogSearch, with_runs: bool) -> list[Line]:
    return [(when, line) for when, line in search.to_come() if with_runs or not is_only_annotations(line)]


def _places(world: World, cursor: str) -> dict[str, Place]:
    found = places_of(world.workspace.path, cursor)
    if found is None:
        raise ConfigurationError([Problem("--cursor", cursor, NEVER_GIVEN)])
    return found


def _gone(name: str, cursor: str | None) -> Problem:
    reason = f"points into a file of {name}'s log that was removed or emptied since; --since goes on from a time"
    return Problem("--cursor", cursor, f"{reason}, and without --cursor logs begin anew")
