"""What stands before a place in a log: the entry that the first line of an answer may belong to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ..text.sanitize import is_only_annotations
from .place import next_line
from .reader import Reader
from .rotation import marks_of, rotated, unrotated

LOOKED_BACK = 1 << 16
"""Bytes; an entry is hardly longer."""


def lines_before(file: int, path: Path, offset: int) -> Iterator[bytes]:
    """Some lines right before that byte of the open file, in their order."""
    with LookingBack(path) as reader:
        yield from reader.lines_until(os.fstat(file), offset)


class LookingBack(Reader):
    """Reads the lines before a byte of one of the files."""

    def lines_until(self, end: os.stat_result, offset: int) -> Iterator[bytes]:
        """Those of the last bytes before it."""
        unrotated(self.path, lambda: self._go_back(end, offset))
        has_come = False
        for _, line in self.lines():
            is_here = self._is_in(end)
            is_behind = self._line[0] >= offset and not is_only_annotations(line)  # a run's begin has no place
            if (is_here and is_behind) or (has_come and not is_here):
                return
            has_come = is_here
            yield line

    def _go_back(self, end: os.stat_result, offset: int) -> None:
        missing, has_come = LOOKED_BACK, False
        for path in rotated(self.path):
            self._open(path, 0)
            has_come = has_come or self._is_in(end)
            if self._file is None or not has_come:
                continue
            there = offset if self._is_in(end) else self._size()
            if there >= missing:
                self._offset = next_line(self._file, there - missing, marks_of(self._file, self.path))
                return
            missing -= there

    def _is_in(self, end: os.stat_result) -> bool:
        return self._file is not None and os.path.samestat(os.fstat(self._file), end)
