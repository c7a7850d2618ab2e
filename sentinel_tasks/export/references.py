"""Names in the configuration: what is known is put in, the rest is left to a shell where the service runs. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ..text.interpolation import Name, parts


class Later(Struct, frozen=True):
    """A text that only the service's own environment completes: as a shell has it between double quotes.

    `names` are those that it takes from there.
    """

    inside: str
    names: tuple[str, ...] = ()


Word = str | Later
Names = Mapping[str, Word]


def resolved(text: str, known: Names, braced_only: bool = False) -> Word:
    """The text with what is known in the place of its names."""
    return joined(
        [part if isinstance(part, str) else _of(part, known, braced_only) for part in parts(text, braced_only)]
    )


def _of(part: Name, known: Names, braced_only: bool) -> Word:
    value = known.get(part.name)
    default = resolved(part.default, known, braced_only)
    if isinstance(value, str):
        return default if part.operator == ":-" and not value else value
    if isinstance(value, Later):
        return value if part.operator != ":-" else _unless_empty(value, default)
    ending = f"{part.operator}{_in_braces(default)}" if part.operator else "?"
    return Later(f"${{{part.name}{ending}}}", (part.name, *_names(default)))


def _unless_empty(value: Later, default: Word) -> Later:
    inside = f'$(v="{value.inside}"; printf %s "${{v:-{_in_braces(default)}}}")'
    return Later(inside, (*value.names, *_names(default)))


def joined(words: Sequence[Word]) -> Word:
    """The texts as one."""
    texts = [word for word in words if isinstance(word, str)]
    if len(texts) == len(words):
        return "".join(texts)
    return Later("".join(_inside(word) for word in words), tuple(name for word in words for name in _names(word)))


def _names(word: Word) -> tuple[str, ...]:
    return () if isinstance(word, str) else word.names


def _inside(word: Word) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", word) if isinstance(word, str) else word.inside


def _in_braces(word: Word) -> str:
    """A default, in which a brace would close what has it."""
    return _inside(word).replace("}", "\\}") if isinstance(word, str) else word.inside


def quoted(word: Word) -> str:
    """The word in a line of shell."""
    return shlex.quote(word) if isinstance(word, str) else f'"{word.inside}"'
