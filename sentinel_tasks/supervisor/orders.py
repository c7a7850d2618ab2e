"""Orders to a launcher: that watched files have changed, or that a service with which its own restarts has restarted.

They come through a FIFO, so that whoever writes sees at once whether the launcher lives, and the launcher sleeps on it.
"""

from __future__ import annotations

import os

from ..lineage.value import Value
from . import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wakeup import Wakeup

CHANGE, RESTART = "change", "restart"
CHUNK = 1 << 16


class Order(Value):
    """What is ordered, and why: `src/app.py changed`. A restart is for those that restart with the service `of`."""

    __slots__ = ("of", "reason", "word")

    def __init__(self, word: str, reason: str, of: str = "") -> None:
        self.word, self.reason, self.of = word, reason, of


class Orders:
    """The launcher's end of the FIFO; without one no order ever comes."""

    def __init__(self) -> None:
        self._path = ""
        self._reader, self._writer, self._file, self._rest = -1, -1, -1, b""

    def listen(self, path: str, wakeup: Wakeup) -> None:
        """Makes the FIFO, in place of one that an earlier launcher left; a full disk leaves us without."""
        try:
            self._open(path)
        except OSError:
            return
        wakeup.listen(self._reader)

    def _open(self, path: str) -> None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        os.mkfifo(path, 0o600)
        self._reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        self._writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)  # else its end would wake us up without end
        self._path, self._file = path, os.fstat(self._reader).st_ino

    def taken(self) -> list[Order]:
        """The orders that came since they were last taken; never waits."""
        if self._writer < 0:
            return []
        try:
            while part := os.read(self._reader, CHUNK):
                self._rest += part
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        return [order for line in lines if (order := _order(line))]

    def close(self) -> None:
        """Removes the FIFO, unless a later launcher has made its own there."""
        try:
            if self._path and os.lstat(self._path).st_ino == self._file:
                os.unlink(self._path)
        except OSError:
            pass


def _order(line: bytes) -> Order | None:
    try:
        word, reason, of = json_text.read(line)
    except (ValueError, TypeError):
        return None
    return Order(str(word), str(reason), str(of)) if word in (CHANGE, RESTART) else None


def send(path: str, order: Order) -> bool:
    """True once the launcher that listens there has the order; false if none does, or if it reads nothing."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        os.write(descriptor, f"{json_text.written([order.word, order.reason, order.of])}\n".encode())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
