"""Command lines with their secrets masked: what a name or a shape gives away as secret becomes `***` (SPEC §2, §7).

Standard library only, and alone: the embedded API and the rest show the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"
LONGEST = 2000
"""Characters of an argument that are looked at, and so shown."""
_NAME = r"[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private)[-_]?key|credential|auth)[\w.-]*"
_VALUE = r"\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|"
_FLAG = re.compile(rf"--?{_NAME}", re.I)
_SECRETS = (
    re.compile(r"(://)[^/\s]+(?=@)"),
    re.compile(r"\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}", re.I),
    re.compile(rf"((?:^|\s)--?{_NAME}\s+)({_VALUE}[^\s-]\S*)", re.I),
    re.compile(rf"((?:^|[\s;&?{{,(\"'])-{{0,2}}{_NAME}[\"']?\s*[=:]\s*)({_VALUE}[^\s&;]+)", re.I),
    re.compile(r"()\b(?:gh[pousr]_|github_pat_|glpat-|sk-|xox[abprs]-|AKIA|eyJ)[\w.-]{16,}"),
)


def masked(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command with their secrets masked; a secret-looking flag masks the argument after it."""
    shown: list[str] = []
    after_flag = False
    for argument in arguments:
        shown.append(MASK if after_flag and not argument.startswith("-") else masked_text(argument))
        after_flag = _FLAG.fullmatch(argument[:LONGEST]) is not None
    return shown


def masked_text(text: str) -> str:
    """One piece of text with its secrets masked, cut where it is too long to be looked through."""
    text = text[:LONGEST]
    for secret in _SECRETS:
        text = secret.sub(rf"\1{MASK}", text)
    return text
