"""Folders as they are: which one is at a path, and what it is on."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from array import array
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..folder import Grip, Identity, Mount

ON_LINUX = sys.platform == "linux"
GET_GENERATION = 0x80087601
"""FS_IOC_GETVERSION (ioctl_iflags(2)): what tells a folder from a later one that was given the same inode."""
VOLATILE = ("tmpfs", "ramfs")
"""File systems whose content ends with them."""
DELETED = " (deleted)"


def identity_of(path: str) -> Identity:
    """Which folder is at that path; OSError if none is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found, system = os.fstat(descriptor), os.fstatvfs(descriptor)
        return Identity(found.st_ino, _generation(descriptor), found.st_dev, _unsigned(system.f_fsid))
    finally:
        os.close(descriptor)


def _generation(descriptor: int) -> int:
    number = array("q", [0])
    with suppress(OSError):
        if ON_LINUX:
            fcntl.ioctl(descriptor, GET_GENERATION, number)
    return number[0]


def _unsigned(number: int) -> int:
    return number & (1 << 63) - 1


def is_there(path: str) -> tuple[bool | None, str]:
    """True for a folder; None if that can't be told, and why."""
    try:
        return stat.S_ISDIR(os.stat(path).st_mode), ""
    except (FileNotFoundError, NotADirectoryError):
        return False, ""
    except OSError as reason:
        return None, reason.strerror or str(reason)


def mount_of(path: str) -> Mount:
    """What the folder is on: the nearest thing mounted at it or above."""
    table = _mounted()
    above = (path, *(str(each) for each in Path(path).parents))
    return next((found for point in above if (found := _mounted_at(point, table)) is not None), Mount())


def mounted_at(point: str) -> Mount | None:
    """What is mounted there now; None if nothing is."""
    return _mounted_at(point, _mounted())


def _mounted_at(point: str, table: Mapping[str, str] | None) -> Mount | None:
    if table is None:  # no such table on this system
        return _mount_at(point, "") if os.path.ismount(point) else None
    return _mount_at(point, table[point]) if point in table else None


def _mount_at(point: str, kind: str) -> Mount:
    try:
        return Mount(point, kind, os.stat(point).st_dev, _unsigned(os.statvfs(point).f_fsid))
    except OSError:
        return Mount(point, kind)


def _mounted() -> dict[str, str] | None:
    """The kind of file system at every place where one is mounted, of several the one that is seen (proc(5))."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
            rows = [line.split(" ") for line in table]
    except OSError:
        return None
    return {_unescaped(row[4]): row[row.index("-") + 1] for row in rows if "-" in row}


def _unescaped(text: str) -> str:
    for character in " \t\n":
        text = text.replace(f"\\{ord(character):03o}", character)
    return text.replace("\\134", "\\")


def mount_state(was: Mount, is_another_boot: bool) -> str:
    """Whether what was mounted is so still: `mounted`, `missing`, `other` for another one, `unknown`."""
    if not was.point:
        return "unknown"
    now = mounted_at(was.point)
    if now is None:
        return "missing"
    has_ids = bool(was.filesystem and now.filesystem)
    is_same = was.filesystem == now.filesystem if has_ids else was.device == now.device
    has_ended = is_another_boot and was.kind in VOLATILE and now.kind in VOLATILE
    return "mounted" if is_same or has_ended else "other"


def held_by(pid: int) -> Grip | None:
    """What the process works in; None where that can't be seen."""
    try:
        place, found = os.readlink(f"/proc/{pid}/cwd"), os.stat(f"/proc/{pid}/cwd")
    except OSError:
        return None
    is_reachable = False
    with suppress(OSError):
        there = os.stat(place)
        is_reachable = (there.st_ino, there.st_dev) == (found.st_ino, found.st_dev)
    is_removed = not is_reachable and place.endswith(DELETED)
    place = place.removesuffix(DELETED) if is_removed else place
    return Grip(found.st_ino, found.st_dev, place, is_removed, is_reachable, found.st_ctime)


def changed_above(path: str) -> float | None:
    """When the nearest folder above that is there was changed last: nothing was removed from it since."""
    for above in Path(path).parents:
        with suppress(OSError):
            return os.stat(above).st_mtime
    return None
