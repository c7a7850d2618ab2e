"""The folders that have to be watched, and the files in them. What is passed over is not looked into."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

Folder = tuple[str, list[str]]
"""A folder's path below the workspace, and its files' paths."""


def below(workspace: Path, folders: Iterable[str], passes_over: Callable[[str], bool]) -> dict[str, list[str]]:
    """Every folder below these, with its files; where one is missing, what is there of the way to it."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        there = folder
        while there and not os.path.isdir(workspace / there):
            there = os.path.dirname(there)
        if there != folder:
            found.setdefault(there, [])
        elif not any(map(passes_over, _way(folder))):
            found.update(_walked(workspace, folder, passes_over))
    return found


def _way(folder: str) -> Iterator[str]:
    """The folder and those above it, but the workspace."""
    while folder:
        yield folder
        folder = os.path.dirname(folder)


def _walked(workspace: Path, folder: str, passes_over: Callable[[str], bool]) -> Iterator[Folder]:
    left = [folder]
    for each in left:
        inner, files = list[str](), list[str]()
        try:
            with os.scandir(workspace / each) as entries:
                for entry in entries:
                    path = f"{each}/{entry.name}" if each else entry.name
                    (inner if entry.is_dir(follow_symlinks=False) else files).append(path)
        except OSError:
            continue  # it is gone already, or closed to us
        left += [path for path in inner if not passes_over(path)]
        yield each, files
