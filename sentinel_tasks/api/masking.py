"""Command lines with their secrets masked (SPEC §7): what a name or a value gives away as secret becomes `***`."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"
LONGEST = 4096  # characters looked at of each argument: the rest is cut off
_WORDS = r"passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private)[-_]?key|credential|auth"
_NAME = rf"[\w.-]*(?:{_WORDS})[\w.-]*"
_ASSIGNMENT = re.compile(rf"(?i)((?:^|[\s;&?\"'])-{{0,2}}{_NAME}\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s&;]+)")
_FLAG_WITHIN = re.compile(rf"(?i)((?:^|\s)--?{_NAME}\s+)(\"[^\"]*\"|'[^']*'|[^\s-]\S*)")
_FLAG = re.compile(rf"(?i)--?{_NAME}")
_URL_LOGIN = re.compile(r"(://)[^/\s@]+@")
_BEARER = re.compile(r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}")
_KNOWN_SHAPES = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|sk-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{16}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
)


def masked(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command with their secrets masked; a secret-looking flag masks the argument after it."""
    result: list[str] = []
    after_flag = False
    for argument in arguments:
        result.append(MASK if after_flag and not argument.startswith("-") else masked_text(argument))
        after_flag = _FLAG.fullmatch(argument) is not None
    return result


def masked_text(text: str) -> str:
    """One piece of text with its secrets masked."""
    text = _URL_LOGIN.sub(rf"\1{MASK}@", text[:LONGEST])
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _FLAG_WITHIN.sub(rf"\1{MASK}", text)
    text = _ASSIGNMENT.sub(rf"\1{MASK}", text)
    return _KNOWN_SHAPES.sub(MASK, text)
