"""What git keeps of a worktree, and which workspaces the worktrees of a repository have.

Every task asks this, so nothing is imported for it, and git itself is never run.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress

from ..names import digest, state_name

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
WORKTREES = "worktrees"
MOST_BYTES = 1 << 20
Worktree = tuple[str, str, str]
"""Its top, git's common folder, and its own if it is a linked one, else an empty text."""


def worktree_of(path: str) -> Worktree | None:
    """The worktree that the path is in; None if it is in none."""
    top = path
    while True:
        place = os.path.join(top, ".git")
        with suppress(OSError):
            return _read(top, place, stat.S_ISDIR(os.stat(place).st_mode))
        if top == (above := os.path.dirname(top)):
            return None
        top = above


def _read(top: str, place: str, is_folder: bool) -> Worktree | None:
    if is_folder:
        return top, os.path.realpath(place), ""
    own = _first_line(place).removeprefix("gitdir: ")
    own = os.path.realpath(os.path.join(top, own)) if own else ""
    common = _first_line(os.path.join(own, "commondir")) if own else ""
    return (top, os.path.realpath(os.path.join(own, common)), own) if common else None


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return ""


def tops(repository: str) -> Iterator[str]:
    """Where git has linked worktrees of the repository."""
    known = os.path.join(repository, "worktrees")
    with suppress(OSError):
        for name in os.listdir(known):
            if top := top_of(os.path.join(known, name)):
                yield top


def top_of(git_dir: str) -> str:
    """Where git has the linked worktree whose own folder this is; empty if it does not tell."""
    place = _first_line(os.path.join(git_dir, "gitdir"))
    return os.path.dirname(os.path.normpath(os.path.join(git_dir, place))) if place else ""


# The workspaces of a repository


def listed(root: str, repository: str) -> list[str]:
    """The workspaces that were started in worktrees of the repository."""
    try:
        descriptor = os.open(_index(root, repository), READ)
    except OSError:
        return []
    try:
        return [os.fsdecode(line) for line in os.read(descriptor, MOST_BYTES).split(b"\0") if line]
    finally:
        os.close(descriptor)


def list_workspace(root: str, repository: str, path: str) -> None:
    """Puts the workspace on its repository's list."""
    if path not in listed(root, repository):
        with open(os.open(_index(root, repository), WRITE | os.O_APPEND, 0o600), "wb") as file:
            file.write(os.fsencode(path) + b"\0")


def unlist_workspace(root: str, repository: str, path: str) -> None:
    """Takes it off that list."""
    index, known = _index(root, repository), listed(root, repository)
    if path not in known:
        return
    draft = f"{index}.{os.getpid()}"
    with suppress(OSError):
        with open(os.open(draft, WRITE | os.O_TRUNC, 0o600), "wb") as file:
            file.write(b"".join(os.fsencode(each) + b"\0" for each in known if each != path))
        os.replace(draft, index)


def missing_beside(root: str, path: str) -> list[str]:
    """Workspaces of the same repository whose folder is not there, and a launcher of which may still live."""
    if not os.path.exists(os.path.join(root, WORKTREES)) or (tree := worktree_of(path)) is None:
        return []
    others = [each for each in listed(root, tree[1]) if each != path and not os.path.exists(each)]
    return [each for each in others if _may_run(os.path.join(root, state_name(each)))]


def _index(root: str, repository: str) -> str:
    return os.path.join(root, WORKTREES, digest(repository))


def _may_run(state_folder: str) -> bool:
    with suppress(OSError):
        names = (name for name in os.listdir(state_folder) if name.endswith(".run.json"))
        return any(_lives(os.path.join(state_folder, name)) for name in names)
    return False


def _lives(record: str) -> bool:
    import json

    try:
        with open(record, "rb") as file:
            launcher = json.load(file)["launcher"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return sys.platform != "linux" or os.path.exists(f"/proc/{launcher}")
