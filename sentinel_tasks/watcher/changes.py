"""The changes of files, by watchfiles; a wait for them sleeps until there is one, where the system can tell."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Collection, Generator
from contextlib import suppress
from pathlib import Path

from watchfiles import watch
from watchfiles.main import FileChange

DEBOUNCE_MS, STEP_MS = 200, 10
LOOK_SECONDS = 0.1
"""Between two looks, where no signal tells of a change."""
NUMBER = signal.SIGIO
OF_INOTIFY = "anon_inode:inotify"


class Changes:
    """What has changed in some folders. On Linux the kernel sends SIGIO at a change (fcntl(2), F_SETOWN).

    watchfiles alone would wake up twenty times a second to see whether there is something to give.
    """

    def __init__(self) -> None:
        self._source: Generator[set[FileChange], None, None] | None = None
        self.tells_by_signal = False
        signal.signal(NUMBER, lambda number, frame: None)

    def watch(self, folders: Collection[Path]) -> set[FileChange]:
        """From now on in these folders; what has changed in those before, until now."""
        before, known = self._source, _of_inotify()
        # ignore_permission_denied would also have watchfiles pass over the system's limit in silence
        source = watch(
            *folders, watch_filter=None, debounce=DEBOUNCE_MS, step=STEP_MS, rust_timeout=STEP_MS,
            yield_on_timeout=True, recursive=False, ignore_permission_denied=False,
        )  # fmt: skip
        found = next(source)  # it begins to watch now; FileNotFoundError if one of them is gone already
        self._source = source
        own = _of_inotify() - known
        for descriptor in own:
            fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
            fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
        self.tells_by_signal = bool(own)
        if before is not None:
            found |= next(before)
            before.close()
        return found | next(source)  # what came before the signals did

    def taken(self) -> set[FileChange]:
        """What has changed since it was last taken; waits a moment for the rest of a burst."""
        return next(self._source) if self._source is not None else set()


def _of_inotify() -> set[int]:
    """Our descriptors through which the kernel tells of changes."""
    if sys.platform != "linux":
        return set()
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}") == OF_INOTIFY:
                found.add(int(name))
    return found
