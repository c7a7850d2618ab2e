"""Reads the log files that the log pump writes: the last lines, all lines since a launch, and those to come."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from ..model import Line
from ..text.annotations import begin_annotation
from ..text.latest import MOST_PADDING, Latest
from ..text.sanitize import is_only_annotations, readable
from .rotation import (
    Mark,
    Times,
    held,
    marks_at,
    name_of,
    newest,
    offset_of_last,
    open_next,
    opened,
    rotated,
    size,
    unrotated,
)

Own = TypeVar("Own", bound="Reader")
AT_ONCE = 1 << 19
"""Bytes that are read together: they stay in a processor's cache while they are looked through."""
LONGEST_LINE = 1 << 20
"""The length from which a line is given in parts."""


class Reader:
    """Reads a log forward from a place in it, through any number of rotations.

    A `patient` reader never loses a line, however slow it is: no file is removed before it was read. Where a run begins
    there is a line of its own, the annotation alone. A line of more than 1 MiB comes in parts.
    """

    def __init__(self, path: Path, patient: bool = False) -> None:
        self.path = path
        bytes(8 * AT_ONCE)  # once this is freed, glibc keeps what blocks need: each would be given back and faulted in
        self._open_file: Callable[[Path], int] = held if patient else opened
        self._file: int | None = None
        self._name = path
        self._offset = self._read = 0
        self._times: list[tuple[int, float]] = []
        self._times_of_file = Times()
        self._begins: list[Mark] = []
        self._pending: list[Line] = []
        self._rest: Line | None = None
        self._latest = self._risen = 0.0
        self._line = (0, 0)

    def __enter__(self: Own) -> Own:
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
        unrotated(self.path, lambda: self._go_to_last(count))
        return self

    def _go_to_last(self, missing: int) -> None:
        for path in rotated(self.path):
            self._open(path, 0)
            if self._file is not None:
                self._offset, found = offset_of_last(self._file, missing)
                missing -= found
            if missing <= 0:
                break

    def from_launch(self, launch: str) -> Reader:
        """Begins with the first byte of that launch's latest run, or the oldest byte there is if that is gone.

        Where only earlier launches have begun, it begins at the end: that launch has printed nothing yet.
        """
        unrotated(self.path, lambda: self._go_to_launch(launch))
        return self

    def _go_to_launch(self, launch: str) -> None:
        files = rotated(self.path)
        begins = {path: [mark for mark in marks_at(path) if mark.word == "begin"] for path in files}
        for path in files:
            own = [mark.offset for mark in begins[path] if mark.launch == launch]
            self._open(path, max(own, default=0))
            if own:
                return
        if any(begins.values()):
            self._go_to_last(0)

    def _open(self, path: Path, offset: int) -> None:
        self.close()
        self._times_of_file = Times()
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
        while not self._is_at(end) and (data := self._more()):
            yield from self._split(data)
            if self._read > limit:  # we were overtaken, and the end is gone
                break
        if with_rest:
            yield from self._take_rest()

    def _take_rest(self) -> Iterator[Line]:
        """What is there of the last line, and the beginning of a run that has printed nothing yet."""
        if self._file is not None:
            self._begins = self._runs(self._file)
        if self._rest is not None:
            when, rest = self._rest
            yield from self._parted(rest, self._offset - len(rest), when, is_whole=False)
        yield from self._begun_at(self._offset)
        self._rest = None

    def _split(self, data: bytes) -> Iterator[Line]:
        when, before = self._rest or (self._time_at(self._offset - len(data)), b"")
        whole = data.rfind(b"\n") + 1
        block, rest = (before + data[:whole], data[whole:]) if whole else (b"", before + data)
        place = self._offset - len(block) - len(rest)
        pending, self._pending = self._pending, []
        for each in pending:
            self._line = 0 if is_only_annotations(each[1]) else -1, 0  # before the first byte of this file
            yield each
        for begin in self._chosen(block, place):
            yield from self._parted(block[begin : block.index(b"\n", begin)], place + begin, when)
        place += len(block)
        if len(rest) >= LONGEST_LINE:
            cut = _before_last_character(rest)
            yield from self._parted(rest[:cut], place, when, is_whole=False)
            place, rest = place + cut, rest[cut:]
        self._risen = self._time_at(place)
        self._rest = (self._risen, rest) if rest else None

    def _chosen(self, block: bytes, place: int) -> Iterator[int]:
        """Where in the block, which stands at that place and is of whole lines, those begin that are given: all."""
        begin = 0
        while begin < len(block):
            yield begin
            begin = block.index(b"\n", begin) + 1

    def _parted(self, line: bytes, place: int, when: float, is_whole: bool = True) -> Iterator[Line]:
        """The line, cut where a run begins in it: the one before may have ended without a newline."""
        end = place + len(line) + is_whole
        if not self._begins:
            self._line = place, end
            self._latest = max(self._latest, when, self._time_at(place))
            yield self._latest, line
            return
        cuts = sorted({mark.offset - place for mark in self._begins if place < mark.offset < end})
        for begin, until in zip([0, *cuts], [*cuts, None], strict=True):
            yield from self._begun_at(place + begin)
            part = line[begin:until]
            self._line = place + begin, end if until is None else place + until
            if part or (is_whole and until is None):
                self._latest = max(self._latest, when, self._time_at(place + begin))
                yield self._latest, part

    def _begun_at(self, offset: int) -> Iterator[Line]:
        """The runs that begin at this byte, a line each."""
        for mark in self._begins:
            if mark.offset == offset:
                self._line = offset, offset
                self._latest = max(self._latest, mark.time)
                yield self._latest, begin_annotation(mark.launch)

    def _most_unread(self) -> int:
        return self._size() + size(self.path)

    def _size(self) -> int:
        return 0 if self._file is None else os.fstat(self._file).st_size

    def _is_at(self, end: os.stat_result | None) -> bool:
        if end is None or self._file is None:
            return False
        own = os.fstat(self._file)
        return os.path.samestat(own, end) and end.st_size <= self._offset <= own.st_size

    def _more(self) -> bytes:
        if self._file is None:
            self._open_oldest()
        if self._file is None:
            return b""
        before = len(self._rest[1]) if self._rest else 0
        data = os.pread(self._file, min(self._most_at_once(), LONGEST_LINE - before), self._offset)
        if not data and self._move_on():
            return self._more()
        self._offset += len(data)
        self._read += len(data)
        if data:
            self._times = self._times_since(self._file, self._offset - len(data) - before)
            self._begins = self._runs(self._file)
        return data

    def _open_oldest(self) -> None:
        """Opens the oldest file; one that was renamed meanwhile is looked for again, for its name is the next one's."""
        name, found = self._oldest(), None
        while name != found:
            found = name
            self._open(found, 0)
            name = self._oldest()

    def _oldest(self) -> Path:
        return (rotated(self.path) or [self.path])[-1]

    def _most_at_once(self) -> int:
        return AT_ONCE

    def _times_since(self, file: int, begin: int) -> list[tuple[int, float]]:
        """When the bytes from there on came that were read."""
        name = self._found(file)
        return list(_rising(self._times_of_file.at(name, begin, self._offset), self._risen)) if name else []

    def _runs(self, file: int) -> list[Mark]:
        """Where runs begin in the open file."""
        name = self._found(file)
        return [mark for mark in marks_at(name) if mark.word == "begin"] if name else []

    def _found(self, file: int) -> Path | None:
        """What the open file is called now: mostly what it was called when we looked last."""
        found = name_of(file, self.path, self._name)
        self._name = found or self.path
        return found

    def _move_on(self) -> bool:
        """Goes on to the next newer file if ours was rotated and is read to its end."""
        assert self._file is not None
        own = os.fstat(self._file)
        if own.st_size > self._offset:
            return False
        if own.st_size < self._offset:  # somebody emptied it, and it goes on from its beginning
            self._offset, self._rest, self._times_of_file = 0, None, Times()
            return True
        newer = open_next(self.path, own, self._open_file)
        if newer is None:
            return False
        if os.fstat(self._file).st_size > self._offset:  # written until it was rotated
            os.close(newer)
            return False
        begun = self._begun_at_end()
        self.close()
        self._file, self._offset, self._times_of_file = newer, 0, Times()
        if begun:
            self._pending = [*([self._rest] if self._rest else []), *begun]
            self._rest = None
        return True

    def _begun_at_end(self) -> list[Line]:
        """The runs that begin right behind the last byte of our file."""
        assert self._file is not None
        self._begins = self._runs(self._file)
        return list(self._begun_at(self._offset))

    def _time_at(self, offset: int) -> float:
        place = bisect_right(self._times, (offset, float("inf"))) - 1
        return self._times[place][1] if place >= 0 else self._risen


def _rising(times: Iterable[tuple[int, float]], latest: float) -> Iterator[tuple[int, float]]:
    """The times, none before an earlier one, whatever the clock did."""
    for offset, when in times:
        latest = max(latest, when)
        yield offset, latest


def _before_last_character(text: bytes) -> int:
    """Where the last character begins, so that no part of a line ends within one, nor is empty."""
    return next(
        (place for place in range(len(text) - 1, len(text) - 4, -1) if text[place] & 0xC0 != 0x80), len(text) - 1
    )


def exists(path: Path) -> bool:
    """True if something was ever logged there."""
    return path.exists()


def end(log: str) -> object:
    """Another one as soon as anything was written to the log; None if there is none."""
    try:
        status = os.stat(log)
    except OSError:
        return None
    return status.st_ino, status.st_size


def since_launch(path: Path, launch: str) -> Iterator[bytes]:
    """Every line that was written since that launch, an unfinished last one too; none where the log can't be read."""
    with suppress(OSError), Reader(path).from_launch(launch) as reader:
        for _, line in reader.lines(with_rest=True):
            if not is_only_annotations(line):
                yield line


def is_complete(path: Path, launch: str) -> bool:
    """True once everything that this launch printed is in the log, or the log can't be read."""
    try:
        os.close(opened(path))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    own = [mark.word for each in rotated(path)[1::-1] for mark in marks_at(each) if mark.launch == launch]
    return own[-1:] == ["end"]  # one that waits for a change of its files may begin anew


def last_lines(path: Path, count: int, launch: str = "", with_runs: bool = False) -> list[Line]:
    """The last `count` lines of the log, an unfinished one included; only those of `launch` if it is given.

    Where only earlier launches have begun, it has printed nothing yet. Where runs begin there are annotations too,
    if wanted; they do not count, nor do blank lines with which a program scrolled its screen away.
    """
    if launch and not unrotated(path, lambda: _may_have_begun(path, launch)):
        return []
    latest, begin = Latest(count), begin_annotation(launch)
    with Reader(path).from_last(count + MOST_PADDING) as reader:
        for when, line in reader.lines(with_rest=True):
            if launch and begin in line:
                latest.clear()
            if with_runs or not is_only_annotations(line):
                latest.add(when, line)
    return list(latest.lines())


def _may_have_begun(path: Path, launch: str) -> bool:
    """False if only others have begun; what has begun long ago may be rotated away, and no beginning is there."""
    begun = {mark.launch for each in rotated(path) for mark in marks_at(each) if mark.word == "begin"}
    return not begun or launch in begun


def last_words(path: Path, count: int, launch: str = "") -> list[str]:
    """The last lines as a person would have seen them; nothing where the log can't be read."""
    try:
        return [readable(line, colour=False) for _, line in last_lines(path, count, launch)]
    except OSError:
        return []
