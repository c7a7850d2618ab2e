"""Long lines that are read again from their file once they are shown, and not held until then."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType

from ..text.latest import Elsewhere

LONG = 1 << 12
"""Bytes from which on a line is sooner read again than held."""


class LongLines:
    """Lines of open files that stay readable until this is left, whoever closes, rotates or removes the files."""

    def __init__(self) -> None:
        self._files: list[int] = []

    def __enter__(self) -> LongLines:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for file in self._files:
            os.close(file)

    def elsewhere(self, line: bytes, file: int | None, offset: int) -> Elsewhere | None:
        """How to read the line again, if it is long and stands at this byte of the file: it may be of an older one."""
        size = len(line)
        if size < LONG or file is None or offset < 0 or (own := self._own(file)) is None:
            return None
        if os.pread(own, size, offset) != line:
            return None
        return Elsewhere(not line.strip(), lambda: os.pread(own, size, offset))

    def _own(self, file: int) -> int | None:
        if self._files and os.path.sameopenfile(self._files[-1], file):
            return self._files[-1]
        with suppress(OSError):  # there may be too many
            self._files.append(os.dup(file))
            return self._files[-1]
        return None
