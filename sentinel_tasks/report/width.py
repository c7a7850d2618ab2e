"""How many columns of a terminal a text takes. Pure.

By the standard library's own Unicode tables, not by the package wcwidth: that one is no dependency of ours, and all it
knows better are signs that terminals disagree about. Signs of either direction take the same room; what reverses the
order of a line never comes here (text/sanitize.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

WIDE = ("W", "F")
TAKES_NONE = ("Mn", "Me", "Cf")
"""Categories of what is drawn upon the sign before it, or not at all."""


def columns(text: str) -> int:
    """The columns that the text takes."""
    return len(text) if text.isascii() else sum(_widths(text))


def padded(text: str, width: int) -> str:
    """The text with blanks up to that width."""
    return text + " " * (width - columns(text))


def cut(text: str, most: int) -> str:
    """As much of the text as takes so many columns."""
    if text.isascii():
        return text[:most]
    return text[: sum(1 for taken in accumulate(_widths(text)) if taken <= most)]


def fitted(text: str, most: int) -> str:
    """The text, or as much of it as leaves room for the sign that there was more."""
    return text if columns(text) <= most else f"{cut(text, most - 1).rstrip()}…"


def _widths(text: str) -> Iterator[int]:
    """The columns of each sign."""
    from unicodedata import category, east_asian_width

    for sign in text:
        yield 0 if category(sign) in TAKES_NONE else 2 if east_asian_width(sign) in WIDE else 1
