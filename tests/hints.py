"""Every command of ours that a message proposes exists as typed: `inv --list` shows the task, its help the flags."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

PROGRAM = r"(?:inv|python3? -m (?:invoke|sentinel_tasks))"
TASK = r"[a-z][\w-]*(?:\.[\w-]+)*"
FLAGS = r"(?: --[a-z][a-z-]*(?: [^\s-]\S*)?)*"
COMMAND = rf"(?P<program>{PROGRAM})(?P<core>(?: -[crf] \S+)*) (?P<task>{TASK})(?P<flags>{FLAGS})"
PROPOSED = re.compile(rf"(?<![\w./'\"-]){COMMAND}")
OUTPUT = re.compile(r"^ *\| |^Usage: ")
"""Lines that we only pass on: the service's own, and Invoke's help."""


class Hint(NamedTuple):
    """A proposed command: the program, Invoke's own flags, the task, and the task's flags."""

    program: str
    core: tuple[str, ...]
    task: str
    flags: tuple[str, ...]


def proposed(said: str) -> Iterator[Hint]:
    """The commands in what a task said."""
    for line in said.splitlines():
        for found in () if OUTPUT.match(line) else PROPOSED.finditer(line):
            flags = tuple(word for word in found["flags"].split() if word.startswith("--"))
            yield Hint(found["program"], tuple(found["core"].split()), found["task"], flags)


KNOWN: dict[object, str] = {}
"""What Invoke has listed in this test process, by what decides it: many tests name their tasks in the same way."""


class Hints:
    """Checks hints by asking Invoke itself, through the runner, once for each way in which tasks are named."""

    def __init__(self, runner: Callable[[], Any]) -> None:
        self.runner = runner

    def check(self, said: str, folder: Path, environ: Mapping[str, str]) -> None:
        for hint in proposed(said):
            listed = self._asked([*hint.core, "--list", "--list-format=flat"], folder, environ)
            first = [line.strip().partition("   ")[0] for line in listed.splitlines()]
            names = {*(name for words in first for name in re.findall(TASK, words)), *_always(hint)}
            assert hint.task in names, f"{hint} is proposed, but not listed:\n{listed}"
            helped = self._asked([*hint.core, "--help", hint.task], folder, environ) if hint.task in listed else "--fix"
            assert all(flag in helped for flag in hint.flags), f"{hint} is proposed, but:\n{helped}"

    def _asked(self, words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
        key = (tuple(words), *_naming(folder, words), *_around(environ))
        if key not in KNOWN:
            KNOWN[key] = self.runner().run(["inv", *words], folder, environ, 60.0).out
        return KNOWN[key]


def _around(environ: Mapping[str, str]) -> Iterator[object]:
    """What else than its folder decides it: a person's own configuration, and variables."""
    yield frozenset(item for item in environ.items() if item[0].startswith(("INVOKE_", "SENTINEL_", "NO_COLOR")))
    yield tuple(_keys(path.read_bytes()) for path in Path(environ.get("HOME", "/nowhere")).glob(".invoke.*"))


def _naming(folder: Path, words: Sequence[str]) -> Iterator[object]:
    """What decides how the tasks of this folder are called: programs by their text, configuration by its keys."""
    yield folder if "-r" in words or "-c" in words or not (folder / "tasks.py").is_file() else None
    for path in sorted(folder.glob("*")):
        if path.suffix == ".py":
            yield path.name, path.read_bytes()
        elif path.suffix in (".yaml", ".json") or path.name == "Procfile":
            yield path.name, _keys(path.read_bytes())


def _keys(content: bytes) -> object:
    """Those that may name a task: of the services where a lab wrote them, else all."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        own = json.loads(content)["sentinel"]
        return frozenset(own), frozenset(own["services"])
    return frozenset(re.findall(rb"[\w-]+(?=[\"']?:)", content))


def _always(hint: Hint) -> list[str]:
    """The doctor answers also where no tasks file lists it."""
    return ["doctor"] if hint.program.endswith("-m sentinel_tasks") else []
