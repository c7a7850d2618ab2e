"""Looks through a log for the lines that were asked for, in bounded memory, however long it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Line
from ..text.latest import MOST_PADDING, Latest
from ..text.sanitize import is_only_annotations
from .before import lines_before
from .elsewhere import LongLines
from .filter import Filter
from .near_end import places_near_end
from .place import end_of_older, is_in, offset_since, place_in
from .rotation import marks_of, rotated, unrotated
from .skipping import SkippingReader
from .wanted import Place, Stats, Wanted

if TYPE_CHECKING:
    from .grep_pattern import GrepPattern
    from .tally import Tally


class Search(SkippingReader):
    """Gives what is wanted of a log, once, and tells where it has stopped.

    A line is whole once its newline has come. One that nobody will end, for the log `is_written` no more, is whole too.
    An unfinished one is given besides, if this answer goes on from none; the next answer gives it once it is whole.
    Whoever follows gets whole lines only.
    """

    def __init__(self, path: Path, wanted: Wanted, is_written: bool) -> None:
        super().__init__(path, patient=wanted.follows)
        self._wanted, self._is_written = wanted, is_written
        self._filter = Filter(wanted.asked)
        self._is_done = self._gives_all = False
        self._stopped: int | None = None
        self._unfinished: Place | None = None
        self._carried = Place()
        self._tally: Tally | None = None

    # Where to begin

    def begin(self) -> bool:
        """Goes to where the search begins; false if that place is in no file of the log any more."""
        if self._wanted.after is not None and not self._is_there(self._wanted.after):
            return False
        if self._wanted.only_last:
            self.from_last((self._wanted.most or 0) + MOST_PADDING)
        elif place := self._near_end():
            unrotated(self.path, lambda: self._go_to_begin(None, place))
        else:
            unrotated(self.path, lambda: self._go_to_begin(self._wanted.since, self._wanted.after))
        self._begin_here()
        return True

    def _begin_here(self) -> None:
        self._line = self._offset, self._offset
        if self._wanted.asked.level and self._file is not None:
            self._filter.go_on(lines_before(self._file, self.path, self._offset))

    def _near_end(self) -> Place | None:
        """A place near the end behind which all of the last lines come that are wanted, if there is one."""
        if self._wanted.most is None or self._wanted.after is not None:
            return None
        for path, offset, more in places_near_end(self.path, self._wanted.since, self._wanted.until):
            with Search(self.path, self._wanted._replace(follows=False), self._is_written) as other:
                other._open(path, offset)
                place = other._place(offset)
                count = other._count()
            if count >= self._wanted.most:
                return place if self._is_there(place) else None
            if count * more * 2 < self._wanted.most:  # the longest window would hardly have enough
                break
        return None

    def _count(self) -> int:
        """How many are found from here; those of an entry that is not known would be before all others."""
        self._begin_here()
        return sum(not is_only_annotations(line) for _, line in self.found())

    def _is_there(self, place: Place) -> bool:
        return place.inode == 0 or unrotated(self.path, lambda: self._finds(place))

    def _finds(self, place: Place) -> bool:
        return any(self._opens(path) and self._has(place) for path in rotated(self.path))

    def _opens(self, path: Path) -> bool:
        self._open(path, 0)
        return self._file is not None

    def _has(self, place: Place) -> bool:
        assert self._file is not None
        return is_in(place, self._file, self.path) and place.offset <= self._size()

    def _go_to_begin(self, since: float | None, after: Place | None) -> None:
        """The later of the two; without any, the oldest line."""
        for path in rotated(self.path) if since is not None or after is not None else ():
            if not self._opens(path):
                continue
            assert self._file is not None
            known = after.offset if after is not None and after.inode and self._has(after) else None
            begin = (
                None if since is None else offset_since(self._file, self.path, since, marks_of(self._file, self.path))
            )
            if known is not None or begin is not None:
                self._offset = max(known or 0, begin or 0)
                return

    # What is found

    def found(self) -> Iterator[Line]:
        """The lines that are wanted of those that are there now; where nothing is left out, also where runs begin."""
        most, kept = self._wanted.most, self._kept()
        if most is None:
            yield from kept
        elif self._wanted.after is None or self._wanted.follows:
            latest = Latest(most)
            with LongLines() as long_lines:
                for when, line in kept:
                    latest.add(when, line, long_lines.elsewhere(line, self._file, self._line[0]))
                yield from latest.lines()
        else:
            yield from _first(kept, most)

    def stats(self) -> Stats:
        """What is to be told of the wanted lines, as many as there are."""
        from .tally import Tally

        tally = Tally()
        self._tally = tally if self._filter.is_open else None
        for when, line in self._kept():
            if self._wanted.asked.level:
                tally.take_of(line, when, self._filter.level)
            else:
                tally.take(line, when)
        return Stats(tally.lines, tally.bytes, tally.levels, tally.first, tally.last)

    def to_come(self) -> list[Line]:
        """Some of the wanted lines that have come since; an empty list if there are none now."""
        self._gives_all = True
        return [(when, line) for when, line in self.next_lines() if self._keeps(line)]

    def _kept(self) -> Iterator[Line]:
        since, until = self._wanted.since or 0.0, self._wanted.until
        for when, line in self._whole():
            if until is not None and when > until:
                self._stopped = self._line[0]
                return
            if self._keeps(line) and when >= since:
                yield when, line
        self._is_done = True

    def _keeps(self, line: bytes) -> bool:
        return self._filter.is_open or self._filter.keeps(line)

    def _whole(self) -> Iterator[Line]:
        yield from self.lines()
        if self._is_written:
            self._unfinished = self._place(self._offset - len(self._rest[1] if self._rest else b""))
        if not self._wanted.follows and (not self._is_written or self._wanted.after is None):
            yield from self._take_rest()

    def _chosen(self, block: bytes, place: int) -> Iterator[int]:
        """The lines that may be wanted, and those in which runs begin, for there the line before ends."""
        if block and self._wanted.until is not None and self._time_at(place) > self._wanted.until:
            yield 0  # which ends the search here, whatever is in this line
            return
        if self._gives_all or (self._filter.is_open and self._tally is None):
            yield from super()._chosen(block, place)
            return
        begin = 0
        cuts = (mark.offset - place for mark in self._begins if 0 <= mark.offset - place < len(block))
        for line in sorted({block.rfind(b"\n", 0, cut) + 1 for cut in cuts}):
            yield from self._selected(block[begin:line], place, begin)
            yield line
            begin = block.index(b"\n", line) + 1
        yield from self._selected(block[begin:], place, begin)

    def _selected(self, part: bytes, place: int, begin: int) -> Iterator[int]:
        if part and self._tally is not None and self._is_counted(self._tally, part, place + begin):
            return
        for line in self._filter.select(part, self._known(part, place + begin)):
            yield begin + line

    def _is_counted(self, tally: Tally, part: bytes, place: int) -> bool:
        """Counts these lines together, if all of them are wanted and it is known when they came."""
        last_line = place + part.rfind(b"\n", 0, len(part) - 1) + 1
        first, last = (max(self._latest, self._time_at(each)) for each in (place, last_line))
        since, until = self._wanted.since or 0.0, self._wanted.until
        if first < since or (until is not None and last > until) or (last and not first):
            return False
        tally.take_block(part, first, last)
        self._latest = last
        return True

    # What may be passed over

    def _may_skip(self) -> bool:
        return not self._gives_all and self._filter.may_skip()

    def _pattern(self) -> GrepPattern | None:
        return self._filter.pattern

    def _until(self) -> float | None:
        return self._wanted.until

    # Where it has stopped

    def place(self) -> Place:
        """Just behind the last whole line that was taken into account."""
        if self._file is None:
            return self._wanted.after or Place()
        if self._size() == 0 and (older := end_of_older(self._file, self.path)):
            return older
        if self._stopped is not None:
            return self._place(self._stopped)
        if not self._is_done:
            return self._place(self._line[1])
        return self._unfinished or self._place(self._offset)

    def _place(self, offset: int) -> Place:
        """A line may have begun in an older file than ours."""
        if self._file is None:
            return Place()
        return self._carried if offset < 0 else place_in(self._file, self.path, offset)

    def _move_on(self) -> bool:
        before = self._place(self._offset - len(self._rest[1])) if self._rest else self._carried
        self._carried, moved = before, super()._move_on()
        return moved


def _first(lines: Iterator[Line], count: int) -> Iterator[Line]:
    """So many lines that were printed, and no look at the one after them."""
    while count > 0 and (found := next(lines, None)) is not None:
        yield found
        count -= not is_only_annotations(found[1])
