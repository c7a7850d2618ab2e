"""Takes every secret out of a workspace before any target sees it: what is not there can be written nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from ..model import Service
from ..text.masking import LONGEST, MASK, is_secret, masked, masked_text

Text = TypeVar("Text", str, tuple[str, ...], str | tuple[str, ...])

_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
IN_A_COMMAND = "it is not written: give it in a variable whose name is secret"


class Cleaned(Struct, frozen=True):
    """A service without its secrets: the names of the variables that must be provided, and where one was masked."""

    service: Service
    names: tuple[str, ...]
    masked: tuple[str, ...]


def cleaned(service: Service) -> Cleaned:
    """The service with no value in it that a name or a shape gives away as secret."""
    service = whole(service)
    names = tuple(name for name, value in service.env if is_secret(name) or holds_secret(value))
    health = replace(service.health, target=_without(service.health.target))
    found = replace(
        service,
        title=_text(service.title),
        command=_without(service.command),
        health=health,
        worker_command=None if service.worker_command is None else _without(service.worker_command),
        stop_command=None if service.stop_command is None else _without(service.stop_command),
        liveness=service.liveness and replace(service.liveness, target=_without(service.liveness.target)),
        env=tuple((name, value) for name, value in service.env if name not in names),
    )
    return Cleaned(found, names, tuple(_changed(service, found)))


def _changed(before: Service, after: Service) -> list[str]:
    pairs = {
        "command": (before.command, after.command),
        "health": (before.health, after.health),
        "worker_command": (before.worker_command, after.worker_command),
        "stop_command": (before.stop_command, after.stop_command),
        "liveness": (before.liveness, after.liveness),
        "title": (before.title, after.title),
    }
    return [key for key, (one, other) in pairs.items() if one != other]


def whole(service: Service) -> Service:
    """The service with the halves of a character put together: JSON read as YAML has an emoji in two.

    UnicodeEncodeError if there is half a character, or a byte that is none, left.
    """
    return replace(
        service,
        title=_joined(service.title),
        command=_joined(service.command),
        cwd=_joined(service.cwd),
        health=replace(service.health, target=_joined(service.health.target)),
        env=tuple((_joined(name), _joined(value)) for name, value in service.env),
        env_files=_joined(service.env_files),
        worker_command=None if service.worker_command is None else _joined(service.worker_command),
        stop_command=None if service.stop_command is None else _joined(service.stop_command),
        liveness=service.liveness and replace(service.liveness, target=_joined(service.liveness.target)),
    )


def _joined(text: Text) -> Text:
    if isinstance(text, str):
        text = _HALVES.sub(lambda found: found.group().encode("utf-16", "surrogatepass").decode("utf-16"), text)
        return text.encode().decode()
    return tuple(_joined(each) for each in text)


def holds_secret(text: str) -> bool:
    """True if the text's shape gives a secret away; also of a text that is too long to be masked in one go."""
    pieces = [text[at : at + LONGEST] for at in range(0, max(len(text), 1), LONGEST // 2)]
    return any(masked_text(piece) != piece for piece in pieces)


def _text(text: str) -> str:
    if not holds_secret(text):
        return text
    return masked_text(text) if len(text) <= LONGEST else MASK


def _without(command: str | tuple[str, ...]) -> str | tuple[str, ...]:
    return _text(command) if isinstance(command, str) else _words(command)


def _words(words: Sequence[str]) -> tuple[str, ...]:
    shown = masked([word[:LONGEST] for word in words])
    return tuple(after if after != word[:LONGEST] else _text(word) for word, after in zip(words, shown, strict=True))
