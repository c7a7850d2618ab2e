"""The verb `ps` for who watches, and in plain sentences."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from .acting import open_running_world
from .console import Console
from .views import heading, with_hidden, workspace_document

if TYPE_CHECKING:
    from ..model import Report
    from ..observation.workspaces import Known
    from ..world import World


def show_watched(console: Console, everywhere: bool, watch: bool, as_sentences: bool) -> int:
    """Shows the services until Ctrl-C or until nobody reads; without `watch` once."""
    from ..engine.watching_states import looks

    world, names = open_running_world(console, None, {})
    found = looks(world, names, everywhere)
    try:
        _show(console, world, found if watch else islice(found, 1), as_sentences)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


def _show(console: Console, world: World, found: Iterator[list[list[Report]]], as_sentences: bool) -> None:
    if console.as_json:
        _as_documents(world, found)
    elif as_sentences or not console.out.live:
        _as_sentences(world, found)
    else:
        _in_place(console, world, found)


def _everything(world: World, groups: list[list[Report]]) -> tuple[list[list[Report]], Mapping[str, Known]]:
    """Of all workspaces also those whose windows nobody reaches; of this one alone nothing more."""
    return with_hidden(world, groups) if len(groups) > 1 else (groups, {})


def _as_documents(world: World, found: Iterator[list[list[Report]]]) -> None:
    """One document a line for each look."""
    from ..report import dumps_line, is_read, put

    for looked in found:
        groups, known = _everything(world, looked)
        put(dumps_line({"workspaces": [workspace_document(world, group, known) for group in groups]}), sys.stdout)
        if not is_read(sys.stdout):
            return


def _as_sentences(world: World, found: Iterator[list[list[Report]]]) -> None:
    """Every service once, and then what changes, with its time."""
    from ..report import is_read, put
    from ..report.watched import Changes
    from ..text.duration import moment

    changes: dict[str, Changes] = {}
    for number, looked in enumerate(found):
        groups, known = _everything(world, looked)
        stamp = f"{moment(world.now())[11:]} " if number else ""
        for group in groups:
            home = heading(world, group, known) if len(groups) > 1 else ""
            for line in changes.setdefault(home, Changes()).of(group):
                put(f"{stamp}{f'{home}: ' if home else ''}{line}", sys.stdout)
        if not is_read(sys.stdout):
            return


def _in_place(console: Console, world: World, found: Iterator[list[list[Report]]]) -> None:
    from ..report.watched import Screen, lines_within

    screen = Screen(sys.stdout, console.out)
    try:
        for looked in found:
            groups, known = _everything(world, looked)
            console.clear()
            lines = list[str]()
            for group in groups:
                lines += [heading(world, group, known)] if len(groups) > 1 else []
                lines += lines_within(group, console.out, screen.columns)
            screen.show(lines, world.now())
    finally:
        screen.clear()
