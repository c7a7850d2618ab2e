"""How many lines of each level a service printed: lines of the usual forms are counted together. Pure."""

from __future__ import annotations

import re
from collections import Counter

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ..text.sanitize import is_only_annotations, printed, without_colours
from .levels import ALL_WORDS, CLEAR_WORDS, IN_KEYS, LEVELS, Entries, level_named, level_of_fields

_TIME = (
    r"[\[(<]?(?:\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-][\d:]+)?)?[\d \t:.,/+-]{0,80}"
    r"(?:[\])>][\d \t:.,/+-]{0,20})?(?![\d \t:.,/+-])"
)
"""What programs put before the level; nothing in it tells one."""
_CAPITALS, _ANY = "|".join(CLEAR_WORDS), "|".join(ALL_WORDS)
_USUAL = re.compile(
    rf"^(?:{_TIME})?([\[<(]?(?<![\w-])(?:{_CAPITALS})(?![\w-])|[\[<(](?i:{_ANY})[\]>)]|^(?i:{_ANY}):|)[^\n]*\n"
    "",
    re.MULTILINE,
)
"""Any line, and where it is seen at once the word for which it is of its level (levels.level_told)."""
_Value = str | int | UnsetType


class _Log(Struct, frozen=True):
    level: _Value = UNSET


class _Object(Struct, frozen=True, rename={"log_level_": "log.level", "at_level": "@level"}):
    """What of a line tells its level, if it is a JSON object (levels.KEYS)."""

    level: _Value = UNSET
    severity: _Value = UNSET
    lvl: _Value = UNSET
    levelname: _Value = UNSET
    log_level_: _Value = UNSET
    loglevel: _Value = UNSET
    log_level: _Value = UNSET
    severity_text: _Value = UNSET
    at_level: _Value = UNSET
    log: _Log | UnsetType = UNSET


_DECODER = msgspec.json.Decoder(_Object)


class Tally:
    """Counts lines by their levels, in their order; one that tells none is of the entry before it (levels.Entries)."""

    def __init__(self) -> None:
        self.lines = self.bytes = 0
        self.first = self.last = 0.0
        self.levels = dict.fromkeys([*LEVELS, "none"], 0)
        self._entries = Entries()

    def take(self, line: bytes, when: float) -> None:
        """Takes the line that comes next, or the begin of another run."""
        if is_only_annotations(line):
            self._entries.end()
        else:
            self.take_of(line, when, self._entries.level_of(printed(line)))

    def take_of(self, line: bytes, when: float, level: str | None) -> None:
        """Takes a line of which the level is known."""
        self._count(1, len(line), when, when)
        self._add(level, 1)

    def take_block(self, block: bytes, first: float, last: float) -> None:
        """Takes whole lines, each with its line end, that came between these times."""
        plain = without_colours(block)
        if b"\x1b" in plain or b"\r" in plain:
            self.first = self.first or first
            for line in block.split(b"\n")[:-1]:
                self.take(line, last)
            return
        count = block.count(b"\n")
        self._count(count, len(block) - count, first, last)
        text = plain.decode("utf-8", "replace")
        if not self._takes_objects(text, count):
            self._take_text(text)

    def _count(self, lines: int, size: int, first: float, last: float) -> None:
        self.lines, self.bytes = self.lines + lines, self.bytes + size
        self.first, self.last = self.first or first, last

    def _takes_objects(self, text: str, count: int) -> bool:
        """Takes the lines if each is a JSON object."""
        if not (text.startswith("{") and text.endswith("}\n") and text.count("}\n{") == count - 1):
            return False
        try:
            found = _DECODER.decode_lines(text)
        except (msgspec.DecodeError, UnicodeError):
            return False
        if len(found) != count:
            return False
        for each, number in Counter(found).items():
            self._add(level_of_fields(msgspec.to_builtins(each)), number)
        self._entries.end()
        return True

    def _take_text(self, text: str) -> None:
        if any(each in text for each in IN_KEYS):
            for line in text.split("\n")[:-1]:
                self._add(self._entries.level_of(line), 1)
            return
        found = _USUAL.findall(text)
        words = Counter(found)
        unusual = words.pop("", 0)
        for word, number in words.items():
            self._add(_level_of(word), number)
        if unusual:
            self._take_unusual(text.split("\n"), found, unusual)
        if found[-1] != "":
            self._entries.go_on_from(_level_of(found[-1]))

    def _take_unusual(self, lines: list[str], found: list[str], count: int) -> None:
        """Takes the lines in which no word was found: they may tell a level in another way, or belong to an entry."""
        number = -1
        for _ in range(count):
            number = found.index("", number + 1)
            if number and found[number - 1] != "":
                self._entries.go_on_from(_level_of(found[number - 1]))
            self._add(self._entries.level_of(lines[number]), 1)

    def _add(self, level: str | None, number: int) -> None:
        self.levels[level or "none"] += number


def _level_of(found: str) -> str | None:
    return level_named(found.strip("[<(:)>]"))
