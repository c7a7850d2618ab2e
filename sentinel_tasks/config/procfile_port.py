"""Where the `web` of a Procfile listens, as far as its command says so. Pure (contract: Configuration, Procfiles)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

READS_PORT = r"\$(PORT\b|\{PORT\b)"
FLAGS = ("-p", "--port", "--server.port", "-Dserver.port")
"""Flags whose value is the port."""

ADDRESS_FLAGS = ("-b", "--bind", "--listen")
"""Flags whose value is an address: a host with a port, or a Unix socket."""

SEPARATORS = frozenset({"&&", "||", ";", "|", "&"})
ADDRESS = r"(?:tcp://)?[^\s/]*:(\d+)"
UNIX = "unix:"
LOWEST = 80
"""A smaller number behind such a flag counts something else: `-p 4` are uWSGI's processes."""


def web_port(command: str, given: int) -> int | None:
    """The port that the command itself names, `given` if it names none, None if it listens on a Unix socket alone."""
    if re.search(READS_PORT, command):
        return given
    values = list(_values(_last_command(command)))
    ports = [int(value) for value in values if value.isdecimal() and LOWEST <= int(value) <= 65535]
    if ports:
        return ports[-1]
    return None if any(value.startswith(UNIX) for value in values) else given


def _last_command(command: str) -> list[str]:
    """The words of the command that stays; none if the line can't be read as words."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        return []
    before = [at for at, word in enumerate(words) if word in SEPARATORS and word != "|"]
    last = words[before[-1] + 1 :] if before else words
    return last[: last.index("|")] if "|" in last else last


def _values(words: Sequence[str]) -> Iterator[str]:
    """What the words say of the place, the last one counting: a port, or `unix:...`."""
    for at, word in enumerate(words):
        name, _, value = word.partition("=")
        if name == "PORT":
            yield value
            continue
        value = value or next(iter(words[at + 1 : at + 2]), "")
        if name in FLAGS:
            yield value
        elif name in ADDRESS_FLAGS:
            yield _place(value)
        elif word == "runserver":
            yield _place(words[-1])


def _place(address: str) -> str:
    if address.startswith(UNIX):
        return address
    found = re.fullmatch(ADDRESS, address)
    return found[1] if found else ""
