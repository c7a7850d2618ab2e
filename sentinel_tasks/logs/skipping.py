"""Reads a log without the parts of it in which, as grep tells, no line may be wanted."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .find import Find
from .place import times_of
from .reader import LONGEST_LINE, Reader

if TYPE_CHECKING:
    from .grep import Candidates
    from .grep_pattern import GrepPattern

LEAST = 1 << 20
"""Bytes of a file from which on grep is started: less is as soon looked through as a process is there."""
AT_ONCE = 1 << 15
"""Bytes that are read together where grep tells which: most of them are in vain."""
_BLOCK = 1 << 18
_STEP = 1 << 13
"""Bytes in which the end of a line is looked for."""


class SkippingReader(Reader):
    """Reads what a Reader reads, but for lines that `_pattern` does not find.

    Where runs begin, lines that are given in parts, and what is no whole line in its file are never passed over.
    """

    def __init__(self, path: Path, patient: bool = False) -> None:
        super().__init__(path, patient)
        self._candidates: Candidates | None = None
        self._is_scanned = False

    def _may_skip(self) -> bool:
        """True if, as things are now, each line that may be wanted matches the pattern."""
        return False

    def _pattern(self) -> GrepPattern | None:
        """What finds all lines that may be wanted; None if that is unknown."""
        return None

    def _until(self) -> float | None:
        """When the last of what is wanted came, if that is known."""
        return None

    def close(self) -> None:
        """Closes the file that is being read."""
        self._end_scan()
        self._is_scanned = False
        super().close()

    def _end_scan(self) -> None:
        if self._candidates is not None:
            self._candidates.close()
            self._candidates = None

    def _more(self) -> bytes:
        if self._file is not None and self._may_skip():
            self._skip(self._file)
        return super()._more()

    def _move_on(self) -> bool:
        moved = super()._move_on()
        if moved:  # the same file may go on from its beginning
            self._end_scan()
        return moved

    def _most_at_once(self) -> int:
        return super()._most_at_once() if self._candidates is None else AT_ONCE

    def _skip(self, file: int) -> None:
        """Goes on to the first line that may be wanted, if that is beyond what is read next."""
        begin = self._offset - (len(self._rest[1]) if self._rest else 0)
        if begin < 0 or not _begins_line(file, begin) or (candidates := self._scan(file, begin)) is None:
            return
        place = candidates.first_from(begin)
        if place < self._offset + AT_ONCE:
            return
        runs = (mark.offset for mark in self._runs(file) if mark.offset >= begin)
        place = _line_at(file, begin, min(place, *runs, place))
        if place > self._offset:
            self._go_to(file, begin, place)

    def _go_to(self, file: int, begin: int, place: int) -> None:
        name = self._found(file)
        self._risen = max(self._risen, self._times_of_file.latest(name, begin, place) if name else 0.0)
        self._read += place - self._offset
        self._offset, self._rest = place, None

    def _scan(self, file: int, begin: int) -> Candidates | None:
        if self._is_scanned or self._size() - begin < LEAST:
            return self._candidates
        from .grep import Candidates, is_there

        self._is_scanned = True
        end = _line_begin(file, begin, self._size_until(file))
        if end - begin >= LEAST and is_there() and (pattern := self._pattern()):
            is_plain = pattern.unless and not _has_any(pattern.unless, file, begin, end)
            self._candidates = Candidates(file, begin, end, pattern.plain() if is_plain else pattern)
        return self._candidates

    def _size_until(self, file: int) -> int:
        """How long the file is now, or was then."""
        size, until, name = self._size(), self._until(), self._found(file)
        if until is None or name is None:
            return size
        return min(size, next((offset for offset, when in times_of(name) if when > until), size))

    def _known(self, block: bytes, place: int) -> Find | None:
        """What grep tells of a block of whole lines that stands at that place; None if it tells nothing."""
        if self._candidates is None or self._file is None or place < 0:
            return None
        places = self._candidates.between(place, place + len(block))
        if places is None:
            return None
        is_whole = _begins_line(self._file, place)
        return _find([each - place for each in places] if is_whole else [0, *(each - place for each in places)])


def _find(places: Sequence[int]) -> Find:
    def find(begin: int, end: int) -> int:
        number = bisect_left(places, begin)
        return places[number] if number < len(places) and places[number] < end else -1

    return find


def _has_any(texts: Sequence[bytes], file: int, begin: int, end: int) -> bool:
    """True if one of the texts stands between these places of the file."""
    beyond = max(map(len, texts)) - 1
    for place in range(begin, end, _BLOCK):
        block = os.pread(file, min(_BLOCK + beyond, end - place), place)
        if any(_stands_in(block, text) for text in texts):
            return True
    return False


def _stands_in(block: bytes, text: bytes) -> bool:
    """True if the text stands there; one byte is found in a tenth of the time of more, and this one is rare."""
    place = block.find(text[:1])
    while place >= 0 and not block.startswith(text, place):
        place = block.find(text[:1], place + 1)
    return place >= 0


def _begins_line(file: int, offset: int) -> bool:
    return offset == 0 or os.pread(file, 1, offset - 1) == b"\n"


def _line_at(file: int, begin: int, place: int) -> int:
    """Where the line begins in which this byte is, or the first one before it that is given in parts."""
    while place - begin >= LONGEST_LINE:
        line = _line_begin(file, begin, begin + LONGEST_LINE)
        if line == begin:
            return begin
        begin = line
    return _line_begin(file, begin, place)


def _line_begin(file: int, least: int, place: int) -> int:
    """Where the last line begins that begins not behind this byte; `least` if none does between them."""
    while place > least:
        step = min(_STEP, place - least)
        found = os.pread(file, step, place - step).rfind(b"\n")
        if found >= 0:
            return place - step + found + 1
        place -= step
    return least
