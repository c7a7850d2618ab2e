"""Reads a YAML file as Invoke does, but our section as it is written.

YAML 1.1 reads `1.10` as 1.1, `0123` as 83, `12:30` as 750 and `no` as false, and lets a second key of the same name
overrule the first. In our section a text stays what was written, and what can't is a problem that names key, file and
line (contract: Configuration, Sources).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from invoke.vendor import yaml
from invoke.vendor.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ..errors import Problem

SECTION = "sentinel"
WHOLE = r"[-+]?(0|[1-9][0-9]*)\Z"
DECIMAL = r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+\Z|[-+]?(0|[1-9][0-9]*)\.\Z"
NULLS = ("null", "Null", "NULL", "~", "")
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
MERGE = "tag:yaml.org,2002:merge"
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")

TakesText = Callable[[tuple[str, ...]], bool]
"""True if the key of that path may be any text."""


def read(path: str, takes_text: TakesText) -> tuple[Any, list[Problem]]:
    """What the file says and what is wrong with our section; an error of YAML's if it can't be read at all."""
    with open(path, encoding="utf-8-sig") as file:
        loader: Any = yaml.SafeLoader(file)  # type: ignore[no-untyped-call]
        root = loader.get_single_node()
        section = _Section(loader, os.path.basename(path), takes_text)
        if not isinstance(root, MappingNode) or not any(_is_ours(key) for key, _ in root.value):
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
    return isinstance(key, ScalarNode) and key.value == SECTION


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
        if isinstance(node, MappingNode):
            return self._mapping(path, node)
        if isinstance(node, SequenceNode):
            return [self._value(path, each) for each in node.value]
        return self._scalar(path, node)

    def _mapping(self, path: tuple[str, ...], node: MappingNode) -> dict[str, Any]:
        seen: set[str] = set()
        for key, value in self._own_pairs(node):
            if key.value in seen:
                self._complain((*path, key.value), key, value, "is there twice")
            seen.add(key.value)
        self.loader.flatten_mapping(node)
        return {str(key.value): self._value((*path, str(key.value)), value) for key, value in node.value}

    def _own_pairs(self, node: MappingNode) -> Iterator[tuple[Node, Node]]:
        return ((key, value) for key, value in node.value if key.tag != MERGE and isinstance(key, ScalarNode))

    def _scalar(self, path: tuple[str, ...], node: Node) -> Any:
        text = str(node.value)
        if getattr(node, "style", None) is not None or node.tag.endswith(":str"):
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
        shown = value.value if isinstance(value, ScalarNode) and not self._is_variable(path) else "…"
        self.problems.append(Problem(".".join(path), shown, f"{reason} ({place})"))
