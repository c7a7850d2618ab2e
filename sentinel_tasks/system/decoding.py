"""JSON that we wrote ourselves, read into a noun, on whatever thread."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

import msgspec

Noun = TypeVar("Noun")

_ONE_AT_A_TIME = threading.Lock()
"""msgspec looks at a type when it is first asked for; two threads that are first at once end the whole process."""
_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def from_json(content: bytes, wanted: type[Noun]) -> Noun:
    """The noun that the JSON tells; ValueError if it tells none."""
    with _ONE_AT_A_TIME:
        decoder = _DECODERS.get(wanted) or _DECODERS.setdefault(wanted, msgspec.json.Decoder(wanted))
    found: Noun = decoder.decode(content)
    return found
