"""The door to `.env` files: python-dotenv's syntax, with quotes that keep their meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from ..text.encoding import decoded
from ..text.interpolation import Unset, expand

if TYPE_CHECKING:
    from dotenv.parser import Binding

SINGLE_QUOTED = r"[^=]*=[^\S\r\n]*'"


def read_env_file(path: str, names: Mapping[str, str]) -> dict[str, str]:
    """The variables of the file. `${NAME}` stands for what an earlier line or `names` says, but not in single quotes.

    OSError if it can't be read; ValueError, for a person to read, for a line that is no NAME=value or that refers to a
    name that is not set.
    """
    from dotenv.parser import parse_stream

    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(decoded(Path(path).read_bytes()))):
        if binding.error:
            raise ValueError(f"line {_line(binding)} is not NAME=value")
        if binding.key is not None and binding.value is not None:
            found[binding.key] = _value(binding, {**names, **found})
    return found


def variables_as_written(content: bytes) -> dict[str, str]:
    """The variables of a file's content, no name in them replaced; ValueError if it is no text."""
    from dotenv.parser import parse_stream

    bindings = parse_stream(StringIO(decoded(content)))
    return {binding.key: binding.value or "" for binding in bindings if binding.key is not None}


def _value(binding: Binding, names: Mapping[str, str]) -> str:
    text = binding.value or ""
    if "${" not in text or re.match(SINGLE_QUOTED, binding.original.string.lstrip()):
        return text
    try:
        return expand(text, names, braced_only=True)
    except Unset as unset:
        hint = f"write ${{{unset.name}:-}} for nothing, or single quotes for the text itself"
        raise ValueError(f"line {_line(binding)} refers to {unset.name}, which is not set; {hint}") from unset


def _line(binding: Binding) -> int:
    """The first line of the binding that is not blank."""
    blank = binding.original.string[: len(binding.original.string) - len(binding.original.string.lstrip())]
    return binding.original.line + blank.count("\n")
