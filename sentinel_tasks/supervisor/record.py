"""What the launcher leaves in files and in the log: its record, events, annotations. None of it may end the service."""

from __future__ import annotations

import errno
import os
import time

from ..lineage import proc
from . import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ROOM = 4096
"""Bytes of every record, so that a later one needs no more of a full disk than the first."""
SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Record:
    """The JSON file that tasks read as :class:`sentinel_tasks.model.Run`; written whole each time.

    While it can't be written, `carry` is given it, and the empty text once it can be again.
    """

    def __init__(self, path: str, launch: str) -> None:
        self.path, self.launch = path, launch
        self.ticks = ticks_of(os.getpid())
        self.facts: dict[str, object] = {"launch": launch, "launcher": os.getpid(), "launcher_ticks": self.ticks}
        self.facts.update(boot=proc.boot(), began=time.time(), family=[])
        self._is_ours = self._is_carried = False
        self.carry: Callable[[str], object] = lambda text: None

    def note(self, **facts: object) -> None:
        """Writes what is known by now, unless a later launch has written its own record there."""
        self.facts.update(facts)
        if self._is_a_later_ones():
            return
        told = json_text.written(self.facts)
        text = told.ljust(ROOM).encode()
        draft = f"{self.path}.{os.getpid()}"
        try:
            _write(draft, os.O_CREAT | os.O_TRUNC, text)
            os.replace(draft, self.path)
            self._is_ours, reason = True, None
        except OSError as refused:
            _remove(draft)
            reason = self._overwritten(text, refused)
        if reason is not None or self._is_carried:
            self._is_carried = reason is not None
            self.carry(told if self._is_carried else "")

    def _overwritten(self, text: bytes, reason: OSError) -> OSError | None:
        """Uses the room that an earlier record has on the disk; why not, if it has none either."""
        try:
            _write(self.path, 0, text)
            self._is_ours = True
        except OSError:
            say(f"the record {self.path} can't be written: {reason}")
            return reason
        return None

    def _is_a_later_ones(self) -> bool:
        """True if another launch has written since we did, or if one that began after us lives."""
        found = _read(self.path)
        if found.get("launch") in (None, self.launch):
            return False
        pid, ticks = found.get("launcher"), found.get("launcher_ticks")
        other = proc.one(pid) if isinstance(pid, int) else None
        lives = other is not None and other.is_alive and other.ticks == ticks
        return self._is_ours or (lives and other is not None and other.ticks >= self.ticks)


def ticks_of(pid: int) -> int:
    """When the process began by the kernel's clock (lineage/process.py); 0 if there is none any more."""
    process = proc.one(pid)
    return process.ticks if process else 0


def _read(path: str) -> dict[str, object]:
    try:
        descriptor = os.open(path, os.O_RDONLY | SAFE)
        try:
            found = json_text.read(os.read(descriptor, 2 * ROOM))
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: str, how_to_open: int, text: bytes) -> None:
    """Writes the text at the file's beginning; OSError if not all of it could be written."""
    descriptor = os.open(path, os.O_WRONLY | SAFE | how_to_open, 0o600)
    try:
        if os.write(descriptor, text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


class Events:
    """The event log of a workspace, for one service (contract: Documents, Events)."""

    def __init__(self, path: str, service: str) -> None:
        self.path, self.service = path, service

    def write(self, event: str, pid: int | None, reason: str) -> None:
        """Appends one line."""
        facts = {"time": time.time(), "service": self.service, "event": event, "pid": pid, "reason": reason}
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | SAFE, 0o600)
            try:
                os.write(descriptor, f"{json_text.written(facts)}\n".encode())
            finally:
                os.close(descriptor)
        except OSError:
            pass


def print_to_pane(text: str) -> None:
    """Prints a line to the pane, if the pane is still there."""
    _write_to_pane(2, f"{text}\n".encode("utf-8", "surrogateescape"))


def say(text: str) -> None:
    """Prints a line of our own to the pane, which is no output of the service's: the log does not get it."""
    line = f"\x1b]7357;sentinel-ours;\x07sentinel: {text}\n\x1b]7357;sentinel-theirs;\x07"
    _write_to_pane(2, line.encode("utf-8", "surrogateescape"))


def annotate_log(word: str, launch: str) -> None:
    """Prints an annotation: terminals do not show it, and the log pump heeds it (text/annotations.py)."""
    _write_to_pane(1, f"\x1b]7357;sentinel-{word};{launch}\x07".encode())


def _write_to_pane(descriptor: int, data: bytes) -> None:
    try:
        os.write(descriptor, data)
    except OSError:
        pass
