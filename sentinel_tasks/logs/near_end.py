"""Places near the end of what is asked for: where the last lines of it are wanted, not all of it has to be read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .place import next_line, offset_since, times_of
from .rotation import marks_of, opened, rotated

WINDOWS = (2 << 20, 16 << 20, 128 << 20)
"""Bytes that are looked through, one after another, as long as too few lines are found."""


class _Byte(NamedTuple):
    """Of the file of that age, in the list of files, newest first."""

    age: int
    offset: int


def places_near_end(path: Path, since: float | None, until: float | None) -> Iterator[tuple[Path, int, int]]:
    """Where lines begin, each place earlier than the one before, and how many times as long the last window will be.

    All of them are behind `since`, and before `until`, as the times beside the log tell it.
    """
    with suppress(FileNotFoundError):  # the log is rotated while we look: who asks reads all of it
        files = rotated(path)
        begin = _begin(files, path, since)
        end = _end(files, begin, until)
        for window in WINDOWS if files else ():
            place = _before(files, end, window)
            if place is None or (place.age, -place.offset) >= (begin.age, -begin.offset):
                return
            if (offset := _line_begin(files[place.age], path, place.offset)) is not None:
                yield files[place.age], offset, WINDOWS[-1] // window


def _begin(files: Sequence[Path], path: Path, since: float | None) -> _Byte:
    for age, each in enumerate(files if since is not None else ()):
        with open(opened(each), "rb") as file:
            offset = offset_since(file.fileno(), path, since or 0.0, marks_of(file.fileno(), path))
        if offset is not None:
            return _Byte(age, offset)
    return _Byte(len(files), 0)


def _end(files: Sequence[Path], begin: _Byte, until: float | None) -> _Byte:
    """The first byte that came later than that."""
    if until is not None:
        for age in range(min(begin.age, len(files) - 1), -1, -1):
            first = begin.offset if age == begin.age else 0
            for offset, came in times_of(files[age]):
                if came > until and offset >= first:
                    return _Byte(age, offset)
    return _Byte(0, files[0].stat().st_size if files else 0)


def _before(files: Sequence[Path], end: _Byte, count: int) -> _Byte | None:
    """The byte that is so many bytes before the end."""
    for age in range(end.age, len(files)):
        there = end.offset if age == end.age else files[age].stat().st_size
        if there > count:
            return _Byte(age, there - count)
        count -= there
    return None


def _line_begin(name: Path, path: Path, offset: int) -> int | None:
    """Where the next line of that file begins; None if none does, or if nobody knows when it came."""
    with open(opened(name), "rb") as file:
        begin = next_line(file.fileno(), offset, marks_of(file.fileno(), path))
        is_in_file = begin < os.fstat(file.fileno()).st_size  # what is behind its end may go on with its last line
    is_known = next(times_of(name), (begin + 1, 0.0))[0] <= begin
    return begin if is_in_file and is_known else None
