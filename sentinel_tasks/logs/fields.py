"""What a printed line says in fields: one JSON object, or `key=value` pairs (logfmt). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from json import JSONDecoder

_PAIR = re.compile(r'(?:^|(?<=[\s\[({,]))([A-Za-z_@][\w.@/-]*)=("(?:[^"\\]|\\.)*"|[^\s",\])}]*)')
_ESCAPED = re.compile(r'\\(["\\nt])')

Fields = Mapping[str, object]


def fields_of(text: str) -> Fields | None:
    """The fields of a line; None of one that has none. Numbers are the text that was printed."""
    stripped = text.strip()
    if stripped.startswith("{") and stripped.endswith("}"):
        return _of_json(stripped)
    if "=" not in stripped:
        return None
    return {name: _unquoted(value) for name, value in _PAIR.findall(stripped)} or None


def _of_json(text: str) -> Fields | None:
    try:
        found = _decoder().decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@cache
def _decoder() -> JSONDecoder:
    from json import JSONDecoder

    return JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return _ESCAPED.sub(lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), value[1:].removesuffix('"'))


def value_of(fields: Fields, name: str) -> str | None:
    """What the line says for that name, as text; `a.b` is also the `b` within `a`. None if it says nothing."""
    found: object = fields.get(name, fields)
    for part in name.split(".") if found is fields else ():
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return None if isinstance(found, dict | list) else _as_text(found)


def _as_text(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
