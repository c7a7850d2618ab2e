"""Reads a unit file as systemd does: systemd.syntax, systemd.exec, systemd.unit's specifiers. Refuses what it would."""

from __future__ import annotations

import re
from collections.abc import Mapping

ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34, "'": 39, "s": 32}
WHITE = " \t\n\r"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Refused(Exception):
    """systemd would not take it."""


Section = dict[str, list[str]]


def sections(text: str) -> dict[str, Section]:
    """Each section's keys with all their values, in order; lines that end in a backslash go on."""
    found: dict[str, Section] = {}
    section: Section = {}
    for line in (line.strip(WHITE) for line in re.sub(r"\\\n", " ", text).split("\n")):
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            section = found.setdefault(line.strip("[]"), {})
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise Refused(f"Missing '=': {line!r}")
        section.setdefault(key.rstrip(WHITE), []).append(value.lstrip(WHITE))
    return found


def words(text: str) -> list[str]:
    """`extract_first_word` with EXTRACT_UNQUOTE and EXTRACT_CUNESCAPE, until nothing is left."""
    found: list[str] = []
    data, at = text.encode(), 0
    while True:
        while at < len(data) and chr(data[at]) in WHITE:
            at += 1
        if at == len(data):
            return found
        word, at = _word(data, at)
        found.append(word)


def _word(data: bytes, at: int) -> tuple[str, int]:
    word, quote = bytearray(), 0
    while at < len(data):
        byte = data[at]
        if byte == 92:
            at = _unescape(data, at + 1, word)
            continue
        at += 1
        if quote:
            quote = 0 if byte == quote else quote
            word += b"" if quote == 0 else bytes([byte])
        elif byte in b"'\"":
            quote = byte
        elif chr(byte) in WHITE:
            break
        else:
            word.append(byte)
    if quote:
        raise Refused("Unbalanced quoting")
    return word.decode(), at


def _unescape(data: bytes, at: int, word: bytearray) -> int:
    kind = chr(data[at]) if at < len(data) else ""
    if kind in ESCAPES:
        word.append(ESCAPES[kind])
        return at + 1
    if kind == "x" and re.fullmatch(rb"[0-9a-fA-F]{2}", data[at + 1 : at + 3]) and data[at + 1 : at + 3] != b"00":
        word.append(int(data[at + 1 : at + 3], 16))
        return at + 3
    raise Refused(f"Invalid escape sequences: \\{kind}")


def expanded(text: str, specifiers: Mapping[str, str]) -> str:
    """`specifier_printf`: `%%` is a percent sign, anything unknown is refused."""

    def value(found: re.Match[str]) -> str:
        letter = found[1]
        if letter == "%":
            return "%"
        if letter not in specifiers:
            raise Refused(f"Failed to resolve specifier %{letter}")
        return specifiers[letter]

    return re.sub(r"%(.?)", value, text, flags=re.DOTALL)


def command(line: str, environment: Mapping[str, str], specifiers: Mapping[str, str]) -> list[str]:
    """The argv of one `ExecStart=` line: a lone `;` would begin another, a path must be absolute."""
    if re.search(r"(^|\s)\\?;(\s|$)", re.sub(r'"(\\.|[^"\\])*"', '""', line)):
        raise Refused("more than one command")
    program, *rest = [expanded(word, specifiers) for word in words(line)]
    if not program.startswith("/"):
        raise Refused(f"Neither a valid executable name nor an absolute path: {program}")
    return [program, *(word for given in rest for word in _with_variables(given, environment))]


def _with_variables(word: str, environment: Mapping[str, str]) -> list[str]:
    """`replace_env_argv`: `$NAME` alone is split up, `${NAME}` is put in, `$$` is a dollar."""
    if re.fullmatch(r"\$[^{$].*", word, re.DOTALL):
        return environment.get(word[1:], "").split()
    found = re.sub(
        r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)\}",
        lambda each: "$" if each[0] == "$$" else environment.get(each[1], ""),
        word,
    )
    return [found]


def assignments(lines: list[str], specifiers: Mapping[str, str]) -> dict[str, str]:
    """`Environment=`: what is no assignment is refused."""
    found = {}
    for line in lines:
        for word in words(line):
            name, equals, value = expanded(word, specifiers).partition("=")
            if not equals or NAME.fullmatch(name) is None:
                raise Refused(f"Invalid environment assignment: {word!r}")
            found[name] = value
    return found


def file_of_variables(text: str) -> dict[str, str]:
    """`EnvironmentFile=`, for values that are plain or in quotes."""
    pairs = (line.partition("=") for line in text.split("\n") if line.strip() and line.strip()[0] not in "#;")
    return {name.strip(): "".join(words(value)[:1]) for name, _, value in pairs}
