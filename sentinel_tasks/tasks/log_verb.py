"""The verb `logs`: the last lines of output, those to come, when each came, and where another run began."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .console import Console
from .verbs import Names, are_instances, open_running_world
from .views import how_to_start

if TYPE_CHECKING:
    from ..engine.log_lines import Shown

MOST_LINES = 10_000_000


class Wish(NamedTuple):
    """What a person wants to see of the logs: the flags of the task, and whether it is of the whole workspace."""

    lines: str
    follow: bool
    timestamps: bool
    together: bool = False


def show_logs(console: Console, names: Names, wish: Wish) -> int:
    """Shows the last lines, and with `follow` all that come after them; on a terminal with a line between two runs."""
    from ..engine.log_lines import following, last, log_files
    from ..errors import NothingThere
    from ..report import is_read

    count, with_runs = _number_of_lines(wish.lines), sys.stdout.isatty() and not console.as_json
    world, wanted = open_running_world(console, names, {})
    logs, wish = log_files(world, wanted), wish._replace(together=wish.together or are_instances(wanted, names))
    if wish.follow:
        to_come = following(world, logs, count, console.out.colour, lambda: is_read(sys.stdout), with_runs)
        return _until_nobody_reads(console, to_come, wanted, wish)
    found = last(world, logs, count, console.out.colour and not console.as_json, with_runs)
    if not any(log.exists() for log in logs.values()):
        way_on = how_to_start(world.workspace, None if wish.together else wanted[0])
        raise NothingThere(f"{', '.join(wanted)}: nothing was ever logged here", way_on)
    named = [f"{shown.service}: " if wish.together else "" for shown in found]
    lines = [f"{_stamp(shown, wish)}{name}{shown.text}" for name, shown in zip(named, found, strict=True)]
    console.document({"service": None if wish.together else wanted[0], "lines": lines})
    return _until_nobody_reads(console, [] if console.as_json else found, wanted, wish)


def _until_nobody_reads(console: Console, lines: Iterable[Shown], names: Sequence[str], wish: Wish) -> int:
    """Prints the lines until they end, their reader has gone, or Ctrl-C is pressed; returns the exit code."""
    from ..report import put

    try:
        for shown in lines:
            put(_line(console, shown, names, wish), sys.stdout)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


def _line(console: Console, shown: Shown, names: Sequence[str], wish: Wish) -> str:
    if console.as_json:
        from ..report import dumps_line

        return dumps_line({"service": shown.service, "line": shown.text, "time": shown.when or None})
    width = max(len(each) for each in names)
    name = f"{console.out.hue(shown.service.ljust(width), names, shown.service)} | " if wish.together else ""
    text = console.out.quiet(f"{console.out.sign('rule') * 2} {shown.text}") if shown.begins else shown.text
    return f"{_stamp(shown, wish)}{name}{text}"


def _stamp(shown: Shown, wish: Wish) -> str:
    from ..text.duration import timestamp

    return f"{timestamp(shown.when)} " if wish.timestamps else ""


def _number_of_lines(text: str) -> int:
    from ..errors import ConfigurationError, Problem

    text = str(text)
    if not text.isdecimal() or not text.isascii() or int(text) > MOST_LINES:
        raise ConfigurationError([Problem("--lines", text, f"must be a number from 0 to {MOST_LINES}")])
    return int(text)
