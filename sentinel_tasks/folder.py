"""The nouns of workspaces' folders: which one it is, what it is on, and what was written down of it."""

from __future__ import annotations

from msgspec import Struct


class Identity(Struct, frozen=True):
    """A folder as it is recognised again, wherever it was moved."""

    inode: int = 0
    generation: int = 0
    device: int = 0
    filesystem: int = 0

    def is_same(self, other: Identity) -> bool:
        """True for the same folder. Numbers of devices are given anew at each mount, where file systems have an id."""
        has_ids = bool(self.filesystem and other.filesystem)
        is_same_disk = self.filesystem == other.filesystem if has_ids else self.device == other.device
        return bool(self.inode) and is_same_disk and (self.inode, self.generation) == (other.inode, other.generation)


class Mount(Struct, frozen=True):
    """What is mounted at a place."""

    point: str = ""
    kind: str = ""
    device: int = 0
    filesystem: int = 0


class Folder(Struct, frozen=True):
    """A workspace's folder as a start has found it.

    `repository` is git's common folder and `git_dir` the worktree's own, if it is a linked one; `below` is where in the
    worktree the workspace is. `origin` is the path by which its automatic ports are chosen. `gone_since` is when it was
    first seen to be no more (epoch seconds).
    """

    path: str
    identity: Identity = Identity()
    mount: Mount = Mount()
    boot: str = ""
    repository: str = ""
    git_dir: str = ""
    git_identity: Identity = Identity()
    below: str = ""
    origin: str = ""
    gone_since: float | None = None


class Grip(Struct, frozen=True):
    """The folder that a process works in, which the kernel keeps for it: where it is, or was when it was removed.

    It is `reachable` if it is what its `place` leads to; `changed` is when it was changed last, or removed.
    """

    inode: int
    device: int
    place: str
    is_removed: bool
    is_reachable: bool
    changed: float
