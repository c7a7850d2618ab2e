"""Where in a block of lines one may match a regular expression: found before any line is cut out. Pure.

Everything here may find too much, and never too little: who asks looks at each line once more.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence

from .expression import AS_LETTERS, Expression

Find = Callable[[int, int], int]
"""Where, between two places of a block, the next line that may match has one of its bytes; -1 if there is none."""
Finder = Callable[[bytes], Find]
"""How to find in a block."""

SHORTEST = 3
"""Characters of a text that is sooner found by itself than the whole expression."""
_AS_LETTERS = tuple(letter.encode() for letter in "".join(AS_LETTERS.values()))


def finder(pattern: str) -> Finder | None:
    """How to find lines that may match; None if each has to be looked at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what may mean something else one day nobody has to know here
        return _finder(pattern, Expression(pattern))


def _finder(pattern: str, expression: Expression) -> Finder | None:
    texts = sorted(expression.texts())
    is_sure = len(min(texts, key=len, default="")) >= SHORTEST
    is_soon_found = is_sure and texts == [expression.leading_text()]  # as soon as that text, and no line in vain
    if (is_soon_found or not is_sure) and expression.stays_within_lines():
        return _by_expression(re.compile(pattern, re.MULTILINE), by_texts(texts) if is_sure else lambda _: each_line)
    if not texts:
        return None
    return _ignoring_case(by_texts(texts)) if expression.ignores_case else by_texts(texts)


def by_texts(texts: Iterable[str]) -> Finder:
    """Finds where one of the texts stands."""
    needles = [text.encode(errors="surrogatepass") for text in texts]
    return lambda block: first_of([_text(needle, block) for needle in needles])


def _text(needle: bytes, block: bytes) -> Find:
    return lambda begin, end: block.find(needle, begin, end)


def first_of(finds: Sequence[Find]) -> Find:
    """What any of them finds next, for one who asks about later and later lines up to the same end."""
    if len(finds) == 1:
        return finds[0]
    places = [-1] * len(finds)

    def find(begin: int, end: int) -> int:
        for number, place in enumerate(places):
            if place < begin:
                found = finds[number](begin, end)
                places[number] = end if found < 0 else found
        first = min(places)
        return first if first < end else -1

    return find


def _ignoring_case(within: Finder) -> Finder:
    def find(block: bytes) -> Find:
        if not block.isascii() and any(each[:1] in block and each in block for each in _AS_LETTERS):
            return each_line
        return within(block.lower())

    return find


def each_line(begin: int, end: int) -> int:
    """Any line may match."""
    return begin


def _by_expression(expression: re.Pattern[str], otherwise: Finder) -> Finder:
    def find(block: bytes) -> Find:
        try:
            text = block.decode()
        except UnicodeDecodeError:
            return otherwise(block)
        found = _searching(expression, text)
        return found if len(text) == len(block) else _in_bytes(found, text, block)

    return find


def _searching(expression: re.Pattern[str], text: str) -> Find:
    """Finds it in lines; the last one's end is not looked at, for nothing begins behind it."""

    def find(begin: int, end: int) -> int:
        found = expression.search(text, begin, end - 1)
        return found.start() if found else -1

    return find


def _in_bytes(find: Find, text: str, block: bytes) -> Find:
    """The same for bytes that are that text, for one who asks about later and later lines."""
    at = before = 0

    def find_in_bytes(begin: int, end: int) -> int:
        nonlocal at, before
        at, before = at + len(block[before:begin].decode()), begin
        found = find(at, len(text))
        return found if found < 0 else begin + len(text[at:found].encode())

    return find_in_bytes


def lines_found(find: Find, block: bytes, begin: int = 0) -> Iterator[int]:
    """Where each line begins that may match, of the whole lines from there on."""
    end = len(block)
    while begin < end and (place := find(begin, end)) >= 0:
        start = block.rfind(b"\n", begin, place) + 1 or begin
        yield start
        begin = block.index(b"\n", start) + 1
