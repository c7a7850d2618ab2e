"""Cursors: where an answer about logs has ended, as one word that a person hands back. Pure."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping

from .wanted import Place

_CHECK = 6
"""Bytes that tell a cursor of this workspace from any other word."""


def cursor_of(workspace: str, places: Mapping[str, Place]) -> str:
    """The cursor that stands for these places in the logs of a workspace, by service."""
    text = json.dumps(places, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_check(workspace, text) + text).decode().rstrip("=")


def places_of(workspace: str, cursor: str) -> dict[str, Place] | None:
    """The places that a cursor stands for; None if it was never given out in this workspace."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", cursor):
        return None
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        return None
    check, text = data[:_CHECK], data[_CHECK:]
    if check != _check(workspace, text):
        return None
    return {name: Place(*place) for name, place in json.loads(text).items()}


def _check(workspace: str, text: bytes) -> bytes:
    from hashlib import blake2b  # the import takes as long as a search of 10 MB, and many ask for no cursor

    return blake2b(text, digest_size=_CHECK, key=blake2b(workspace.encode(errors="surrogateescape")).digest()).digest()
