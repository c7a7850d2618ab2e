"""The door to workspaces' folders: which folder each was, as its starts write it down, and where it is by now."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ..folder import Folder, Identity
from ..names import mark, state_name, unmarked
from .decoding import from_json
from .folders import changed_above, held_by, identity_of, is_there, mount_of, mount_state
from .locks import is_held
from .state_folder import READ, is_open_to_others, private_folder
from .worktrees import (
    WORKTREES,
    WRITE,
    list_workspace,
    top_of,
    tops,
    unlist_workspace,
    worktree_of,
)

DOOMED = ".gone"
DEEPEST, MOST_FOLDERS = 3, 2000
"""How far a folder is looked for that was moved while nothing worked in it: what works in it, the kernel knows."""
NOT_LOOKED_INTO = (".git", ".venv", "node_modules", "proc", "sys", "dev")
RECORD, PORTS = "folder.json", "ports"
__all__ = [
    "changed_above", "held_by", "is_there", "known_folders", "mount_state", "note", "note_gone",
    "place_by_git", "place_by_identity", "read", "remove", "remove_leftovers",
]  # fmt: skip
"""The door as a world has it; some of it is of folders in general."""


# Where it is by now


def place_by_git(folder: Folder) -> str:
    """Where git has the worktree now, which it calls by the same name; empty if it has none, or nothing is there."""
    top = top_of(folder.git_dir) if folder.git_dir else ""
    path = os.path.realpath(os.path.join(top, folder.below)) if top else ""
    if not path or path == folder.path or not os.path.isdir(path):
        return ""
    with suppress(OSError):
        found = worktree_of(path)
        if found and found[2] == folder.git_dir and identity_of(folder.git_dir).is_same(folder.git_identity):
            return path
    return ""


def place_by_identity(folder: Folder, others: Iterable[str]) -> str:
    """Where the same folder is now, as far as it can be found; empty if it is nowhere.

    It is looked for where git has worktrees of its repository, at the `others`, and near where it was.
    """
    by_git = (os.path.join(top, folder.below) for top in tops(folder.repository)) if folder.repository else ()
    places = (place for place in chain(by_git, others, _near(folder)) if place.rstrip("/") != folder.path)
    return next((place.rstrip("/") for place in places if _is_at(folder, place)), "")


def _is_at(folder: Folder, place: str) -> bool:
    try:
        return os.stat(place).st_ino == folder.identity.inode and identity_of(place).is_same(folder.identity)
    except OSError:
        return False


def _near(folder: Folder) -> Iterator[str]:
    """Below the folders in which it and its worktree were; once it was seen to be gone, only beside it."""
    top = folder.path.removesuffix(f"/{folder.below}") if folder.below else folder.path
    deepest = DEEPEST if folder.gone_since is None else 0
    for path, below in dict.fromkeys(((folder.path, ""), (top, folder.below))):
        start = next(str(each) for each in Path(path).parents if each.is_dir())
        for place, inode in _folders_below(start, deepest):
            if below or inode == folder.identity.inode:
                yield os.path.join(place, below)


def _folders_below(start: str, deepest: int) -> Iterator[tuple[str, int]]:
    """Folders with their inodes, the nearest first, down to that depth; not all where there are very many."""
    queue = deque([(start, 0)])
    for _ in range(MOST_FOLDERS):
        if not queue:
            return
        above, depth = queue.popleft()
        with suppress(OSError), os.scandir(above) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield entry.path, entry.inode()
                    if depth < deepest and entry.name not in NOT_LOOKED_INTO:
                        queue.append((entry.path, depth + 1))


# What is written down


def read(state_folder: Path) -> Folder | None:
    """What was written down there; None if nothing readable is, or what another user could have put."""
    try:
        with open(os.open(state_folder / RECORD, READ), "rb") as file:
            if is_open_to_others(os.fstat(file.fileno())):
                return None
            return _with_paths(from_json(file.read(), Folder), unmarked)
    except (OSError, ValueError):
        return None


def _write(state_folder: Path, folder: Folder) -> None:
    content = msgspec.json.encode(_with_paths(folder, mark))
    draft = state_folder / f"{RECORD}.{os.getpid()}"
    with open(os.open(draft, WRITE | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    os.replace(draft, state_folder / RECORD)


def _with_paths(folder: Folder, change: Callable[[str], str]) -> Folder:
    """A path may hold bytes that are no text; JSON may not."""
    paths = {name: change(getattr(folder, name)) for name in ("path", "repository", "git_dir", "below", "origin")}
    return replace(folder, mount=replace(folder.mount, point=change(folder.mount.point)), **paths)


def known_folders(root: Path) -> dict[str, Folder | None]:
    """Every workspace's state folder by its name, with the folder that it is of."""
    try:
        with os.scandir(root) as entries:
            names = sorted(
                entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and entry.name[0] != "."
            )
    except OSError:
        return {}
    found = {name: read(root / name) for name in names if name not in (PORTS, WORKTREES)}
    return {name: folder for name, folder in found.items() if folder is None or state_name(folder.path) == name}


def note(state_folder: Path, path: str, boot: str) -> None:
    """Writes down which folder the workspace is, if that is not known yet; a failure must not keep it from starting."""
    with suppress(OSError):
        known, identity = read(state_folder), identity_of(path)
        if known is not None and known.identity == identity and known.gone_since is None and known.boot == boot:
            return
        folder = _found(path, identity, boot)
        origin = known.origin if known is not None and known.identity.is_same(identity) else ""
        folder = replace(folder, origin=origin or _origin(state_folder.parent, folder))
        _write(state_folder, folder)
        if folder.repository:
            private_folder(state_folder.parent / WORKTREES)
            list_workspace(str(state_folder.parent), folder.repository, path)


def _found(path: str, identity: Identity, boot: str) -> Folder:
    folder = Folder(path, identity, mount_of(path), boot)
    tree = worktree_of(path)
    if tree is None:
        return folder
    top, repository, git_dir = tree
    own, below = identity_of(git_dir) if git_dir else Identity(), os.path.relpath(path, top) if path != top else ""
    return replace(folder, repository=repository, git_dir=git_dir, git_identity=own, below=below)


def _origin(root: Path, folder: Folder) -> str:
    """Of a folder that was another workspace's before it was moved: what that one's ports were chosen by."""
    for other in known_folders(root).values():
        is_moved = other is not None and other.path != folder.path and other.identity.is_same(folder.identity)
        if other is not None and is_moved and not os.path.isdir(other.path):
            return other.origin or other.path
    return ""


def note_gone(state_folder: Path, folder: Folder, since: float) -> None:
    """Writes down since when the workspace is no more, once nothing of it runs: nobody looks for that any more."""
    unlist_workspace(str(state_folder.parent), folder.repository, folder.path)
    with suppress(OSError):
        _write(state_folder, replace(folder, gone_since=since))


def remove(state_folder: Path, folder: Folder) -> bool:
    """Removes the state of a workspace that is no more; false if a task acts on it, or if it is there again."""
    import shutil

    if any(map(is_held, state_folder.glob("*.lock"))):
        return False
    doomed = state_folder.with_name(f".{state_folder.name}.{os.getpid()}{DOOMED}")
    try:
        os.rename(state_folder, doomed)
    except OSError:
        return False
    if os.path.lexists(folder.path):
        os.rename(doomed, state_folder)
        return False
    unlist_workspace(str(state_folder.parent), folder.repository, folder.path)
    shutil.rmtree(doomed, ignore_errors=True)
    return not doomed.exists()


def remove_leftovers(root: Path) -> None:
    """Goes on with removals that were broken off."""
    import shutil

    for doomed in root.glob(f".*{DOOMED}"):
        if not doomed.is_symlink():
            shutil.rmtree(doomed, ignore_errors=True)
