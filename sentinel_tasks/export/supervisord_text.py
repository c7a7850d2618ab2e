"""How supervisord's configuration quotes: its parser's comments, its expansions, then a shell's words. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from .instances import NUMBER
from .words import NAME, has_line_break

HERE_FOLDER = "%(here)s"
"""The folder of the configuration file, wherever it is taken to."""
BESIDE = "\0"
"""Begins a word that stands for a file in that folder; no word of a command can have it."""
_COMMENT = re.compile(r"(\s)([;#])")
_UNSAYABLE = re.compile(r"""["']|\s[;#]|%\(here\)s|\\""")


def percent(text: str) -> str:
    """The text where supervisord expands `%`."""
    return text.replace("%", "%%")


def is_plain_folder(path: str) -> bool:
    """True if `directory=` can say it."""
    return not has_line_break(path) and path == path.strip() and _UNSAYABLE.search(path) is None and NUMBER not in path


def is_plain_variable(name: str, value: str) -> bool:
    """True if `environment=` can say it: no quote can be escaped there."""
    return NAME.fullmatch(name) is not None and not has_line_break(value) and _UNSAYABLE.search(value) is None


def assignment(name: str, value: str) -> str:
    """One assignment of `environment=`."""
    return f'{name}="{percent(value)}"'


def command_line(words: Sequence[str]) -> str:
    """The words as supervisord splits them; the first is a program of the system."""
    first = {"env": "/usr/bin/env", "sh": "/bin/sh"}[words[0]]
    return " ".join([first, *(_word(word) for word in words[1:])])


def _word(word: str) -> str:
    """What begins a comment, or looks like the folder's name, is broken up by two quotes that mean nothing."""
    if word.startswith(BESIDE):
        return f'"{HERE_FOLDER}/{percent(word.removeprefix(BESIDE))}"'
    text = _COMMENT.sub(r"\1''\2", percent(shlex.quote(word)))
    return text.replace("%(here)s", "%(''here)s")
