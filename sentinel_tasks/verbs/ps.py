"""The verb `ps` for who watches, and in plain sentences."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from .acting import open_running_world
from .console import Console
from .views import heading, with_hidden, workspace_document

if TYPE_CHECKING:
    from ..model import Report
    from ..observation.workspaces import Known
    from ..world import World


class Group(NamedTuple):
    """One workspace's services, and what is known of all folders; without a title where this one alone is meant."""

    title: str
    reports: list[Report]
    known: Mapping[str, Known]


def show_watched(console: Console, everywhere: bool, watch: bool, as_sentences: bool) -> int:
    """Shows the services until Ctrl-C or until nobody reads; without `watch` once."""
    world, names = open_running_world(console, None, {})
    found = _groups(world, names, everywhere)
    try:
        _show(console, world, found if watch else islice(found, 1), as_sentences)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


def _groups(world: World, names: Sequence[str], everywhere: bool) -> Iterator[list[Group]]:
    """What each look finds; of all workspaces also those whose windows nobody reaches."""
    from ..engine.watching_states import looks

    for looked in looks(world, names, everywhere):
        groups, known = with_hidden(world, looked) if everywhere else (looked, {})
        yield [Group(heading(world, each, known) if everywhere else "", each, known) for each in groups]


def _show(console: Console, world: World, found: Iterator[list[Group]], as_sentences: bool) -> None:
    if console.as_json:
        _as_documents(world, found)
    elif as_sentences or not console.out.live:
        _as_sentences(world, found)
    else:
        _in_place(console, world, found)


def _as_documents(world: World, found: Iterator[list[Group]]) -> None:
    """One document a line for each look."""
    from ..report import dumps_line, is_read, put

    for groups in found:
        documents = [workspace_document(world, each.reports, each.known) for each in groups]
        put(dumps_line({"workspaces": documents}), sys.stdout)
        if not is_read(sys.stdout):
            return


def _as_sentences(world: World, found: Iterator[list[Group]]) -> None:
    """Every service once, and then what changes, with its time."""
    from ..report import is_read, put
    from ..report.watched import Changes
    from ..text.duration import moment

    changes: dict[str, Changes] = {}
    for number, groups in enumerate(found):
        stamp = f"{moment(world.now())[11:]} " if number else ""
        for each in groups:
            where = f"{each.title}: " if each.title else ""
            for line in changes.setdefault(each.title, Changes()).of(each.reports):
                put(f"{stamp}{where}{line}", sys.stdout)
        if not is_read(sys.stdout):
            return


def _in_place(console: Console, world: World, found: Iterator[list[Group]]) -> None:
    from ..report.watched import Screen, lines_within

    screen = Screen(sys.stdout, console.out)
    try:
        for groups in found:
            console.clear()
            lines = list[str]()
            for each in groups:
                lines += [each.title] if each.title else []
                lines += lines_within(each.reports, console.out, screen.columns)
            screen.show(lines, world.now())
    finally:
        screen.clear()
