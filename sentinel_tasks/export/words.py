"""Commands as words and as one line of shell, whatever is in them. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from ..model import Service

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
"""What every engine takes for the name of a variable."""

_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
"""Ends a line for one reader or another (str.splitlines, universal newlines), or can't be in a text file."""

_NEEDS_A_SHELL = re.compile(r"[;&|<>()`\n\\]|\$\(")
_OF_THE_SHELL = frozenset({
    "!", ".", ":", "[", "{", "}", "alias", "bg", "break", "case", "cd", "chdir", "command", "continue", "do", "done",
    "echo", "elif", "else", "esac", "eval", "exec", "exit", "export", "false", "fc", "fg", "fi", "for", "function",
    "getopts", "hash", "if", "in", "jobs", "kill", "let", "local", "printf", "pwd", "read", "readonly", "return",
    "select", "set", "shift", "source", "test", "then", "time", "times", "trap", "true", "type", "typeset", "ulimit",
    "umask", "unalias", "unset", "until", "wait", "while",
})  # fmt: skip
"""What a shell does itself, or reads as its grammar."""


def words_of(service: Service) -> tuple[str, ...]:
    """The process that the command stands for: a string runs in `sh -c`, a list is run as it is."""
    return as_words(service.command)


def as_words(command: str | tuple[str, ...]) -> tuple[str, ...]:
    """The process that any command stands for."""
    return shell(in_place(command)) if isinstance(command, str) else command


def in_place(command: str) -> str:
    """The command, run in the shell's place where it is one plain program: a signal then reaches the program itself.

    As `up` has it, but that it does not look whether there is such a program: there may be, where the export goes.
    """
    if _NEEDS_A_SHELL.search(command):
        return command
    try:
        program = next(iter(shlex.split(command, comments=True)), "")
    except ValueError:
        return command
    return command if not program or program in _OF_THE_SHELL or "=" in program or "$" in program else f"exec {command}"


def shell(text: str) -> tuple[str, ...]:
    """The words that run a line of shell."""
    return ("sh", "-c", text)


def through_env(words: Sequence[str], variables: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """`env` that turns into these words, with the variables set; a program is found on the PATH they set."""
    if "=" in words[0] or words[0] in ("", "-"):
        words = (*shell('exec "$@"'), "sh", *words)
    rest = [*(f"{name}={value}" for name, value in (variables or {}).items()), *words]
    return ("env", *(["--"] if rest[0].startswith("-") else []), *rest)


def in_folder(folder: str, words: Sequence[str]) -> tuple[str, ...]:
    """A shell that goes to the folder and turns into these words there."""
    return (*shell('cd "$1" && shift && exec "$@"'), "sh", folder, *words)


def with_files(files: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """A shell that reads these files of variables in order and turns into these words."""
    reading = "".join(f'. "${number}"; ' for number in range(1, len(files) + 1))
    return (*shell(f'set -a; {reading}set +a; shift {len(files)}; exec "$@"'), "sh", *files, *words)


def has_line_break(text: str) -> bool:
    """True if some reader of text files would see more than one line there."""
    return _BREAKS.search(text) is not None


def on_one_line(line: str) -> str:
    """A line of shell that does what this one does and has no line break in it."""
    if not has_line_break(line):
        return line
    return f"""eval "$(printf '{_for_printf(line)}')\""""


def _for_printf(line: str) -> str:
    """The text as a format of printf, to stand in single quotes."""
    line = line.replace("\\", "\\\\").replace("%", "%%").replace("'", "\\047")
    return _BREAKS.sub(lambda found: "".join(f"\\{byte:03o}" for byte in found.group().encode()), line)


def quoted(words: Iterable[str]) -> str:
    """The words as a shell reads them."""
    return shlex.join(words)
