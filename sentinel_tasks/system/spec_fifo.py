"""Hands a launcher its specification, which is full of secrets, through a FIFO: nothing of it is ever on a disk."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

SEND_SECONDS = 30.0
"""A launcher that is there and takes nothing: a busy machine may need so long to start hundreds."""
POLL_SECONDS, POLL_SHARE, LOOK_SECONDS = 0.002, 0.05, 0.3


def send_spec(fifo: Path, spec: Mapping[str, object], is_there: Callable[[], bool] = lambda: True) -> bool:
    """True once a launcher has taken the spec (it removes the FIFO then); False if none does in time.

    `is_there` tells, when asked now and then, whether there is still a launcher to wait for.
    """
    patience = Patience(SEND_SECONDS, is_there)
    descriptor = _open_for_reader(fifo, patience)
    if descriptor is None:
        return False
    try:
        _write_all(descriptor, json.dumps(spec).encode(), patience)
    except BrokenPipeError:
        return False
    finally:
        os.close(descriptor)
    while fifo.exists() and patience.lasts():
        patience.pause()
    return not fifo.exists()


class Patience:
    """Ends at a deadline, or soon after nobody is there any more to wait for."""

    def __init__(self, seconds: float, is_there: Callable[[], bool]) -> None:
        self.began = time.monotonic()
        self.deadline = self.began + seconds
        self.next_look = time.monotonic() + LOOK_SECONDS
        self.is_there = is_there

    def lasts(self) -> bool:
        """True while waiting is worth it."""
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + LOOK_SECONDS
            return self.is_there() and now < self.deadline
        return now < self.deadline

    def pause(self) -> None:
        """Waits for a moment: the longer, the longer it took so far, for hundreds may wait, and all of them look."""
        time.sleep(max(POLL_SECONDS, POLL_SHARE * (time.monotonic() - self.began)))


def _open_for_reader(fifo: Path, patience: Patience) -> int | None:
    while patience.lasts():
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as reason:
            if reason.errno != errno.ENXIO:
                return None
        patience.pause()
    return None


def _write_all(descriptor: int, data: bytes, patience: Patience) -> None:
    while data and patience.lasts():
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            patience.pause()
