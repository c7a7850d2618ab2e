"""The head of every file: from what it was made, what got lost, and a digest that shows a change by hand. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_DIGEST = re.compile(r"^# Digest: ([0-9a-f]{64})\n", re.MULTILINE)
MADE = "# Made by `inv export "


def with_header(words: str, services: Iterable[str], told: Iterable[object], text: str) -> str:
    """The text below its header; `words` are those after `inv export`, `told` a line each."""
    lines = [
        f"{MADE}{one_line(words)}` from {', '.join(services) or 'no service'}.",
        "# Change the configuration and export again: what was changed by hand is only overwritten with --force.",
        *(f"# {one_line(str(each))}" for each in told),
    ]
    head = "".join(f"{line}\n" for line in lines)
    return f"{head}# Digest: {_digest(head, text)}\n\n{text}"


def one_line(text: str) -> str:
    """The text as a comment may hold it: nothing in it ends the line, for any reader."""
    text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return f"{text} " if text.endswith("\\") else text


def is_ours(text: str) -> bool:
    """True for what an export made and nobody has changed since."""
    found = _DIGEST.search(text)
    if found is None or not text.startswith(MADE):
        return False
    return found[1] == _digest(text[: found.start()], text[found.end() :].removeprefix("\n"))


def _digest(head: str, text: str) -> str:
    return hashlib.sha256(f"{head}\0{text}".encode()).hexdigest()
