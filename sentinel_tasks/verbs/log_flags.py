"""The flags of `logs`: what a person typed, and what is wanted by that."""

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import ConfigurationError, Problem
from ..logs.levels import LEVELS, level_named
from ..logs.wanted import Asked, Wanted
from ..text.moments import ALLOWED, moment_of

LINES = 50
MOST_LINES = 10_000_000
MOST_UNSEEN = 10_000
"""Lines of each service that answer a question off a terminal, unless `--lines` says how many."""
ROUNDED = 0.0005
"""Half of the millisecond to which `--timestamps` shows a time."""


class Wish(NamedTuple):
    """What a person wants to see of the logs: the flags of the task, and whether it is of the whole workspace."""

    lines: str | None = None
    follow: bool = False
    timestamps: bool = False
    since: str | None = None
    until: str | None = None
    grep: str | None = None
    invert: bool = False
    level: str | None = None
    field: Sequence[str] | None = None
    cursor: str | None = None
    stats: bool = False
    everywhere: bool = False
    together: bool = False

    @property
    def bounds(self) -> bool:
        """True if it says where to begin or to end."""
        return any(each is not None for each in (self.since, self.until, self.cursor))

    @property
    def filters(self) -> bool:
        """True if it says what a line has to be like."""
        return bool(self.grep or self.level or self.field)


def wanted_by(wish: Wish, now: float, is_seen: bool) -> Wanted:
    """What is wanted, bounded unless it `is_seen` at a terminal; ConfigurationError for all flags that are wrong."""
    problems = list(_problems(wish))
    since, until = _moment("--since", wish.since, now, problems), _moment("--until", wish.until, now, problems)
    if since is not None and until is not None and until < since:
        problems.append(Problem("--until", wish.until, f"must not be before --since, {wish.since}"))
    asked = Asked(
        _expression(wish.grep, problems),
        wish.invert,
        _level(wish.level, problems),
        tuple(_fields(wish.field or (), problems)),
    )
    most = _number_of_lines(wish, is_seen, problems)
    if problems:
        raise ConfigurationError(problems)
    since, until = since and since - ROUNDED, until and until + ROUNDED
    return Wanted(asked, since, until, None, most, wish.follow)


def _problems(wish: Wish) -> Iterable[Problem]:
    """Flags that make no sense together."""
    if wish.invert and not wish.grep:
        yield Problem("--invert", True, "needs --grep")
    if wish.follow and wish.until is not None:
        yield Problem("--until", wish.until, "has no meaning with --follow")
    if wish.stats and (wish.follow or wish.lines is not None):
        flag = "--follow" if wish.follow else "--lines"
        yield Problem(flag, wish.lines if flag == "--lines" else True, "has no meaning with --stats, which counts all")


def _moment(flag: str, text: str | None, now: float, problems: list[Problem]) -> float | None:
    found = None if text is None else moment_of(text, now)
    if text is not None and found is None:
        problems.append(Problem(flag, text, ALLOWED))
    return found


def _expression(text: str | None, problems: list[Problem]) -> str:
    if not text:
        return ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
    except re.error as reason:
        problems.append(Problem("--grep", text, f"is no regular expression: {reason}"))
    return text


def _level(text: str | None, problems: list[Problem]) -> str:
    if text is None:
        return ""
    if (found := level_named(text)) is None:
        problems.append(Problem("--level", text, f"must be {', '.join(LEVELS[:-1])} or {LEVELS[-1]}"))
    return found or ""


def _fields(texts: Sequence[str], problems: list[Problem]) -> Iterable[tuple[str, str]]:
    for text in texts:
        name, is_one, value = text.partition("=")
        if not name or not is_one:
            problems.append(Problem("--field", text, "must be as name=value"))
        yield name, value


def _number_of_lines(wish: Wish, is_seen: bool, problems: list[Problem]) -> int | None:
    if wish.lines is None:
        if not (wish.stats or wish.bounds or (wish.filters and not wish.follow)):
            return LINES
        return None if is_seen or wish.stats or wish.follow else MOST_UNSEEN
    text = str(wish.lines)
    if not text.isdecimal() or not text.isascii() or int(text) > MOST_LINES:
        problems.append(Problem("--lines", text, f"must be a number from 0 to {MOST_LINES}"))
        return None
    return int(text)
