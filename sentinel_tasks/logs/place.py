"""Places in a log that outlive its reader: where a time begins, and where an answer ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..names import times_path
from .rotation import BLOCK, TIMES, Mark, marks_of, name_of, opened, rotated, unrotated
from .wanted import Place


def place_in(file: int, path: Path, offset: int) -> Place:
    """That byte of the open file."""
    return Place(os.fstat(file).st_ino, first_time(file, path), offset)


def is_in(place: Place, file: int, path: Path) -> bool:
    """True if the place is in the open file; another one may have got its inode since."""
    if os.fstat(file).st_ino != place.inode:
        return False
    return place.first in (0.0, first_time(file, path) if place.first > 0 else -_first_run(file, path))


def end_of_older(file: int, path: Path) -> Place | None:
    """The last byte of the file before the open one; None if there is none. Of an empty file nothing tells the next."""
    return unrotated(path, lambda: _end_of_older(file, path))


def _end_of_older(file: int, path: Path) -> Place | None:
    names = rotated(path)
    name = name_of(file, path)
    for older in names[names.index(name) + 1 :] if name in names else ():
        with suppress(FileNotFoundError), open(opened(older), "rb") as before:
            return place_in(before.fileno(), path, os.fstat(before.fileno()).st_size)
    return None


def first_time(file: int, path: Path) -> float:
    """When the open file's first byte came; where none has come, when its first run began, below 0; else 0."""
    name = name_of(file, path)
    while name is not None:
        found = next(_times_at(name, 0), None)
        if (again := name_of(file, path)) == name:
            return found[1] if found else -_first_run(file, path)
        name = again
    return 0.0


def _first_run(file: int, path: Path) -> float:
    return next((mark.time for mark in marks_of(file, path)), 0.0)


def _times_at(path: Path, number: int) -> Iterator[tuple[int, float]]:
    """The entries from that number on."""
    try:
        with open(times_path(path), "rb") as file:
            file.seek(number * TIMES.size)
            data = file.read(BLOCK // TIMES.size * TIMES.size)
    except OSError:
        return
    yield from TIMES.iter_unpack(data[: len(data) // TIMES.size * TIMES.size])


def times_of(path: Path) -> Iterator[tuple[int, float]]:
    """When which byte of that file came, in the order of bytes."""
    number = 0
    while block := list(_times_at(path, number)):
        yield from block
        number += len(block)


def offset_since(file: int, path: Path, when: float, begins: list[Mark]) -> int | None:
    """Where the first line begins behind all that came before that time; None if nothing in the file did."""
    name = name_of(file, path)
    later: int | None = None
    size = os.fstat(file).st_size
    for offset, came in _times_backwards(name) if name else ():
        if came < when:
            return next_line(file, size if later is None else later, begins)
        later = offset
    return None


def _times_backwards(path: Path) -> Iterator[tuple[int, float]]:
    each = BLOCK // TIMES.size
    try:
        count = times_path(path).stat().st_size // TIMES.size
    except OSError:
        return
    while count > 0:
        first = max(0, count - each)
        yield from reversed(list(_times_at(path, first))[: count - first])
        count = first


def next_line(file: int, offset: int, begins: list[Mark]) -> int:
    """Where the first line begins that does not begin before this byte; the end of the file if none does."""
    run = min((mark.offset for mark in begins if mark.offset >= offset), default=None)
    if offset in (0, run) or os.pread(file, 1, offset - 1) == b"\n":
        return offset
    while block := os.pread(file, BLOCK, offset):
        if (found := block.find(b"\n")) >= 0:
            offset += found + 1
            break
        offset += len(block)
    return offset if run is None else min(offset, run)
