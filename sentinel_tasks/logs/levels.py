"""How bad a printed line is, by what it says itself: a field, or a word where programs put it. Pure."""

from __future__ import annotations

import re
from functools import cache

from .fields import Fields, fields_of, value_of

LEVELS = ("trace", "debug", "info", "warn", "error", "fatal")
"""From the least to the worst."""

WORDS = {
    "trace": ("trace", "trc", "finest", "finer", "verbose"),
    "debug": ("debug", "dbg", "fine"),
    "info": ("info", "inf", "information", "notice", "log"),
    "warn": ("warn", "warning", "wrn"),
    "error": ("error", "err", "erro", "severe"),
    "fatal": ("fatal", "ftl", "critical", "crit", "panic", "alert", "emerg", "emergency"),
}
_LEVEL_OF = {word: level for level, words in WORDS.items() for word in words}
KEYS = ("level", "severity", "lvl", "levelname", "log.level", "loglevel", "log_level", "severity_text", "@level")
IN_KEYS = ("level", "lvl", "severity")
"""One of these is in each of them."""
_LETTERS = {"D": "debug", "I": "info", "W": "warn", "E": "error", "F": "fatal", "A": "fatal"}
_SIGNS = {".": "debug", "-": "info", "*": "info", "#": "warn"}

ALL_WORDS = sorted(_LEVEL_OF, key=len, reverse=True)
CLEAR_WORDS = [word.upper() for word in ALL_WORDS if word not in ("fine", "log", "alert")]
"""Those that mean a level in capitals, wherever they stand."""
_ANY, _CLEAR = "|".join(ALL_WORDS), "|".join(CLEAR_WORDS)
_BY_LETTER = (
    rf"{letter}(?<![\w-]{letter})(?:{'|'.join(word[1:] for word in CLEAR_WORDS if word[0] == letter)})(?![\w-])"
    for letter in sorted({word[0] for word in CLEAR_WORDS})
)
_AT_BEGIN = (
    rf"(?P<capitals>{_CLEAR})(?![\w-])"
    rf"|(?P<led>(?i:{_ANY})):"
    r"|(?P<letter>[DIWEFA])(?:\d{4} \d\d:|, \[)"
    r"|\d+:[XCSM] \d\d \w{3} \d{4} [\d:.]+ (?P<sign>[.*#-]) "
    r"|(?P<traceback>Traceback \(most recent call last\))"
)
_FURTHER = "|".join(
    [*_BY_LETTER, *(rf"{begin}\s*(?i:{_ANY})\s*[\]>)]" for begin in (r"\[", "<", r"\(")),
     rf": (?i:{_ANY}):", rf"\] (?i:{_ANY}):"]
)  # fmt: skip
"""A word in capitals, in brackets, or before a colon behind another one; its first character is soon found."""
MOST_LOOKED_AT = 300
"""Characters of a line in which a word may tell its level."""


def level_named(word: str) -> str | None:
    """The level that the word means, whatever its case; None if it means none."""
    return _LEVEL_OF.get(word.strip().lower())


def level_told(text: str) -> tuple[str | None, bool]:
    """The level that a line tells, if it tells one; and whether it is an object, to which no other line belongs."""
    is_braced = text.lstrip().startswith("{")
    fields = fields_of(text) if is_braced or any(each in text for each in IN_KEYS) else None
    told = level_of_fields(fields) if fields else None
    if is_braced:
        return told, fields is not None
    return told or _of_words(text[:MOST_LOOKED_AT]), False


class Entries:
    """Tells the level of each line of a service, in their order: one that tells none is of the entry before it.

    `level` is that of the line that came last, `open_level` that of the entry to which the next line may belong.
    """

    def __init__(self) -> None:
        self.level: str | None = None
        self.open_level: str | None = None

    def level_of(self, text: str) -> str | None:
        """The level of the line that comes next; None where nothing tells it."""
        told, is_object = level_told(text)
        self.level = told if told or is_object else self.open_level
        self.open_level = None if is_object else self.level
        return self.level

    def go_on_from(self, level: str | None) -> None:
        """The line that came last, no object, was of this level."""
        self.level = self.open_level = level

    def end(self) -> None:
        """Another run begins: what comes next goes on with nothing."""
        self.level = self.open_level = None


def level_of_fields(fields: Fields) -> str | None:
    """The level that the fields of a line tell, the first of KEYS that tells one."""
    told = (value_of(fields, key) for key in KEYS)
    return next((level for each in told if each and (level := _of_value(each))), None)


def _of_value(value: str) -> str | None:
    """A word, or one of the numbers of pino and bunyan: 10 is trace, 60 fatal."""
    if value.isascii() and value.isdigit():
        number = int(value[:4]) // 10 - 1
        return LEVELS[number] if 0 <= number < len(LEVELS) else None
    return level_named(value)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compiled once it is needed: most who ask a log ask for no level."""
    return re.compile(pattern)


def _of_words(text: str) -> str | None:
    if not (found := _compiled(_AT_BEGIN).match(text)):
        further = _compiled(_FURTHER).search(text)
        return level_named(further[0].strip("[<(: \t\r\n\v\f])>")) if further else None
    kind, said = str(found.lastgroup), found[str(found.lastgroup)]
    by_kind = {"letter": _LETTERS, "sign": _SIGNS}.get(kind)
    if by_kind:
        return by_kind[said]
    return "error" if kind == "traceback" else level_named(said)
