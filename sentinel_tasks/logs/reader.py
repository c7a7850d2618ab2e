"""Reads the log files that the log pump writes: the last lines, all lines since a launch, and those to come."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..model import Line
from ..text.annotations import ANNOTATIONS, ANY_BEGIN, begin_annotation, end_annotation
from ..text.sanitize import clears_screen, is_only_annotations, readable
from .rotation import BLOCK, held, last_place_of, newest, offset_of_last, open_next, opened, rotated, size, times_of

MOST_AT_ONCE = 1 << 20
MOST_PADDING = 200
"""More blank lines than a terminal has rows."""
AT_BEGIN = re.compile(rb"(?=%s)" % re.escape(ANY_BEGIN))


class Reader:
    """Reads a log forward from a place in it, through any number of rotations.

    A `patient` reader never loses a line, however slow it is: no file is removed before it was read.
    """

    def __init__(self, path: Path, patient: bool = False) -> None:
        self.path = path
        self._open_file = held if patient else opened
        self._file: int | None = None
        self._offset = self._read = 0
        self._times: list[tuple[int, float]] = []
        self._rest: Line | None = None
        self._latest = 0.0

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file that is being read; it may be removed then."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    # Where to begin

    def from_last(self, count: int) -> Reader:
        """Begins with the last `count` lines that are there now."""
        missing = count
        for path in rotated(self.path):
            self._open(path, 0)
            if self._file is not None:
                self._offset, found = offset_of_last(self._file, missing)
                missing -= found
            if missing <= 0:
                break
        return self

    def from_launch(self, launch: str) -> Reader:
        """Begins with the first byte of that launch's latest run, or the oldest byte there is if that is gone.

        Where only earlier launches have begun, it begins at the end: that launch has printed nothing yet.
        """
        begin, files = begin_annotation(launch), rotated(self.path)
        for path in files:
            place = last_place_of(begin, path)
            self._open(path, max(place, 0))
            if place >= 0:
                return self
        if any(last_place_of(ANY_BEGIN, path) >= 0 for path in files):
            self.from_last(0)
        return self

    def _open(self, path: Path, offset: int) -> None:
        self.close()
        try:
            self._file = self._open_file(path)
        except FileNotFoundError:
            return
        self._offset = offset

    # Reading on

    def next_lines(self, end: os.stat_result | None = None) -> list[Line]:
        """Some of the lines not given yet, in bounded memory; an empty list if there are none before `end` now."""
        while not self._is_at(end) and (data := self._more()):
            if lines := list(self._split(data)):
                return lines
        return []

    def lines(self, with_rest: bool = False) -> Iterator[Line]:
        """Every whole line that is there now and was not given yet; with `with_rest` an unfinished last one, too.

        Times never go back, whatever the clock did. It ends even if the service prints faster than we read.
        """
        end, limit = newest(self.path), self._read + self._most_unread()
        while lines := self.next_lines(end):
            yield from lines
            if self._read > limit:  # we were overtaken, and the end is gone
                break
        if with_rest and self._rest is not None:
            when, rest = self._rest
            yield from ((when, part) for part in _runs(rest))
            self._rest = None

    def _split(self, data: bytes) -> Iterator[Line]:
        when, before = self._rest or (self._time_at(self._offset - len(data)), b"")
        *whole, rest = (before + data).split(b"\n")
        place = self._offset - len(data) - len(before)
        for line in whole:
            for part in _runs(line):
                self._latest = max(self._latest, when, self._time_of(part, place))
                yield self._latest, part
                place += len(part)
            place += 1
        self._rest = (self._time_of(rest, place), rest) if rest else None

    def _most_unread(self) -> int:
        own = 0 if self._file is None else os.fstat(self._file).st_size
        return own + size(self.path)

    def _is_at(self, end: os.stat_result | None) -> bool:
        if end is None or self._file is None:
            return False
        own = os.fstat(self._file)
        return os.path.samestat(own, end) and end.st_size <= self._offset <= own.st_size

    def _more(self) -> bytes:
        if self._file is None:
            self._open((rotated(self.path) or [self.path])[-1], 0)
        if self._file is None:
            return b""
        data = os.pread(self._file, MOST_AT_ONCE, self._offset)
        if not data and self._move_on():
            return self._more()
        self._offset += len(data)
        self._read += len(data)
        if data:
            before = self._rest[1] if self._rest else b""
            self._times = times_of(self._file, self.path, self._offset - len(data) - len(before))
        return data

    def _move_on(self) -> bool:
        """Goes on to the next newer file if ours was rotated and is read to its end."""
        assert self._file is not None
        own = os.fstat(self._file)
        if own.st_size > self._offset:
            return False
        if own.st_size < self._offset:  # somebody emptied it, and it goes on from its beginning
            self._offset, self._rest = 0, None
            return True
        newer = open_next(self.path, own, self._open_file)
        if newer is None:
            return False
        if os.fstat(self._file).st_size > self._offset:  # written until it was rotated
            os.close(newer)
            return False
        self.close()
        self._file, self._offset = newer, 0
        return True

    def _time_of(self, line: bytes, place: int) -> float:
        """When the first printed byte came: a service may print nothing for long after its begin annotation."""
        found = ANNOTATIONS.match(line)
        return self._time_at(place + (found.end() if found else 0))

    def _time_at(self, offset: int) -> float:
        place = bisect_right(self._times, (offset, float("inf"))) - 1
        return self._times[place][1] if place >= 0 else 0.0


def _runs(line: bytes) -> list[bytes]:
    """The line, cut where another run of the service begins: the run before may have ended without a newline."""
    return [part for part in AT_BEGIN.split(line) if part] or [line]


def exists(path: Path) -> bool:
    """True if something was ever logged there."""
    return path.exists()


def following(path: Path, count: int) -> Reader:
    """A patient reader that begins with the last `count` lines."""
    return Reader(path, patient=True).from_last(count)


def since_launch(path: Path, launch: str) -> Iterator[bytes]:
    """Every line that was written since that launch, an unfinished last one too; none where the log can't be read."""
    with suppress(OSError), Reader(path).from_launch(launch) as reader:
        for _, line in reader.lines(with_rest=True):
            yield line


def is_complete(path: Path, launch: str) -> bool:
    """True once the end annotation of that launch is in the log, or the log can't be read."""
    try:
        with open(opened(path), "rb") as file:
            file.seek(-min(BLOCK, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return end_annotation(launch) in file.read()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def last_lines(path: Path, count: int, launch: str = "") -> list[Line]:
    """The last `count` lines of the log, an unfinished one included; only those of `launch` if it is given.

    Lines of annotations alone do not count, nor do blank lines with which a program scrolled its screen away.
    """
    with Reader(path).from_last(count + MOST_PADDING) as reader:
        lines = list(reader.lines(with_rest=True))
    begin = begin_annotation(launch)
    first = max((number for number, (_, line) in enumerate(lines) if begin in line), default=0) if launch else 0
    printed = without_padding([(when, line) for when, line in lines[first:] if not is_only_annotations(line)])
    return printed[max(0, len(printed) - count) :]


def last_words(path: Path, count: int, launch: str = "") -> list[str]:
    """The last lines as a person would have seen them; nothing where the log can't be read."""
    try:
        return [readable(line, colour=False) for _, line in last_lines(path, count, launch)]
    except OSError:
        return []


def without_padding(lines: Sequence[Line]) -> list[Line]:
    """The lines, without the blank ones right before a cleared screen."""
    kept: list[Line] = []
    for when, line in lines:
        while kept and clears_screen(line) and not kept[-1][1].strip():
            kept.pop()
        kept.append((when, line))
    return kept
