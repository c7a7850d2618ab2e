"""`$NAME`, `${NAME}` and `${NAME:-default}` in configured text, as a shell replaces them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_BRACED = re.compile(rf"\$\{{({_NAME})(:?-)?")
_BARE = re.compile(rf"\$({_NAME})")


class Unset(ValueError):
    """A name that is not set and has no default."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def expand(text: str, names: Mapping[str, str], braced_only: bool = False) -> str:
    """The text with each name replaced by what it is set to; Unset for one that is not, and has no default.

    `$$` is a dollar, and a dollar before anything else is left as it is. With `braced_only` just `${…}` counts, for
    texts in which a dollar has a meaning of its own.
    """
    parts: list[str] = []
    place = 0
    while (dollar := text.find("$", place)) >= 0:
        parts.append(text[place:dollar])
        value, place = _replaced(text, dollar, names, braced_only)
        parts.append(value)
    return "".join([*parts, text[place:]])


def _replaced(text: str, place: int, names: Mapping[str, str], braced_only: bool) -> tuple[str, int]:
    """What stands for the dollar at this place, and where the text goes on."""
    if found := _BRACED.match(text, place):
        return _braced(text, found, names, braced_only)
    if braced_only:
        return "$", place + 1
    if text.startswith("$$", place):
        return "$", place + 2
    if found := _BARE.match(text, place):
        return _value(found[1], names), found.end()
    return "$", place + 1


def _braced(text: str, found: re.Match[str], names: Mapping[str, str], braced_only: bool) -> tuple[str, int]:
    name, operator = found[1], found[2]
    end = _closing(text, found.end())
    if end < 0 or (not operator and end != found.end()):
        return "${", found.start() + 2
    is_set = bool(names.get(name)) if operator == ":-" else name in names
    if operator and not is_set:
        return expand(text[found.end() : end], names, braced_only), end + 1
    return _value(name, names), end + 1


def _closing(text: str, place: int) -> int:
    """The brace that closes what was opened before this place; -1 if there is none."""
    depth = 0
    for number in range(place, len(text)):
        if text.startswith("${", number):
            depth += 1
        elif text[number] == "}":
            if depth == 0:
                return number
            depth -= 1
    return -1


def _value(name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        raise Unset(name)
    return names[name]


def names_in(text: str, braced_only: bool = False) -> list[str]:
    """The names that the text refers to, in their order, those within defaults too."""
    found = re.findall(rf"\$\{{({_NAME})|\$\$|\$({_NAME})", text)
    return [braced or bare for braced, bare in found if braced or (bare and not braced_only)]
