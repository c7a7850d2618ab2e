"""Command lines with their secrets masked: what a name or a shape gives away as secret becomes `***`.

Contract: Configuration, API. Standard library only: the embedded API and the rest show the same.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from .secrets import ADDRESSES, FLAGS_OF_PROGRAMS, SHAPES, is_secret

__all__ = ["LONGEST", "MASK", "is_secret", "masked", "masked_text"]

MASK = "***"
LONGEST = 2000
"""Characters of an argument that are looked at, and so shown."""
_NAME = r"[\w.-]+"
_VALUE = r"\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|"
_FLAG = rf"--?({_NAME})|aws_(?:secret_access_key|session_token)"
_FLAG_AND_VALUE = rf"(?s)(--?({_NAME})=)(.+)"
_ASSIGNED = rf"(?<![\w.-])({_NAME})[\"']?\s*[=:]\s*"
"""Looked for where a name begins: at each of its characters, one of 2000 took 20 ms."""
_ASSIGNED_VALUE = rf"{_VALUE}[^\s&;]+"
_AFTER_A_FLAG = rf"(?:^|(?<=\s))--?({_NAME})\s+"
_VALUE_AFTER_A_FLAG = rf"{_VALUE}[^\s-]\S*"
_HEADERS = (
    r"(?i)\b((?:bearer|basic)\s+)[\w.~+/=-]{6,}",
    r"(?i)((?:authorization|cookie|x-api-key|x-auth-token)\s*:\s*)[^\"'\s][^\"'\n]*",
    r"(?i)(\baws_(?:secret_access_key|session_token)\s+)\S+",
    r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).+",
)
_ATTACHED = (
    r"((?<![^\s\"'])-p)(?!py)(?=[\w!@#$%^&*+-]*(?i:secret|passw|pw|token)|(?=[\w!@#$%^&*+]*\d)[a-zA-Z])[\w!@#$%^&*+-]{6,}"
    r"(?=[\s\"']|\Z)"
)
"""Behind the `-p` of a program that is not known: what names a secret, or has letters and digits."""
_PLAIN_VALUE = r"(?i)[\"']?(?:true|false|yes|no|on|off|none|null)[\"']?,?\Z"


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compiled when first used: that takes some milliseconds, and most tasks show nothing that must be masked."""
    shapes = rf"()(?<![\w-])(?:{'|'.join(SHAPES)})"
    programs = (rf"((?<![\w.-])(?:{p.programs})(?:\s[^|;&\n]*?)?\s{p.flag})({p.value})" for p in FLAGS_OF_PROGRAMS)
    return tuple(re.compile(pattern) for pattern in (*ADDRESSES, *_HEADERS, _ATTACHED, shapes, *programs))


def masked(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command with their secrets masked; a secret-looking flag masks the argument after it."""
    shown: list[str] = []
    after_flag = False
    for argument in arguments:
        text = argument[:LONGEST]
        is_value = after_flag and not text.startswith("-") and not re.match(_PLAIN_VALUE, text)
        shown.append(MASK if is_value else _masked_argument(text))
        flag = re.fullmatch(_FLAG, text)
        after_flag = flag is not None and is_secret(flag[1] or text)
    return _without_secrets_of_programs([*map(str, arguments)], shown)


def _masked_argument(text: str) -> str:
    """A flag's value may hold blanks."""
    flag = re.fullmatch(_FLAG_AND_VALUE, text)
    if flag and is_secret(flag[2]) and not re.match(_PLAIN_VALUE, flag[3]):
        return f"{flag[1]}{MASK}"
    return masked_text(text)


def _without_secrets_of_programs(arguments: Sequence[str], shown: list[str]) -> list[str]:
    """What only the program's name gives away: `-psecret` is a password of mysql and a port of ssh."""
    for place, argument in enumerate(arguments):
        program = argument.rpartition("/")[2] if len(argument) < LONGEST else ""
        for known in FLAGS_OF_PROGRAMS:
            words = " ".join(arguments[place : place + 2]) if r"\s" in known.programs else program
            if program and re.fullmatch(known.programs, words):
                _mask_flags(arguments, shown, place + 1, known.flag)
    return shown


def _mask_flags(arguments: Sequence[str], shown: list[str], begin: int, flag: str) -> None:
    for place in range(begin, len(arguments)):
        own, pair = arguments[place][:LONGEST], " ".join(arguments[place : place + 2])[:LONGEST]
        if found := re.match(rf"({flag})\S", own):
            shown[place] = f"{found[1]}{MASK}"
        elif (found := re.match(rf"({flag})\S", pair)) and len(found[1]) > len(own):
            shown[place + 1] = f"{found[1][len(own) + 1 :]}{MASK}"


def masked_text(text: str) -> str:
    """One piece of text with its secrets masked, cut where it is too long to be looked through."""
    text = text[:LONGEST]
    for pattern in _patterns():
        text = pattern.sub(rf"\1{MASK}", text)
    text = _without_values(text, _AFTER_A_FLAG, _VALUE_AFTER_A_FLAG)
    return _without_values(text, _ASSIGNED, _ASSIGNED_VALUE)


def _without_values(text: str, named: str, value_pattern: str) -> str:
    """The text without the values that stand after secret-looking names."""
    a_value = re.compile(value_pattern)
    shown, place = [], 0
    for found in re.finditer(named, text):
        value = a_value.match(text, found.end()) if found.end() >= place and is_secret(found[1]) else None
        if value and not re.match(_PLAIN_VALUE, value[0]) and not value[0].startswith((MASK, "//")):
            shown += [text[place : found.end()], MASK]
            place = value.end()
    return "".join([*shown, text[place:]])
