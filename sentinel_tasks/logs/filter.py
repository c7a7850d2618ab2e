"""Which lines of one service a person asks for: a regular expression, a level, fields. Pure but for what it remembers.

A line that tells no level belongs to the entry before it, as those of a traceback do: the filter remembers that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ..text.sanitize import is_only_annotations, printed, without_colours
from .fields import fields_of, value_of
from .find import SHORTEST, Find, Finder, by_texts, each_line, finder, lines_found
from .level_hints import by_level, hint_of
from .levels import LEVELS, Entries
from .wanted import Asked

if TYPE_CHECKING:
    from .grep_pattern import GrepPattern


class Filter:
    """Tells of each line of a service, in their order, whether it was asked for.

    `select` gives the lines of a block that may be; of the others none is.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.is_open = not any((asked.grep, asked.level, asked.fields))
        self._grep = re.compile(asked.grep) if asked.grep else None
        self._wanted = LEVELS[LEVELS.index(asked.level) :] if asked.level else LEVELS
        self._finder = _finder(asked)
        self._entries = Entries()

    def may_skip(self) -> bool:
        """True if, behind the lines that it was told of, all that may be asked for match the pattern."""
        return not self.is_open and (not self._asked.level or self._entries.open_level not in self._wanted)

    @cached_property
    def pattern(self) -> GrepPattern | None:
        """What grep finds them by; None if that is unknown."""
        from .grep_pattern import grep_pattern, pattern_of_value

        asked = self._asked
        if asked.level:
            return grep_pattern(hint) if (hint := hint_of(asked.level)) else None
        by_grep = grep_pattern(asked.grep) if asked.grep and not asked.invert else None
        if by_grep or not (text := _longest_text(asked)):
            return by_grep
        return pattern_of_value(text)

    @property
    def level(self) -> str | None:
        """The level of the line that it was told of last, if a level is asked for."""
        return self._entries.level

    def go_on(self, before: Iterable[bytes]) -> None:
        """Takes note of the lines before the first one that it is asked about."""
        for line in before:
            if is_only_annotations(line):
                self._entries.end()
            else:
                self._entries.level_of(printed(line))

    def keeps(self, line: bytes) -> bool:
        """True for a line that was asked for; it is told of each that may be, in their order."""
        if is_only_annotations(line):
            self._entries.end()
            return False
        text = printed(line)
        return self._has_level(text) and self._matches(text) and self._has_fields(text)

    def _has_level(self, text: str) -> bool:
        return not self._asked.level or self._entries.level_of(text) in self._wanted

    def _matches(self, text: str) -> bool:
        return self._grep is None or (self._grep.search(text) is None) is self._asked.invert

    def _has_fields(self, text: str) -> bool:
        if not self._asked.fields:
            return True
        found = fields_of(text)
        return found is not None and all(value_of(found, name) == value for name, value in self._asked.fields)

    def select(self, block: bytes, known: Find | None = None) -> Iterator[int]:
        """Where the lines begin that may be asked for, of a block of whole lines; `known` finds those with the pattern.

        What it gives next depends on what was kept before: each line has to be looked at before the next is taken.
        """
        if known is not None:
            yield from self._found(known, block)
            return
        plain = without_colours(block) if self._finder else b""
        if self._finder is None or b"\x1b" in plain or b"\r" in plain:
            yield from self._found(each_line, block)
        elif len(plain) == len(block):
            yield from self._found(self._finder(block), block)
        else:
            yield from _in_colour(self._found(self._finder(plain), plain), plain, block)

    def _found(self, find: Find, block: bytes) -> Iterator[int]:
        if not self._asked.level:
            yield from lines_found(find, block)
            return
        begin = 0
        while begin < len(block):
            yield begin
            begin = block.index(b"\n", begin) + 1
            if self._entries.open_level not in self._wanted:
                begin = next(lines_found(find, block, begin), len(block))


def _in_colour(found: Iterable[int], plain: bytes, block: bytes) -> Iterator[int]:
    """Where the lines that were found without their colours begin with them."""
    begin = done = 0
    for place in found:
        for _ in range(plain.count(b"\n", done, place)):
            begin = block.index(b"\n", begin) + 1
        done = place
        yield begin


def _finder(asked: Asked) -> Finder | None:
    """How to find lines that may be asked for; None where each has to be looked at."""
    if asked.level:
        return by_level(asked.level)
    if asked.grep and not asked.invert and (by_grep := finder(asked.grep)):
        return by_grep
    return _by_value(text) if (text := _longest_text(asked)) else None


def _longest_text(asked: Asked) -> str:
    """What stands in each line with those fields, unless it has a backslash; "" if too short to be looked for."""
    texts = (text for _, value in asked.fields for text in re.findall(r"[A-Za-z0-9_ .:-]+", value))
    longest = max(texts, key=len, default="")
    return longest if len(longest) >= SHORTEST else ""


def _by_value(text: str) -> Finder:
    """Finds where a field's value stands; JSON may spell it with a backslash."""
    by_itself = by_texts([text])
    return lambda block: each_line if b"\\u" in block else by_itself(block)
