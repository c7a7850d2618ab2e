"""One watcher a workspace: it holds a lock as long as it lives, and its FIFO tells everybody that it does."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import time
import traceback
from pathlib import Path

from .told import Told

LOCK_SECONDS, POLL_SECONDS = 3.0, 0.05
"""How long one waits for another watcher that is about to end."""
MORE = 4
SAFE = os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def keep(state: str, workspace: str) -> int:
    """Watches as long as there is somebody to tell, unless another watcher does; what goes wrong is in its file."""
    folder = Path(state, "watcher")
    lock = os.open(folder / "lock", os.O_RDWR | SAFE, 0o600)
    if not _taken(lock):
        return 0
    log = os.open(folder / "log", os.O_WRONLY | os.O_TRUNC | SAFE, 0o600)
    for descriptor, other in ((os.open(os.devnull, os.O_RDWR), 0), (log, 1), (log, 2)):
        os.dup2(descriptor, other)
    return watch(Path(state), Path(workspace), Told(folder))


def watch(state: Path, workspace: Path, told: Told) -> int:
    """The exit code of a watcher, which tells why it can't watch."""
    try:
        from .watcher import Watcher

        Watcher(state, workspace, told).run()
    except ModuleNotFoundError as missing:
        from ..installation import command, extra

        return _failed(told, f"{missing.name} is not installed: {command(extra('watch'))}")
    except (OSError, RuntimeError) as reason:  # watchfiles raises either
        traceback.print_exc()
        return _failed(told, cause(str(reason)))
    finally:
        sys.stderr.flush()
    return 0


def _taken(lock: int) -> bool:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)


def _failed(told: Told, why: str) -> int:
    told.failed(why)
    return 1


def cause(reason: str) -> str:
    """Why nothing can be watched, with what mends it where that is a limit of the system."""
    limits = {
        "file watch limit": ("max_user_watches", "the system watches no more than {} folders"),
        "Too many open files": ("max_user_instances", "the system has no more than {} watchers"),
    }
    for words, (name, what) in limits.items():
        if words in reason:
            with contextlib.suppress(OSError, ValueError):
                most = int(Path("/proc/sys/fs/inotify", name).read_text())
                return f"{what.format(most)}: sudo sysctl fs.inotify.{name}={MORE * most}"
    return reason
