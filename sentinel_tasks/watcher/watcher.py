"""The watcher's loop: sleeps until files change, a task asks it to look anew, or a launcher ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from .changes import LOOK_SECONDS, Changes
from .git import Git
from .listeners import Listener, listening
from .told import Told
from .tree import below

NEVER = float("inf")
GRACE = 1.0
"""Seconds that it stays without anybody to watch for: a restart by hand ends the last one and starts it again."""
SETTLE_SECONDS = 1.0
"""How long it looks after a signal, and once more: that comes before the library has read what has changed."""
MOST_LOOKS, PAUSE = 100, 0.05
"""How often folders that come and go are looked at anew, and seconds between."""
CHUNK = 1 << 16


class Watcher:
    """One workspace's. Paths are relative to it."""

    def __init__(self, state: Path, workspace: Path, told: Told) -> None:
        self.state, self.workspace, self.told = state, workspace, told
        self.git, self.changes = Git(workspace), Changes()
        self.listeners: dict[str, Listener] = {}
        self.folders: dict[str, list[str]] = {}
        self.ends_at, self._settled_at, self._looked_at = NEVER, 0.0, 0.0
        self._wakeup, written = os.pipe()
        for descriptor in (self._wakeup, written):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
        self._fifo = self._held_fifo = -1
        self.poll = select.poll()
        self.poll.register(self._wakeup, select.POLLIN)

    # The loop

    def run(self) -> None:
        """Until nobody has to be told any more."""
        self._open_fifo()
        self.look_anew()
        while True:
            if time.monotonic() >= self.ends_at and self._is_over():
                return
            self.turn(self.patience())

    def turn(self, patience: int | None) -> None:
        """One wait of at most so many milliseconds, and what follows from it."""
        found = dict(self.poll.poll(patience))
        gone = [name for name, each in self.listeners.items() if each.orders in found]
        is_asked = self._fifo in found and bool(_emptied(self._fifo))
        is_told = self._wakeup in found and bool(_emptied(self._wakeup))
        if is_told:
            self._settled_at = time.monotonic() + SETTLE_SECONDS
        for name in gone:
            self._forget(name)
        if gone or is_asked:
            self.look_anew()
        elif self._looks():
            self._looked_at = time.monotonic()
            self._heed(self.changes.taken())
        self._tell_what_is_due()

    def patience(self) -> int | None:
        """Milliseconds until it has to do something by itself; None while it has nothing to do."""
        due = min([self.ends_at, *(each.burst.due for each in self.listeners.values())])
        if self._looks():
            due = min(due, time.monotonic() + LOOK_SECONDS)
        return None if due == NEVER else max(0, int(1000 * (due - time.monotonic())) + 1)

    def _looks(self) -> bool:
        """True while there may be a change of which no signal will tell."""
        is_settled = self.changes.tells_by_signal and self._looked_at >= self._settled_at
        return bool(self.listeners) and not is_settled

    # For whom

    def look_anew(self) -> None:
        """Sees for whom to watch, and where."""
        for each in listening(self.state, self.listeners):
            if self.listeners.get(each.name) is not each:
                self._forget(each.name)
                self.listeners[each.name] = each
                self.poll.register(each.orders, 0)  # its end alone
        self.ends_at = NEVER if self.listeners else time.monotonic() + GRACE
        self._watch()

    def _forget(self, name: str) -> None:
        if (one := self.listeners.pop(name, None)) is not None:
            self.poll.unregister(one.orders)
            one.close()

    def _is_over(self) -> bool:
        """True if nobody is left to be told, though whoever asks us to look anew just now knew us as alive."""
        os.unlink(self.state / "watcher" / "watcher.fifo")
        for descriptor in (self._fifo, self._held_fifo):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.poll.unregister(self._fifo)
        self.look_anew()
        if self.listeners:
            self._open_fifo()
        return not self.listeners

    def _open_fifo(self) -> None:
        """Whoever can write there knows that we live; held open by ourselves, or each writer's end would wake us up."""
        path = self.state / "watcher" / "watcher.fifo"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.mkfifo(path, 0o600)
        self._fifo = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._held_fifo = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.poll.register(self._fifo, select.POLLIN)

    # Where

    def _watch(self) -> None:
        """Watches the folders that have to be watched now, until those are watched that appeared meanwhile."""
        for _ in range(MOST_LOOKS):
            ignored = self.git.ignored() if any(each.heeds_git for each in self.listeners.values()) else frozenset()
            found = self._folders(ignored)
            if found.keys() == self.folders.keys():
                break
            try:
                changed = self.changes.watch([self.workspace / each for each in found]) if found else ()
            except FileNotFoundError:
                time.sleep(PAUSE)
                continue
            self.folders = found
            self._note(_paths(changed, self.workspace))
        else:
            raise OSError("its folders come and go")
        self.folders = found
        self._find_unmatched(ignored)

    def _find_unmatched(self, ignored: frozenset[str]) -> None:
        for each in self.listeners.values():
            left_out = ignored if each.heeds_git else frozenset()
            files = (path for path in self._files() if path not in left_out or each.patterns.names(path))
            each.unmatched = each.patterns.unmatched(files)
        self.told.watches({name: (each.launch, each.unmatched) for name, each in self.listeners.items()})

    def _folders(self, ignored: frozenset[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self.listeners.values():
            left_out = ignored if one.heeds_git else frozenset()

            def passes_over(folder: str, one: Listener = one, left_out: frozenset[str] = left_out) -> bool:
                return f"{folder}/" in left_out or one.patterns.passes_over(folder)

            found.update(below(self.workspace, one.patterns.folders(), passes_over))
        return found

    def _files(self) -> Iterable[str]:
        return (path for files in self.folders.values() for path in files)

    # What

    def _heed(self, found: Iterable[tuple[object, str]]) -> None:
        paths = _paths(found, self.workspace)
        self._note(paths)
        is_new = (each not in self.folders and (self.workspace / each).is_dir() for each in paths)
        if any(each in self.folders for each in paths) or any(is_new):
            before = {*self.folders}
            self._watch()
            new = self.folders.keys() - before  # what is in these may have come before they were watched
            self._note(path for folder in new for path in self.folders[folder])

    def _note(self, paths: Iterable[str]) -> None:
        """Adds those that count to the bursts of those for whom they do."""
        files = [path for path in paths if path not in self.folders]
        counts = [(one, [path for path in files if one.patterns.counts(path)]) for one in self.listeners.values()]
        ignored = self.git.ignores({path for one, found in counts if one.heeds_git for path in found})
        for one, found in counts:
            heeded = (path for path in found if not one.heeds_git or path not in ignored or one.patterns.names(path))
            one.burst.add((path for path in heeded if not (self.workspace / path).is_dir()), time.monotonic())

    def _tell_what_is_due(self) -> None:
        now, is_going_on = time.monotonic(), self.git.is_busy()
        for each in self.listeners.values():
            if reason := each.burst.taken(now, is_going_on):
                each.tell(reason)


def _paths(found: Iterable[tuple[object, str]], workspace: Path) -> list[str]:
    """The paths below the workspace, in order."""
    return sorted({os.path.relpath(path, workspace) for _, path in found} - {"."})


def _emptied(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return b""
