"""The files of a log as the log pump (supervisor/capture.py) leaves them: rotated by number, with their times."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import sys
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Any, Literal, NamedTuple, TypeVar

from ..names import times_of

Found = TypeVar("Found")
LOOKS = 20
"""So often files are looked for whose names change meanwhile: a log is hardly rotated in each of these moments."""
BLOCK = 1 << 16
KEPT = 1 << 20
"""Bytes of times that are read beyond those that were asked for: who asks about a place asks about later ones, too."""
TIMES = Struct("<Qd")


def rotated(path: Path) -> list[Path]:
    """The log's files that exist, newest first."""
    return [_aged(path, age) for age in _ages(path)]


def _ages(path: Path) -> list[int]:
    """The ages of the log's files, newest first; one may be missing while they are being renamed."""
    try:
        names = os.listdir(path.parent)
    except FileNotFoundError:
        return []
    own = path.name
    endings = (name[len(own) :] for name in names if name.startswith(own))
    return sorted(int(ending[1:] or 0) for ending in endings if re.fullmatch(r"(\.[1-9][0-9]*)?", ending))


def _aged(path: Path, age: int) -> Path:
    return path.with_name(f"{path.name}.{age}") if age else path


def unrotated(path: Path, look: Callable[[], Found]) -> Found:
    """What `look` finds in the log's files by their names, while none of them was renamed."""
    for _ in range(LOOKS):
        before = _files(path)
        found = look()
        if _files(path) == before:
            break
    return found


def _files(path: Path) -> list[int | None]:
    """Which files they are, newest first."""
    return [_inode(each) for each in rotated(path)]


def opened(path: Path | str) -> int:
    """The file, opened; OSError if it is a link or no regular file: reading a FIFO would block."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise OSError(errno.EINVAL, "it is not a file", str(path))


def held(path: Path) -> int:
    """The file, opened and held: the log pump removes neither it nor a newer one. FileNotFoundError if it is gone."""
    file = opened(path)
    with suppress(OSError):  # a file system without locks
        fcntl.flock(file, fcntl.LOCK_SH)
    if os.fstat(file).st_nlink:
        return file
    os.close(file)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def open_next(path: Path, own: os.stat_result, open_file: Callable[[Path], int]) -> int | None:
    """The file that is the next newer one after ours, opened; None if ours is the newest.

    Files are renamed while we look, ours before the newer ones. The file of the age before ours is the right one if
    ours was not renamed meanwhile. If no file has that age, the names must be the same before and after we opened it.
    """
    while not _is_same(path, own):
        ages = _ages(path)
        seen = [_inode(_aged(path, age)) for age in ages]
        place = seen.index(own.st_ino) if own.st_ino in seen else _count_since(own, path, ages)
        if place == 0:
            return None
        try:
            found = open_file(_aged(path, ages[place - 1]))
        except FileNotFoundError:
            continue
        if ages[place - 1] + 1 in ages[place:] and _is_same(_aged(path, ages[place]), own):
            return found
        if os.fstat(found).st_ino == seen[place - 1] and _files(path) == seen:
            return found
        os.close(found)
    return None


def _count_since(own: os.stat_result, path: Path, ages: list[int]) -> int:
    """How many files are newer than ours, after somebody removed ours: those that were written to later."""
    found = [_stat(_aged(path, age)) for age in ages]
    return sum(each is not None and each.st_mtime_ns >= own.st_mtime_ns for each in found)


def newest(path: Path) -> os.stat_result | None:
    """The newest file as it is now; None if there is none."""
    return next((found for each in rotated(path) if (found := _stat(each))), None)


def size(path: Path) -> int:
    """How many bytes are in all of the log's files now."""
    return sum(found.st_size for each in rotated(path) if (found := _stat(each)))


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _inode(path: Path) -> int | None:
    found = _stat(path)
    return found.st_ino if found else None


def name_of(file: int, path: Path, likely: Path | None = None) -> Path | None:
    """What the open file is called now, perhaps still as is likely; None if it was removed."""
    own = os.fstat(file)
    if likely is not None and _is_same(likely, own):
        return likely
    return next((each for each in [path, *rotated(path)] if _is_same(each, own)), None)


class Mark(NamedTuple):
    """What is so from that byte of a log's file on: the `begin` of a run, or the `end` of a launch."""

    offset: int
    word: str
    launch: str
    time: float


def marks_of(file: int, path: Path) -> list[Mark]:
    """Where runs begin and launches end in the open file, in the order in which they were written down."""
    found = name_of(file, path)
    return marks_at(found) if found else []


def marks_at(path: Path) -> list[Mark]:
    """The same for the file of that name; [] where nothing was written down."""
    try:
        with open(opened(f"{path}.runs"), encoding="ascii", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError:
        return []
    return [mark for line in lines if (mark := _mark(line))]


def _mark(words: Sequence[str]) -> Mark | None:
    """A line that was cut by a full disk is none."""
    try:
        offset, word, launch, when = words
        return Mark(int(offset), word, launch, float(when))
    except ValueError:
        return None


def _is_same(path: Path, own: os.stat_result) -> bool:
    found = _stat(path)
    return found is not None and os.path.samestat(found, own)


class Entries:
    """What is told of when bytes came: their offsets, and the epoch seconds of each."""

    def __init__(self, data: bytes = b"") -> None:
        self.offsets, self.times = _numbers("Q", data)[::2], _numbers("d", data)[1::2]

    def has(self, since: int, until: int) -> bool:
        """True if all that is known of the bytes between these places is among them."""
        return bool(self.offsets) and self.offsets[0] <= since and until < self.offsets[-1]

    def place(self, since: int, until: int) -> slice:
        """Those of the bytes between these places."""
        first = max(0, bisect_right(self.offsets, since) - 1)
        return slice(first, bisect_right(self.offsets, until, lo=first))

    def between(self, since: int, until: int) -> list[tuple[int, float]]:
        """Those of the bytes between these places, as pairs."""
        place = self.place(since, until)
        return [*zip(self.offsets[place], self.times[place], strict=True)]


def _numbers(kind: Literal["Q", "d"], data: bytes) -> array[Any]:
    found: array[Any] = array(kind, data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


class Times:
    """When the bytes of one file came, for who asks about later and later places: what was read is kept for that.

    What came before is not read, nor much of what came after, for a log may hold days.
    """

    def __init__(self) -> None:
        self._kept = Entries()

    def at(self, path: Path, since: int, until: int) -> list[tuple[int, float]]:
        """When the bytes between these places came: offset and epoch seconds, in order; [] if unknown."""
        return self._entries(path, since, until).between(since, until)

    def latest(self, path: Path, since: int, until: int) -> float:
        """The latest of the times between these places; 0 if none is known."""
        entries = self._entries(path, since, until)
        return max(entries.times[entries.place(since, until)], default=0.0)

    def _entries(self, path: Path, since: int, until: int) -> Entries:
        if not self._kept.has(since, until):
            self._kept = _read_times(path, since, until)
        return self._kept


def _read_times(path: Path, since: int, until: int) -> Entries:
    """The entries for the bytes between these places, and up to `KEPT` of their bytes beyond."""
    try:
        file = os.open(times_of(path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return Entries()
    try:

        def offset(number: int) -> int:
            return int.from_bytes(os.pread(file, 8, number * TIMES.size), "little")

        count = os.fstat(file).st_size // TIMES.size
        first = max(0, bisect_right(range(count), since, key=offset) - 1)
        end = bisect_right(range(count), until, lo=first, key=offset)
        data = os.pread(file, (end - first) * TIMES.size + KEPT, first * TIMES.size)
    except OSError:
        return Entries()
    finally:
        os.close(file)
    return Entries(data[: len(data) // TIMES.size * TIMES.size])


# Searched from the end, because what is asked for is usually there


def offset_of_last(file: int, count: int) -> tuple[int, int]:
    """Where the last `count` lines of the file begin, and how many lines there are from there on."""
    end = place = os.fstat(file).st_size
    found = 0
    if count <= 0:
        return end, 0
    while place > 0:
        step = min(BLOCK, place)
        place -= step
        for index in _newlines_backwards(os.pread(file, step, place), place, end):
            found += 1
            if found == count:
                return index + 1, count
    return 0, found + (1 if end else 0)


def _newlines_backwards(block: bytes, place: int, end: int) -> Iterator[int]:
    """Positions of the newlines that a line follows, last first; no line follows the one that ends the file."""
    index = len(block)
    while (index := block.rfind(b"\n", 0, index)) >= 0:
        if place + index + 1 < end:
            yield place + index
