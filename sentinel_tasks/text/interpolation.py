"""`$NAME`, `${NAME}` and `${NAME:-default}` in configured text, as a shell replaces them. Pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_BRACED = rf"\$\{{({_NAME})(:?-)?"
_BARE = rf"\$({_NAME})"


class Unset(ValueError):
    """A name that is not set and has no default."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Name(NamedTuple):
    """A name in a text; `operator` is `:-` or `-` where a default stands for it, which may have names in turn."""

    name: str
    operator: str = ""
    default: str = ""


def parts(text: str, braced_only: bool = False) -> list[str | Name]:
    """The text as the pieces between its names, and the names, in their order.

    `$$` is a dollar, and a dollar before anything else is left as it is. With `braced_only` just `${…}` counts, for
    texts in which a dollar has a meaning of its own.
    """
    found: list[str | Name] = []
    place = 0
    while (dollar := text.find("$", place)) >= 0:
        found.append(text[place:dollar])
        part, place = _part(text, dollar, braced_only)
        found.append(part)
    return [*found, text[place:]]


def expand(text: str, names: Mapping[str, str], braced_only: bool = False) -> str:
    """The text with each name replaced by what it is set to; Unset for one that is not, and has no default."""
    return "".join(
        part if isinstance(part, str) else _value(part, names, braced_only) for part in parts(text, braced_only)
    )


def _part(text: str, place: int, braced_only: bool) -> tuple[str | Name, int]:
    """What stands for the dollar at this place, and where the text goes on."""
    if found := re.compile(_BRACED).match(text, place):
        return _braced(text, found)
    if braced_only:
        return "$", place + 1
    if text.startswith("$$", place):
        return "$", place + 2
    if found := re.compile(_BARE).match(text, place):
        return Name(found[1]), found.end()
    return "$", place + 1


def _braced(text: str, found: re.Match[str]) -> tuple[str | Name, int]:
    name, operator = found[1], found[2] or ""
    end = _closing(text, found.end())
    if end < 0 or (not operator and end != found.end()):
        return "${", found.start() + 2
    return Name(name, operator, text[found.end() : end]), end + 1


def _value(part: Name, names: Mapping[str, str], braced_only: bool) -> str:
    is_set = bool(names.get(part.name)) if part.operator == ":-" else part.name in names
    if is_set:
        return names[part.name]
    if part.operator:
        return expand(part.default, names, braced_only)
    raise Unset(part.name)


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


def names_in(text: str, braced_only: bool = False) -> list[str]:
    """The names that the text refers to, in their order, those within defaults too."""
    found = re.findall(rf"\$\{{({_NAME})|\$\$|\$({_NAME})", text)
    return [braced or bare for braced, bare in found if braced or (bare and not braced_only)]
