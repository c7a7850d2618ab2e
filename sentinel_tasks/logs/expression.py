"""What Python's own parser says of a regular expression: texts that a match has to contain, and whether lines can be
searched together. Pure.

Of what is not known here, and where that parser is not to be had, nothing is said: then each line is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import product, takewhile
from typing import Any, NamedTuple

MOST_TEXTS = 12
REPLACEMENT = 0xFFFD
"""The character that bytes are shown as that are no text."""
AS_LETTERS = {"i": "ıİ", "s": "ſ", "k": "\u212a"}
"""What is one of these letters, and no ASCII, if case is ignored."""
_FEW = 3
"""Characters of a set that are told apart."""
_WITHIN_LINES = {"AT_BEGINNING", "AT_END", "AT_BOUNDARY", "AT_NON_BOUNDARY"}
_NO_LINE_END = {"CATEGORY_DIGIT", "CATEGORY_WORD", "CATEGORY_NOT_SPACE"}
_LINE_END = {"CATEGORY_SPACE", "CATEGORY_NOT_WORD", "CATEGORY_NOT_DIGIT"}
_LOOKING = ("ASSERT", "ASSERT_NOT")
_REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")

Texts = frozenset[str]
Nodes = Iterable[tuple[Any, Any]]


class Needed(NamedTuple):
    """What stands in whatever matches: `exact`, one of these texts and no more; else one of `some`; None: unknown."""

    exact: Texts | None = None
    some: Texts | None = None


class Expression:
    """A regular expression as it was parsed."""

    def __init__(self, pattern: str) -> None:
        parser = getattr(re, "_parser", None) or import_module("sre_parse")
        self.nodes = parser.parse(pattern)
        self.flags: int = self.nodes.state.flags

    @property
    def least_width(self) -> int:
        """How many characters a match has at least."""
        return int(self.nodes.getwidth()[0])

    @property
    def ignores_case(self) -> bool:
        """True if the case of letters counts nowhere in it."""
        return bool(self.flags & re.IGNORECASE)

    def texts(self) -> Texts:
        """Texts of which one stands in any line that matches, in lower case if it ignores case; none if unknown."""
        found = _of_sequence(self.nodes, self.ignores_case)
        return _shortest(found.exact or found.some or frozenset())

    def whole_texts(self) -> Texts:
        """All texts that it matches, wherever they stand; in lower case if it ignores case; none if unknown."""
        return _of_sequence(self.nodes, self.ignores_case).exact or frozenset()

    def leading_text(self) -> str:
        """The text that each match begins with; what follows it may be anything, but is not nothing. "" if unknown."""
        codes = [argument for _, argument in takewhile(lambda node: str(node[0]) == "LITERAL", self.nodes)]
        return "" if self.ignores_case or len(codes) == len(self.nodes) else "".join(map(chr, codes))

    def stays_within_lines(self) -> bool:
        """True if it finds with MULTILINE in many lines exactly what it finds in each alone."""
        return not self.flags & (re.DOTALL | re.MULTILINE) and all(_stays(*node) for node in self.nodes)


def _shortest(texts: Texts) -> Texts:
    """Without those that contain another one."""
    kept = frozenset(text for text in texts if not any(each != text and each in text for each in texts))
    return frozenset() if "" in kept else kept


def _of_sequence(nodes: Nodes, ignores_case: bool) -> Needed:
    run, best, is_whole = frozenset([""]), frozenset([""]), True
    for operation, argument in nodes:
        exact, some = _of_node(str(operation), argument, ignores_case)
        if exact is not None and len(exact) * len(run) <= MOST_TEXTS:
            run = frozenset(map("".join, product(run, exact)))
            continue
        is_whole = False
        best = _better(_better(best, run), some)
        run = frozenset([""]) if exact is None else exact
    return Needed(run) if is_whole else Needed(None, _better(best, run))


def _better(one: Texts, other: Texts | None) -> Texts:
    """Those that are sooner found: long ones, then few."""
    return max(one, other or one, key=_worth)


def _worth(texts: Texts) -> tuple[int, int, int]:
    shortest = min(map(len, texts))
    return min(shortest, 3), -len(texts), shortest


def _of_node(operation: str, argument: Any, ignores_case: bool) -> Needed:
    if operation == "LITERAL":
        return Needed(_character(argument, ignores_case))
    if operation == "AT":
        return Needed(frozenset([""]))
    if operation == "IN":
        return Needed(_of_set(argument, ignores_case))
    if operation == "BRANCH":
        return _of_branches([_of_sequence(each, ignores_case) for each in argument[1]])
    if operation == "SUBPATTERN":
        _, added, taken, nodes = argument
        return Needed() if (added | taken) & re.IGNORECASE else _of_sequence(nodes, ignores_case)
    if operation == "ATOMIC_GROUP":
        return _of_sequence(argument, ignores_case)
    if operation in _REPEATS:
        least, most, nodes = argument
        return _of_repeat(least, most, _of_sequence(nodes, ignores_case))
    return Needed()


def _character(code: int, ignores_case: bool) -> Texts | None:
    if code == REPLACEMENT:
        return None
    if not ignores_case:
        return frozenset([chr(code)])
    return frozenset([chr(code).lower()]) if code < 128 else None


def _of_set(items: Sequence[tuple[Any, Any]], ignores_case: bool) -> Texts | None:
    """Each of some few characters."""
    each = [_character(code, ignores_case) if str(kind) == "LITERAL" else None for kind, code in items]
    known = [texts for texts in each if texts is not None]
    return frozenset().union(*known) if len(known) == len(items) <= _FEW else None


def _of_branches(branches: Sequence[Needed]) -> Needed:
    exact = [each.exact for each in branches if each.exact is not None]
    if len(exact) == len(branches) and len(every := frozenset[str]().union(*exact)) <= MOST_TEXTS:
        return Needed(every)
    some = [texts for each in branches if (texts := each.exact or each.some)]
    if len(some) < len(branches) or len(every := frozenset[str]().union(*some)) > MOST_TEXTS:
        return Needed()
    return Needed(None, every)


def _of_repeat(least: int, most: int, found: Needed) -> Needed:
    if (least, most) == (1, 1):
        return found
    if (least, most) == (0, 1) and found.exact is not None:
        return Needed(found.exact | {""})
    return Needed(None, found.exact or found.some) if least else Needed()


def _stays(operation: Any, argument: Any) -> bool:
    """True if it matches no line's end, and takes what is beyond one for the end of the text."""
    name = str(operation)
    if name == "LITERAL":
        return bool(argument != 10)
    if name == "AT":
        return str(argument) in _WITHIN_LINES
    if name == "IN":
        return _excludes_line_end(argument)
    if name == "SUBPATTERN":
        return not (argument[1] | argument[2]) & (re.DOTALL | re.MULTILINE) and _all_stay(argument[3])
    if name == "BRANCH":
        return all(_all_stay(nodes) for nodes in argument[1])
    if name in _REPEATS:
        return _all_stay(argument[2])
    if name in _LOOKING:
        return _all_stay(argument[1])
    return name in ("ANY", "GROUPREF") or (name == "ATOMIC_GROUP" and _all_stay(argument))


def _all_stay(nodes: Nodes) -> bool:
    return all(_stays(*node) for node in nodes)


def _excludes_line_end(items: Sequence[tuple[Any, Any]]) -> bool:
    is_negated = str(items[0][0]) == "NEGATE"
    has = [_has_line_end(str(kind), value) for kind, value in items[is_negated:]]
    return any(each is True for each in has) if is_negated else all(each is False for each in has)


def _has_line_end(kind: str, value: Any) -> bool | None:
    """Whether the line's end is in it; None if unknown."""
    if kind == "LITERAL":
        return bool(value == 10)
    if kind == "RANGE":
        return bool(value[0] <= 10 <= value[1])
    return True if str(value) in _LINE_END else False if str(value) in _NO_LINE_END else None
