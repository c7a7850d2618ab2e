"""A document in parts that each fit into one answer. Pure.

What matters comes first: services that have failed, and of lines the last ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

MOST = 5_500
"""Characters of one part, in JSON with paths and numbers about 1,800 tokens."""
LONGEST = 2_000
"""Characters of a line that is not cut into several."""
NEWEST_FIRST = ("lines", "last_output")
ROOM_FOR_SIGNS = 40
BESIDE = {"lines": "times"}
"""A list that has an element for each of the other one's."""


def text_of(document: object) -> str:
    """The document as the program prints it, without the spaces."""
    return json.dumps(document, separators=(",", ":"))


def parts(document: Mapping[str, Any]) -> list[str]:
    """The document as one text, or as several with a part of its longest list each."""
    return [text for part in _parts(document, MOST) for text in _slices(text_of(part))]


def _parts(document: Mapping[str, Any], room: int) -> list[Mapping[str, Any]]:
    """The same with a part of its longest list each, as far as they can be made to fit into so many characters."""
    if len(text_of(document)) <= room:
        return [document]
    lists = {key: value for key, value in document.items() if isinstance(value, list) and value}
    key = max(lists, key=lambda each: len(text_of(lists[each])), default="")
    key = next((list_ for list_, beside in BESIDE.items() if beside == key and list_ in lists), key)
    around = len(text_of({name: value for name, value in document.items() if name not in (key, BESIDE.get(key))}))
    if not key or around > room // 2:
        return [document]
    return [{**document, **part} for part in _groups(key, document, room - around - len(key) - ROOM_FOR_SIGNS)]


def _groups(key: str, document: Mapping[str, Any], room: int) -> list[dict[str, list[Any]]]:
    """Parts of that list, and of the one beside it, that fit into so many characters if one element does."""
    beside = BESIDE.get(key, "")
    pairs = _pairs(document[key], document.get(beside), room)
    groups: list[list[tuple[Any, Any]]] = [[]]
    taken = 0
    for pair in reversed(pairs) if key in NEWEST_FIRST else sorted(pairs, key=lambda each: not _has_failed(each[0])):
        size = len(text_of(pair)) + 1
        if groups[-1] and taken + size > room:
            groups.append([])
            taken = 0
        groups[-1].append(pair)
        taken += size
    if key in NEWEST_FIRST:
        groups = [group[::-1] for group in groups]
    names = [key, beside] if beside in document else [key]
    return [{name: [pair[n] for pair in group] for n, name in enumerate(names)} for group in groups]


def _pairs(values: Sequence[Any], beside: Sequence[Any] | None, room: int) -> list[tuple[Any, Any]]:
    """Each value with what is beside it; of one that is too long each piece."""
    known = beside if beside is not None and len(beside) == len(values) else [None] * len(values)
    return [(piece, other) for value, other in zip(values, known, strict=True) for piece in _pieces(value, room)]


def _pieces(value: Any, room: int) -> list[Any]:
    if isinstance(value, dict):
        return [*_parts(value, room)]
    if not isinstance(value, str) or len(value) <= LONGEST:
        return [value]
    return [value[start : start + LONGEST] for start in range(0, len(value), LONGEST)]


def _has_failed(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("error") or value.get("ok") is False)


def _slices(text: str) -> list[str]:
    """Cut anywhere: what holds no list, or one element that is too long."""
    return [text[start : start + MOST] for start in range(0, len(text), MOST)]
