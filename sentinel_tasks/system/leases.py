"""The files that tell until when services are leased: a task changes them, and their launchers heed that.

Whoever reads or writes one holds its lock, so that either a launcher sees what a task wants, or the task sees that the
lease is over (supervisor/lease.py).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from ..model import Lease
from .decoding import from_json

OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LARGEST = 1 << 16


class _Kept(Struct, frozen=True):
    launch: str
    leases: tuple[Lease, ...] = ()
    over: bool = False


def begin(path: Path, launch: str, leases: Sequence[Lease]) -> None:
    """Writes down the leases of a launch that is about to begin; on a full disk they can't be changed later."""
    with suppress(OSError), _locked(path, OPEN | os.O_CREAT) as descriptor:
        _write(descriptor, _Kept(launch, tuple(leases)))


def kept(path: Path, launch: str) -> tuple[Lease, ...] | None:
    """The leases of the launch as they are now, none if they were taken away; None if nothing tells."""
    with suppress(OSError), _locked(path, OPEN) as descriptor:
        found = _read(descriptor)
        return found.leases if found and found.launch == launch and not found.over else None
    return None


def change(path: Path, launch: str, leases: Sequence[Lease]) -> bool:
    """True once these are the leases of the launch; false if its last one is over, and the launcher ends it."""
    with suppress(OSError), _locked(path, OPEN | os.O_CREAT) as descriptor:
        found = _read(descriptor)
        if found and found.launch == launch and found.over:
            return False
        _write(descriptor, _Kept(launch, tuple(leases)))
    return True


@contextmanager
def _locked(path: Path, how_to_open: int) -> Iterator[int]:
    descriptor = os.open(path, how_to_open, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> _Kept | None:
    with suppress(ValueError):
        return from_json(os.pread(descriptor, LARGEST, 0), _Kept)
    return None


def _write(descriptor: int, told: _Kept) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, msgspec.json.encode(told), 0)
