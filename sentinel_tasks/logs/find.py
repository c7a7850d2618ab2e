"""Where in a block of lines one may match a regular expression: found in the bytes, before any line is cut out. Pure.

Everything here may find too much, and never too little: who asks looks at each line once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Find = Callable[[int, int], int]
"""Where, between two places of a block, the next line that may match has one of its bytes; -1 if there is none."""
Finder = Callable[[bytes], Find]
"""How to find in a block."""

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|.", re.S)
_OPTIONAL = ("*", "?", "{")
_SPANNING = re.compile(r"\(\?(?!:|i\))|[*+?}]\+|\\[ABZ\d]")
"""What looks around, never tries again, or asks for the ends of the text: it may mean something else in a block."""
_SPELLED = re.compile(r"[|()\n\ufffd]|\\[^dDwWsSbB\W]")
"""What leaves a choice, or spells a character in another way."""
_SEPARATORS = (b"\x1c", b"\x1d", b"\x1e", b"\x1f")
"""White space in text, and none in bytes."""
SHORTEST = 3


def finder(pattern: str) -> Finder | None:
    """How to find lines that may match; None if each has to be looked at."""
    literal = needed_text(pattern)
    return by_text(literal) if len(literal) >= SHORTEST else _by_expression(pattern)


def by_text(text: str) -> Finder:
    """Finds where the text stands."""
    needle = text.encode(errors="surrogatepass")
    return lambda block: lambda begin, end: block.find(needle, begin, end)


def each_line(begin: int, end: int) -> int:
    """Any line may match."""
    return begin


def needed_text(pattern: str) -> str:
    """The longest text that stands in whatever the expression matches, as far as a simple look can tell."""
    if _SPELLED.search(re.sub(r"\\[|()]", "", pattern)):
        return ""
    runs, run = [""], ""
    for token in _TOKEN.findall(pattern):
        if token[0] in _OPTIONAL:
            runs.append(run[:-1])
            run = ""
        elif (plain := _plain(token)) is None:
            runs.append(run)
            run = ""
        else:
            run += plain
    return max([*runs, run], key=len)


def _plain(token: str) -> str | None:
    """The one character that the token stands for."""
    if len(token) == 1:
        return None if token in ".^$+[]{}\\" else token
    return token[1] if token[0] == "\\" and not token[1].isalnum() else None


def _by_expression(pattern: str) -> Finder | None:
    """Looks for it in all lines at once. A match over a line's end is no match, but where to look closer."""
    if not pattern.isascii() or _SPANNING.search(pattern):
        return None
    try:
        expression = re.compile(pattern.encode(), re.MULTILINE)
    except re.error:
        return None
    has_spaces = "\\s" in pattern.lower()

    def find(block: bytes) -> Find:
        if not block.isascii() or (has_spaces and any(each in block for each in _SEPARATORS)):
            return each_line
        return _searching(expression, block)

    return find


def by_lower_case(expression: re.Pattern[bytes]) -> Finder:
    """Finds what is written in any case."""
    return lambda block: _searching(expression, block.lower())


def _searching(expression: re.Pattern[bytes], block: bytes) -> Find:
    def find(begin: int, end: int) -> int:
        found = expression.search(block, begin, end)
        return found.start() if found else -1

    return find


def lines_found(find: Find, block: bytes, begin: int = 0) -> Iterator[int]:
    """Where each line begins that may match, of the whole lines from there on."""
    end = len(block)
    while begin < end and (place := find(begin, end)) >= 0:
        start = block.rfind(b"\n", begin, place) + 1 or begin
        yield start
        begin = block.index(b"\n", start) + 1
