"""Where in a block of lines one may tell a level that is rare: found in the bytes, before any line is cut out. Pure."""

from __future__ import annotations

import re

from .find import Find, Finder, by_texts, first_of
from .levels import LEVELS, WORDS

_RARE = LEVELS[LEVELS.index("warn") :]
_AT_BEGIN = re.compile(rb"\n(?:[fawe](?:\d{4} |, \[)|\d+:[xcsm] )")
"""The letter of glog and Ruby, and what Redis begins a line with, behind the end of the line before."""
_OF_KEY = rb"(?<=(?:vel|lvl|ity|ame|ext)%s)"
"""How the names of fields end that tell a level (levels.KEYS)."""
_NUMBERS = (rb'"' + _OF_KEY % b'"' + rb'\s*:\s*"?0*', rb"=" + _OF_KEY % b"=" + rb'"?0*')
"""What stands before a number that tells one (levels.level_of_fields)."""
_HINTS = (
    r"[fawe](?:\d{4} \d\d:|, \[)",
    r":[xcsm] \d\d \w{3} \d{4} [\d:.]+ # ",
    r"\\u00[3-7]",
    r'(?:vel|lvl|ity|ame|ext)(?:"\s*:\s*|=)"?0*',
)
"""The same as one expression looks for them; the last is followed by a number."""


def by_level(level: str) -> Finder | None:
    """Finds lines that may tell this level or a worse one; None for a level that most lines have.

    Where `\\u` stands, a JSON text may spell a word in another way.
    """
    if level not in _RARE:
        return None
    by_word = by_texts(_words(level))
    numbers = [re.compile(before + _number(level).encode()) for before in _NUMBERS]

    def find(block: bytes) -> Find:
        lower = block.lower()
        marks = [_found_by(_AT_BEGIN, b"\n" + lower), *(_found_by(each, lower) for each in numbers)]
        spelled = [by_texts(["\\u"])(lower)] if b"\\" in lower else []
        return first_of([by_word(lower), *marks, *spelled])

    return find


def hint_of(level: str) -> str:
    """An expression that matches each line that may tell this level or a worse one; "" for a level most lines have."""
    return "(?i)" + "|".join([*_words(level), *_HINTS]) + _number(level) if level in _RARE else ""


def _number(level: str) -> str:
    """Begins as each number does that means it or a worse one."""
    return rf"[{LEVELS.index(level) + 1}-{len(LEVELS)}]\d"


def _words(level: str) -> list[str]:
    words = {word for each in LEVELS[LEVELS.index(level) :] for word in WORDS[each]}
    shortest = {word for word in words if not any(each != word and each in word for each in words)}
    return sorted({*shortest, "traceback"})


def _found_by(expression: re.Pattern[bytes], block: bytes) -> Find:
    def find(begin: int, end: int) -> int:
        found = expression.search(block, begin, end)
        return found.start() if found else -1

    return find
