"""Command lines with their secrets masked: what a name or a shape gives away as secret becomes `***`.

Contract: Configuration, API.

Standard library only, and alone: the embedded API and the rest show the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "***"
LONGEST = 2000
"""Characters of an argument that are looked at, and so shown."""
WORD = r"pass(?:w(?:or)?d|phrase)|pwd|secret|token|cred(?:ential|s)|apikey|bearer|authorization|cookie|jwt"
KEY = r"(?:api|access|auth|private|secret|signing|encryption|deploy|master|ssh)[-_]?key"
SHORT = r"pass|pat|pw|dsn"
"""What secrets are called, whatever the case: words that may end a longer one, keys, and words that stand alone."""
_LOOSE = r"auth|pass(?![a-z])"
"""In harmless names too: enough to mask a value, not enough for the doctor to accuse."""
_NAME = rf"[\w.-]*(?:{WORD}|{KEY}|{_LOOSE}|(?<![a-z])(?:{SHORT})(?![a-z]))[\w.-]*"
_VALUE = r"\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|"
_FLAG = rf"(?i)--?{_NAME}"
_FLAG_AND_VALUE = rf"(?is)(--?{_NAME}=).+"
_SECRETS = (
    r"(://)[^/\s]+(?=@)",
    r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}",
    rf"(?i)((?:^|\s)--?{_NAME}\s+)({_VALUE}[^\s-]\S*)",
    rf"(?i)((?:^|[\s;&?{{,(\"'])-{{0,2}}{_NAME}[\"']?\s*[=:]\s*)({_VALUE}[^\s&;]+)",
    r"(?i)((?:authorization|cookie)\s*:\s*)[^\"'\s][^\"'\n]*",
    r"()\b(?:gh[pousr]_|github_pat_|glpat-|sk-|xox[abprs]-|AKIA|eyJ)[\w.-]{16,}",
)
"""Compiled when first used: that takes 3 ms, and most tasks show nothing that must be masked."""


def masked(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command with their secrets masked; a secret-looking flag masks the argument after it."""
    shown: list[str] = []
    after_flag = False
    for argument in arguments:
        text = re.sub(_FLAG_AND_VALUE, rf"\1{MASK}", argument[:LONGEST], count=1) if argument[:1] == "-" else argument
        shown.append(MASK if after_flag and not argument.startswith("-") else masked_text(text))
        after_flag = re.fullmatch(_FLAG, argument[:LONGEST]) is not None
    return shown


def masked_text(text: str) -> str:
    """One piece of text with its secrets masked, cut where it is too long to be looked through."""
    text = text[:LONGEST]
    for secret in _SECRETS:
        text = re.sub(secret, rf"\1{MASK}", text)
    return text


def is_secret(name: str) -> bool:
    """True if the name gives its value away as secret."""
    return re.fullmatch(_FLAG, f"-{name[:LONGEST]}") is not None
