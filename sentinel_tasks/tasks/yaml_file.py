"""Reads a YAML file as Invoke does, but our section as it is written.

YAML 1.1 reads `1.10` as 1.1, `0123` as 83, `12:30` as 750 and `no` as false, and lets a second key of the same name
overrule the first. In our section a text stays what was written, and what can't is a problem that names key, file and
line (contract: Configuration, Sources).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

from invoke.vendor import yaml

from ..errors import Problem

SECTION = "sentinel"
WHOLE = r"[-+]?(0|[1-9][0-9]*)\Z"
DECIMAL = r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+\Z|[-+]?(0|[1-9][0-9]*)\.\Z"
NULLS = ("null", "Null", "NULL", "~", "")
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
MERGE = "tag:yaml.org,2002:merge"
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")

ODD = r"[\t?!\ufeff]|[|>][-+0-9]*#"
"""What PyYAML's reader in C takes in places where the one in Python refuses it."""

TakesText = Callable[[tuple[str, ...]], bool]
"""True if the key of that path may be any text."""

Node = Any
"""One of Invoke's own copy of YAML or of PyYAML's: their types have the same names and attributes, no base."""


def read(path: str, takes_text: TakesText) -> tuple[Any, list[Problem]]:
    """What the file says and what is wrong with our section; an error of YAML's if it can't be read at all.

    Where PyYAML is installed with its reader in C, Invoke has imported it: that reads the file of hundreds of services
    in a tenth of the time. What it might read otherwise, or refuses, is left to Invoke's own copy, so that a file says
    the same in every installation, and an error has the same words.
    """
    with open(path, encoding="utf-8-sig") as file:
        text = file.read()
    if getattr(yaml, "__with_libyaml__", False) and not re.search(ODD, text):
        from yaml import CSafeLoader, YAMLError

        with suppress(YAMLError, ValueError):
            return _content(CSafeLoader(text), path, takes_text)
    stream = StringIO(text)
    stream.name = path  # by which an error tells where it is
    return _content(yaml.SafeLoader(stream), path, takes_text)  # type: ignore[no-untyped-call]


def _content(loader: Any, path: str, takes_text: TakesText) -> tuple[Any, list[Problem]]:
    root = loader.get_single_node()
    section = _Section(loader, os.path.basename(path), takes_text)
    if not _is_mapping(root) or not any(_is_ours(key) for key, _ in root.value):
        return (loader.construct_document(root) if root else None), []
    own = [(key, value) for key, value in root.value if _is_ours(key)]
    root.value = [pair for pair in root.value if pair not in own]
    content = loader.construct_document(root)
    return {**content, SECTION: section.of(own)}, section.problems


def plain_content(path: Path) -> Any:
    """What a YAML file of others says, as YAML has it; ValueError if it is none."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8-sig"))  # type: ignore[no-untyped-call]
    except yaml.YAMLError as reason:
        raise ValueError(" ".join(str(reason).split())) from reason


def _is_ours(key: Node) -> bool:
    return _is_scalar(key) and bool(key.value == SECTION)


def _is_mapping(node: Node) -> bool:
    return getattr(node, "id", "") == "mapping"


def _is_scalar(node: Node) -> bool:
    return bool(node.id == "scalar")


class _Section:
    """Our section on its way from nodes to values."""

    def __init__(self, loader: Any, file: str, takes_text: TakesText) -> None:
        self.loader, self.file, self.takes_text = loader, file, takes_text
        self.problems: list[Problem] = []

    def of(self, pairs: list[tuple[Node, Node]]) -> Any:
        """The value of the last of these pairs; a second one is a problem."""
        for key, value in pairs[1:]:
            self._complain((SECTION,), key, value, "is there twice")
        return self._value((SECTION,), pairs[-1][1])

    def _value(self, path: tuple[str, ...], node: Node) -> Any:
        if _is_mapping(node):
            return self._mapping(path, node)
        if node.id == "sequence":
            return [self._value(path, each) for each in node.value]
        return self._scalar(path, node)

    def _mapping(self, path: tuple[str, ...], node: Node) -> dict[str, Any]:
        seen: set[str] = set()
        for key, value in self._own_pairs(node):
            if key.value in seen:
                self._complain((*path, key.value), key, value, "is there twice")
            seen.add(key.value)
        self.loader.flatten_mapping(node)
        return {str(key.value): self._value((*path, str(key.value)), value) for key, value in node.value}

    def _own_pairs(self, node: Node) -> Iterator[tuple[Node, Node]]:
        return ((key, value) for key, value in node.value if key.tag != MERGE and _is_scalar(key))

    def _scalar(self, path: tuple[str, ...], node: Node) -> Any:
        text = str(node.value)
        if node.style or node.tag.endswith(":str"):
            return text
        if text in NULLS:
            return None
        if self._is_variable(path):
            return text
        if text in BOOLEANS:
            return BOOLEANS[text]
        return self._number_or_text(path, node, text)

    def _number_or_text(self, path: tuple[str, ...], node: Node, text: str) -> Any:
        if re.match(WHOLE, text):
            return int(text)
        if re.match(DECIMAL, text):
            return text if self.takes_text(path[1:]) else float(text)
        if node.tag in NUMBERS and not self.takes_text(path[1:]):
            read_as = self.loader.construct_object(node)
            self._complain(path, node, node, f"YAML reads {text} as {read_as}; write that, or {text} in quotes")
        return text

    def _is_variable(self, path: tuple[str, ...]) -> bool:
        """True for a value of `env`, which is what was written, whatever YAML makes of it."""
        return len(path) > 4 and path[1] == "services" and path[3] == "env"

    def _complain(self, path: tuple[str, ...], key: Node, value: Node, reason: str) -> None:
        place = f"{self.file}, line {key.start_mark.line + 1}"
        shown = value.value if _is_scalar(value) and not self._is_variable(path) else "…"
        self.problems.append(Problem(".".join(path), shown, f"{reason} ({place})"))
