"""What `ps --watch` shows: a table drawn over in place, or, plain, a sentence for each service and each change."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from typing import TextIO

from ..model import Report
from ..text.duration import duration, moment
from ..text.sanitize import plain
from .document import pid_of, restarts_of
from .live import fitting
from .page import LEVEL, state_words
from .streams import put
from .style import Style
from .tables import table
from .width import columns, fitted

COLOUR = r"\x1b\[[0-9;]*m"
INDENT = "   "


class Screen:
    """The last lines of a terminal, drawn over until they are cleared."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self.stream, self.style = stream, style
        self._drawn: list[str] = []

    @property
    def columns(self) -> int:
        """How wide the terminal is now."""
        return shutil.get_terminal_size().columns

    def show(self, lines: Sequence[str], when: float) -> None:
        """Draws what is so now over what was drawn before; OSError if nobody reads it any more."""
        across, down = shutil.get_terminal_size()
        shown = _fitting([*lines, f"{moment(when)[11:]}  Ctrl-C ends this"], across, down)
        text = "".join(f"{line}\x1b[K\n" for line in shown)
        put(f"{self._up()}{text}\x1b[J", self.stream, end="")
        self._drawn = shown

    def clear(self) -> None:
        """Removes what was drawn."""
        if self._drawn:
            put(f"{self._up()}\x1b[J", self.stream, end="")
            self._drawn = []

    def _up(self) -> str:
        """To the first of the lines, which take several rows each where the terminal has become narrower."""
        across = max(1, self.columns)
        rows = sum(max(1, -(-_columns(line) // across)) for line in self._drawn)
        return f"\x1b[{rows}A\r" if rows else ""


def _fitting(lines: Sequence[str], across: int, down: int) -> list[str]:
    """As `fitting`, for lines of which some are coloured: one that has to be cut loses its colours."""
    bare = [re.sub(COLOUR, "", line) for line in lines]
    return [line if it == cut else cut for line, it, cut in zip(lines, bare, fitting(bare, across, down), strict=False)]


def lines_within(reports: Sequence[Report], style: Style, across: int) -> list[str]:
    """One line a service as `ps` has it; stacked, a few short lines each, where that is too wide."""
    lines = table([_without_words(each) for each in reports], style).splitlines()
    if max(map(_columns, lines)) < across:
        return table(reports, style).splitlines()
    return [line for each in reports for line in _stacked(each, style, across - 1)]


def _without_words(report: Report) -> Report:
    """The report without what is cut at the end of its line: that alone makes no table too wide."""
    from msgspec.structs import replace

    return replace(report, error=None, notes=())


def _stacked(report: Report, style: Style, across: int) -> Iterator[str]:
    yield fitted(f"{style.sign(LEVEL[report.state])} {report.service.name}: {report.state}{_place(report)}", across)
    if facts := _facts(report):
        yield fitted(f"{INDENT}{facts}", across)
    if words := plain("; ".join([*([report.error] if report.error else []), *report.notes])):
        yield fitted(f"{INDENT}{words}", across)


def _place(report: Report) -> str:
    return f", port {report.seen.port}" if report.seen.port and report.state == "running" else ""


def _facts(report: Report) -> str:
    seen = report.seen
    facts = [f"pid {pid_of(report)}"] if pid_of(report) else []
    facts += [f"up {duration(seen.age)}"] if seen.alive and seen.age else []
    facts += [f"{seen.rss_bytes / 1024**2:.0f} MiB"] if seen.rss_bytes is not None else []
    return ", ".join(filter(None, [*facts, restarts_of(seen)]))


def _columns(line: str) -> int:
    return columns(re.sub(COLOUR, "", line))


# In sentences


def sentence(report: Report) -> str:
    """One service in words that can be read out: no columns, no signs."""
    facts = _facts(report)
    return plain(f"{report.service.name}: {state_words(report)}{f', {facts}' if facts else ''}")


class Changes:
    """Which services have changed since they were last told of."""

    def __init__(self) -> None:
        self._told: dict[str, object] = {}

    def of(self, reports: Sequence[Report]) -> Iterator[str]:
        """A sentence for each service that is not as it was told before, and for each that has gone."""
        before, now = self._told, {each.service.name: _essence(each) for each in reports}
        self._told = now
        yield from (f"{name}: no longer there" for name in before if name not in now)
        yield from (sentence(each) for each in reports if before.get(each.service.name) != now[each.service.name])


def _essence(report: Report) -> object:
    """What is worth a sentence when it changes: not its age or its memory."""
    run = report.seen.run
    told = run.status if report.seen.alive and run else None
    return report.state, report.seen.port, report.error, run.restarts if run else 0, pid_of(report), told
