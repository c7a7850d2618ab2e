"""The verb `logs`: the last lines of output or those that were asked for, those to come, and what there is of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .acting import Names, are_instances, open_running_world
from .console import AT_ONCE, Console
from .views import how_to_start

if TYPE_CHECKING:
    from ..engine.log_lines import Shown
    from ..engine.log_search import Searches, Source
    from ..logs.wanted import Stats
    from ..world import World
    from .log_flags import Wish

LONGEST = 10_000
"""Characters of a line that are shown off a terminal, unless `--lines` asks for it."""


class Counts:
    """How many lines of each service were shown, and how many of them all were cut."""

    def __init__(self) -> None:
        self.shown: dict[str, int] = {}
        self.cut = 0


def show_logs(console: Console, names: Names, **flags: Any) -> int:
    """Shows the lines, and with `follow` all that come after them; on a terminal with a line between two runs."""
    from ..engine.log_search import Searches
    from .log_flags import Wish, wanted_by

    wish = Wish(**flags)
    wanted = wanted_by(wish, time.time(), is_seen=console.out.live)
    world, meant = open_running_world(console, names, {})
    wish = wish._replace(together=wish.together or are_instances(meant, names))
    logs = _sources(world, meant, wish)
    with_runs = sys.stdout.isatty() and not console.as_json and not wish.filters
    if not wish.follow and wish.cursor is None:
        logs = _those_that_are_there(world, logs, meant, wish)
    with Searches(world, logs, wanted, wish.cursor) as searches:
        show = _follow if wish.follow else _tell_stats if wish.stats else _tell
        try:
            show(console, searches, logs, wish, with_runs)
        except BrokenPipeError:
            return 0
        except KeyboardInterrupt:
            return 130
    return 0


def _sources(world: World, names: Sequence[str], wish: Wish) -> Mapping[str, Source]:
    from ..engine.log_search import sources, sources_everywhere

    return (sources_everywhere if wish.everywhere else sources)(world, [*names])


def _those_that_are_there(
    world: World, logs: Mapping[str, Source], names: Sequence[str], wish: Wish
) -> Mapping[str, Source]:
    from ..errors import NothingThere

    found = {name: source for name, source in logs.items() if world.logs.exists(source.log)}
    if not found:
        way_on = how_to_start(world.workspace, None if wish.together else names[0])
        raise NothingThere(f"{', '.join(names)}: nothing was ever logged here", way_on)
    return found


def _tell(console: Console, searches: Searches, logs: Mapping[str, Source], wish: Wish, with_runs: bool) -> None:
    from ..report import dumps_in_pieces
    from ..text.duration import timestamp

    counts = Counts()
    found = searches.found(console.out.colour and not console.as_json, with_runs)
    if wish.lines is None and not console.out.live:
        found = _cut(found, counts)
    if not console.as_json:
        _print(map(_as_lines(console, logs, wish), found), AT_ONCE)
        _tell_of_rest(console, counts, wish)
        if wish.cursor is not None:
            console.diagnostic(f"cursor: {searches.cursor()}")
        return
    times: list[float | None] = []

    def lines() -> Iterator[str]:
        for each in found:
            times.append(each.when or None)
            stamp = f"{timestamp(each.when)} " if wish.timestamps else ""
            yield f"{stamp}{each.service}: {each.text}" if wish.together else f"{stamp}{each.text}"

    def rest() -> dict[str, Any]:
        return {"times": times, "cut": counts.cut, "more": _is_full(counts, wish), "cursor": searches.cursor()}

    console.document_in_pieces(dumps_in_pieces(_of(logs, wish), "lines", lines(), rest))
    _tell_of_rest(console, counts, wish)


def _cut(found: Iterable[Shown], counts: Counts) -> Iterator[Shown]:
    """The same lines, the long ones cut; one of those has no colours, which would be cut in two."""
    from ..text.sanitize import plain, shortened

    for each in found:
        counts.shown[each.service] = counts.shown.get(each.service, 0) + 1
        if len(each.text) <= LONGEST:
            yield each
            continue
        text = plain(each.text) if "\x1b" in each.text else each.text
        counts.cut += len(text) > LONGEST
        yield each._replace(text=shortened(text, LONGEST))


def _is_full(counts: Counts, wish: Wish) -> bool:
    """True if the bound was met where nobody asked for a number of lines: there may be more."""
    from .log_flags import MOST_UNSEEN

    return (wish.bounds or wish.filters) and max(counts.shown.values(), default=0) >= MOST_UNSEEN


def _tell_of_rest(console: Console, counts: Counts, wish: Wish) -> None:
    """Says how to get what was left out, and which flag shows lines whole: it asks for as many as were shown anyhow."""
    from .log_flags import LINES, MOST_LINES, MOST_UNSEEN

    if _is_full(counts, wish):
        rest = "the cursor goes on behind them" if wish.cursor is not None else f"--lines {MOST_LINES} shows all"
        console.warning(f"{MOST_UNSEEN} lines of a service are shown, and there may be more; {rest}")
    if counts.cut:
        lines = max(counts.shown.values()) if wish.bounds or wish.filters else LINES
        which, they = ("1 line is", "it") if counts.cut == 1 else (f"{counts.cut} lines are", "them")
        console.warning(f"{which} cut after {LONGEST} characters; --lines {lines} shows {they} whole")


def _tell_stats(console: Console, searches: Searches, logs: Mapping[str, Source], wish: Wish, _: bool) -> None:
    from ..report.tables import stats_table

    stats = searches.stats()
    if not console.as_json:
        console.result(stats_table([_row(name, each) for name, each in stats.items()], console.out))
        return
    rows = [
        {"service": source.service, **({"workspace": source.workspace} if wish.everywhere else {}),
         **stats[name]._asdict(), "first": stats[name].first or None, "last": stats[name].last or None}
        for name, source in logs.items()
    ]  # fmt: skip
    console.document({**_of(logs, wish), "stats": rows, "cursor": searches.cursor()})


def _row(name: str, stats: Stats) -> tuple[str, ...]:
    from ..text.duration import timestamp

    levels = ", ".join(
        f"{count} {level}" for level, count in reversed(stats.levels.items()) if count and level != "none"
    )
    return name, str(stats.lines), str(stats.bytes), levels or "-", timestamp(stats.first), timestamp(stats.last)


def _of(logs: Mapping[str, Source], wish: Wish) -> dict[str, Any]:
    return {"service": None if wish.together else next(iter(logs))}


def _follow(console: Console, searches: Searches, logs: Mapping[str, Source], wish: Wish, with_runs: bool) -> None:
    from ..report import is_read

    colour, as_line = console.out.colour, _as_lines(console, logs, wish)
    _print(map(as_line, searches.found(colour, with_runs)), AT_ONCE)
    _print(map(as_line, searches.to_come(colour, with_runs, lambda: is_read(sys.stdout))), 0)


def _print(lines: Iterable[str], at_once: int) -> None:
    from ..report import joined, put

    for text in joined((f"{line}\n" for line in lines), at_once):
        put(text, sys.stdout, end="")


def _as_lines(console: Console, logs: Mapping[str, Source], wish: Wish) -> Callable[[Shown], str]:
    """How a line is printed: a document, or its text behind its time and its service."""
    from ..report import dumps_line
    from ..text.duration import timestamp

    width = max(map(len, logs))
    names = {name: f"{console.out.hue(name.ljust(width), [*logs], name)} | " if wish.together else "" for name in logs}

    def document(shown: Shown) -> str:
        source = logs[shown.service]
        whose = {"workspace": source.workspace} if wish.everywhere else {}
        return dumps_line({"service": source.service, **whose, "line": shown.text, "time": shown.when or None})

    def line(shown: Shown) -> str:
        text = console.out.quiet(f"{console.out.sign('rule') * 2} {shown.text}") if shown.begins else shown.text
        stamp = f"{timestamp(shown.when)} " if wish.timestamps else ""
        return f"{stamp}{names[shown.service]}{text}"

    return document if console.as_json else line
