"""What grep(1) is asked for so that it finds every line whose text a regular expression of Python matches. Pure.

It may find too many lines, and never too few: who asks looks at each once more. grep sees bytes in the C locale, while
the text is without escape sequences and the last state of a rewritten line: wherever a character may follow another
one, so may a sequence.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from .expression import AS_LETTERS, REPLACEMENT, Expression

_GAP = b"(\x1b.*)?"
"""Where an escape sequence may stand; what it ends with nobody has to know."""
_BEGIN, _END = b"(^|\r)", b"(\x1b|\r|$)"
_BEYOND_ASCII = b"[\x80-\xff]+"
_NUL = b"[^\x01-\xff]"
_LETTERS_OF_THESE = frozenset(b"iIsSkK")
_MOST_REPEATED = 20
_ZERO_WIDTH = ("AT", "ASSERT", "ASSERT_NOT", "FAILURE")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_CHARACTERS = ("LITERAL", "NOT_LITERAL", "ANY", "IN")


class GrepPattern(NamedTuple):
    """The flags that say what the pattern is, and the pattern.

    Where nothing of `unless` stands in what is looked through, `text` alone finds as much, and sooner.
    """

    flags: str
    pattern: bytes
    text: bytes = b""
    unless: tuple[bytes, ...] = ()

    def plain(self) -> GrepPattern:
        """What finds as much where nothing of that stands."""
        return GrepPattern("-oF", self.text)


def grep_pattern(pattern: str) -> GrepPattern | None:
    """What finds all lines with a match of it; None if that is not known, or would be each line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in find.finder
        expression = Expression(pattern)
    if texts := _plain(expression.whole_texts()):
        return _of_texts(texts, expression.ignores_case)
    try:
        found = _Translation().of_nodes(expression.nodes, expression.flags) if expression.least_width else None
    except _Unknown:
        return None
    return GrepPattern("-E", _anchored(found, [*expression.nodes])) if found else None


def pattern_of_value(text: str) -> GrepPattern | None:
    """What finds all lines that have this text in the value of a field; JSON may spell its characters by a code."""
    found = grep_pattern(rf"{re.escape(text)}|\\u00[2-7]")
    return found and found._replace(text=text.encode(), unless=(b"\x1b", rb"\u00"))


def _plain(texts: Iterable[str]) -> list[str]:
    """The texts, if each can be told as it is."""
    each = sorted(texts)
    return each if all(text and text.isprintable() for text in each) else []


def _of_texts(texts: Sequence[str], ignores_case: bool) -> GrepPattern:
    """The texts, and each begin of one that an escape sequence or another form of its next letter follows."""
    cut = {f"{text[:end]}\x1b" for text in texts for end in range(1, len(text))}
    if ignores_case:
        cut |= {
            f"{text[:end]}{other}"
            for text in texts
            for end, letter in enumerate(text)
            for other in AS_LETTERS.get(letter.lower(), "")
        }
    return GrepPattern("-oFi" if ignores_case else "-oF", "\n".join([*texts, *sorted(cut)]).encode())


class _Unknown(Exception):
    """Something of which nothing can be said."""


class _Translation:
    """Extended regular expressions (POSIX) for parts of an expression, in their order."""

    def __init__(self) -> None:
        self._parser: Any = getattr(re, "_parser", None) or import_module("sre_parse")
        self._compiler: Any = getattr(re, "_compiler", None) or import_module("sre_compile")

    def of_nodes(self, nodes: Iterable[tuple[Any, Any]], flags: int) -> bytes:
        return b"".join(self._of_node(node, flags) for node in nodes)

    def _of_node(self, node: tuple[Any, Any], flags: int) -> bytes:
        operation, argument = str(node[0]), node[1]
        if operation in _CHARACTERS:
            return _GAP + self._of_character(node, flags)
        if operation in _REPEATS:
            least, most, nodes = argument
            return b"(%s)%s" % (self.of_nodes(nodes, flags), _times(least, most))
        if operation == "SUBPATTERN":
            _, added, taken, nodes = argument
            return b"(%s)" % self.of_nodes(nodes, (flags | added) & ~taken)
        if operation == "BRANCH":
            return b"(%s)" % b"|".join(self.of_nodes(each, flags) for each in argument[1])
        if operation == "ATOMIC_GROUP":
            return b"(%s)" % self.of_nodes(argument, flags)
        if operation == "GROUPREF_EXISTS":
            return b"(%s)" % b"|".join(self.of_nodes(each or (), flags) for each in argument[1:])
        if operation in _ZERO_WIDTH:
            return b""
        if operation in ("GROUPREF", "GROUPREF_IGNORE"):
            return b".*"
        raise _Unknown

    def _of_character(self, node: tuple[Any, Any], flags: int) -> bytes:
        operation, argument, ignores_case = str(node[0]), node[1], bool(flags & re.IGNORECASE)
        if operation == "LITERAL" and argument >= 128 and not ignores_case:
            return _BEYOND_ASCII if argument == REPLACEMENT else chr(argument).encode(errors="surrogatepass")
        matches = self._compiled(node, flags).match
        members = frozenset(code for code in range(128) if matches(chr(code)))
        items = [node] if operation == "LITERAL" else argument
        is_beyond = operation in ("NOT_LITERAL", "ANY") or any(_is_beyond(str(kind), value) for kind, value in items)
        is_beyond = is_beyond or (ignores_case and bool(members & _LETTERS_OF_THESE))
        each = [*([_one_of(members - {0, 10})] if members - {0, 10} else []), *([_NUL] if 0 in members else [])]
        each += [_BEYOND_ASCII] if is_beyond else []
        if not each:
            raise _Unknown
        return each[0] if len(each) == 1 else b"(%s)" % b"|".join(each)

    def _compiled(self, node: tuple[Any, Any], flags: int) -> re.Pattern[str]:
        state = self._parser.State()
        state.flags = flags
        found: re.Pattern[str] = self._compiler.compile(self._parser.SubPattern(state, [node]))
        return found


def _is_beyond(kind: str, value: Any) -> bool:
    """True if a set of which this is a part may have a character that is no ASCII."""
    if kind == "LITERAL":
        return bool(value >= 128)
    return bool(value[1] >= 128) if kind == "RANGE" else True


def _one_of(codes: frozenset[int]) -> bytes:
    """One of these ASCII characters; NUL and the line's end are told in another way, or never looked for."""
    characters = bytes(sorted(codes))
    if len(characters) == 1:
        return b"\\" + characters if characters in b".[\\()*+?{|^$" else characters
    if characters == b"-^":
        return b"[-^]"
    last = b"".join(each for each in (b"[", b"^", b"-") if each in characters)
    return b"[%s%s%s]" % (b"]" * (b"]" in characters), re.sub(rb"[][^-]", b"", characters), last)


def _times(least: int, most: Any) -> bytes:
    """How often something is repeated, less exactly where that is often: grep has a state for each time."""
    low = min(least, _MOST_REPEATED)
    if most == 0:
        return b"{0}"
    if int(most) > _MOST_REPEATED:
        return b"*" if low == 0 else b"{%d,}" % low
    return b"{%d,%d}" % (low, int(most))


def _anchored(found: bytes, nodes: Sequence[tuple[Any, Any]]) -> bytes:
    """At the line's begin or end if it begins or ends with that; each takes a character here, and so may stand once."""
    (first, begin), (last, end) = nodes[0], nodes[-1]
    is_at_begin = str(first) == "AT" and str(begin).startswith("AT_BEGINNING")
    is_at_end = str(last) == "AT" and str(end).startswith("AT_END")
    return (_BEGIN + found if is_at_begin else found.removeprefix(_GAP)) + (_END if is_at_end else b"")
