"""How unit files quote: systemd.syntax, systemd.exec, and the specifiers of systemd.unit. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PLAIN = re.compile(r"[A-Za-z0-9_./:=@,+-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def specifiers(text: str) -> str:
    """The text where systemd expands `%`."""
    return text.replace("%", "%%")


def plain_text(text: str) -> str:
    """The text on one line, for a value that systemd does not unquote."""
    return _CONTROL.sub(" ", text).strip().rstrip("\\") or "-"


def is_plain_folder(path: str) -> bool:
    """True if `WorkingDirectory=`, which is not unquoted, can say it."""
    return _CONTROL.search(path) is None and path == path.strip() and path.startswith("/") and not path.endswith("\\")


def exec_line(words: Sequence[str]) -> str:
    """The words of a command: the first is a program of the system, `$` stands for itself in the others."""
    program = {"env": "/usr/bin/env"}[words[0]]
    return " ".join([program, *(_quoted(specifiers(word).replace("$", "$$")) for word in words[1:])])


def environment_line(name: str, value: str) -> str:
    """One assignment of `Environment=`, where `$` has no meaning."""
    return _quoted(specifiers(f"{name}={value}"))


def _quoted(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return word
    return f'"{_CONTROL.sub(_escaped, word.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34)))}"'


def _escaped(found: re.Match[str]) -> str:
    """As C has it; what has no short form is written byte by byte."""
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(found.group())
    return short or "".join(f"\\x{byte:02x}" for byte in found.group().encode())
