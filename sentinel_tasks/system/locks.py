"""Lock files of tasks: taking one, who holds one, and removing one that nobody does."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HELD_LOCKS = "/proc/locks"
OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""For writing, too: NFS gives an exclusive lock on nothing less (flock(2))."""
MODE = 0o600
PAUSE = 0.01


def taken(path: str, patience: float) -> int | None:
    """An open file that holds the lock until it is closed; None if another process has it for so many seconds.

    Whoever gives it back removes its file: one who waited for that makes a new one. OSError where there can't be any.
    """
    deadline = time.monotonic() + patience
    while (descriptor := _taken_at_once(path)) is None and time.monotonic() < deadline:
        time.sleep(PAUSE)
    return descriptor


def _taken_at_once(path: str) -> int | None:
    descriptor, is_ours = os.open(path, OPEN | os.O_CREAT, MODE), False
    try:
        with suppress(PermissionError):  # a file system may have no modes
            os.fchmod(descriptor, MODE)  # whatever the umask: who could not open it would fail in place of waiting
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = os.fstat(descriptor).st_nlink > 0  # else whoever had it has removed the file that we opened
    except BlockingIOError:
        pass
    finally:
        if not is_ours:
            os.close(descriptor)
    return descriptor if is_ours else None


def is_held(path: str | os.PathLike[str]) -> bool:
    """True while a process holds the lock; the kernel frees it when that process dies. No file of ours, no holder."""
    try:
        descriptor = os.open(path, OPEN)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(path: Path) -> int | None:
    """The pid of the lock's holder, where the kernel tells it (Linux); else None."""
    try:
        with open(HELD_LOCKS, encoding="ascii", errors="replace") as locks:
            rows = [line.split() for line in locks]
        file = path.stat()
    except OSError:
        return None
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    return next((int(row[4]) for row in rows if row[1] == "FLOCK" and row[5] == place), None)


def remove_unheld(path: Path) -> None:
    """Removes the lock file unless somebody holds it by now; who waits for it sees that, and makes a new one."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, OPEN)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        except BlockingIOError:
            pass
        finally:
            os.close(descriptor)
