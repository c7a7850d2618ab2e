"""Plain values as YAML that every reader takes for the same: quoted wherever one might differ. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*", re.ASCII)
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def document(value: Mapping[str, object]) -> str:
    """The mapping as one document, its keys in their order."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entry(f"{scalar(str(key))}:", inner, "  ")
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _item(inner)


def _entry(head: str, value: object, indent: str) -> Iterator[str]:
    if _is_block(value):
        yield head
        yield from (f"{indent}{line}" for line in _lines(value))
    else:
        yield f"{head} {scalar(value)}"


def _item(value: object) -> Iterator[str]:
    """A block within a list begins on the line of its dash."""
    if not _is_block(value):
        yield f"- {scalar(value)}"
        return
    first, *rest = _lines(value)
    yield f"- {first}"
    yield from (f"  {line}" for line in rest)


def _is_block(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def scalar(value: object) -> str:
    """A value on one line; a text is quoted unless it can be taken for nothing but itself."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{}"
    return "[]" if isinstance(value, Sequence) else "null" if value is None else str(value)


def _quoted(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_UNPRINTABLE.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    number = ord(found.group())
    return _SHORT.get(found.group()) or (f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}")
