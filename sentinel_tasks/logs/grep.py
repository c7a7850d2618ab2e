"""Where in a log's file the lines are that may be wanted, as the system's grep(1) tells it."""

from __future__ import annotations

import os
import subprocess
import sys
from bisect import bisect_left
from contextlib import suppress
from functools import cache

from .grep_pattern import GrepPattern

GNU = b"grep (GNU grep)"
"""The greps whose `-b` tells the place of each match are these."""
MOST_MEMORY = 96 << 20
"""Bytes of grep's address space: it holds whole lines, and those of a log may be long."""
_AT_ONCE = 1 << 16
_NUMBER = 24
"""More characters than an offset has."""
MOST_OF_BYTES, FEW = 1 << 10, 1 << 10
"""Where more than so many lines have come, and one in so many bytes, it is quicker to look at each line."""


@cache
def is_there() -> bool:
    """True if there is a grep that tells offsets as we understand them."""
    try:
        told = subprocess.run(["grep", "--version"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError:
        return False
    return told.stdout.startswith(GNU)


class Candidates:
    """Lines in which the pattern is found, between two bytes of an open file that begin lines.

    `known` is the byte up to which nothing was overlooked. It grows while places are asked for, and stops before `end`
    where grep has no memory for a line, or where there are so many that they are no help.
    """

    def __init__(self, file: int, begin: int, end: int, pattern: GrepPattern) -> None:
        os.lseek(file, begin, os.SEEK_SET)
        words: list[str | bytes] = ["grep", "-ab", pattern.flags, "-e", pattern.pattern]
        environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
        self._begin, self._end, self.known = begin, end, begin
        self._places: list[int] = []
        self._count, self._rest, self._is_done = 0, b"", False
        self._process = subprocess.Popen(
            words, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, env=environment
        )
        _limit(self._process.pid)

    def close(self) -> None:
        """Ends grep."""
        self._is_done = True
        with self._process:
            self._process.kill()

    def first_from(self, place: int) -> int:
        """The first byte from there on that is in a line with a match, or of which nothing is known.

        Whoever asks asks about later and later places.
        """
        del self._places[: bisect_left(self._places, place)]
        while not self._places and not self._is_done:
            self._read(place)
        return max(place, self._places[0] if self._places else self.known)

    def between(self, begin: int, end: int) -> list[int] | None:
        """Bytes in the lines there that have a match; None if nothing is known of some."""
        while self.known < end and not self._is_done:
            self._read(begin)
        if begin < self._begin or self.known < end:
            return None
        return self._places[bisect_left(self._places, begin) : bisect_left(self._places, end)]

    def _read(self, begin: int) -> None:
        assert self._process.stdout is not None
        data = os.read(self._process.stdout.fileno(), _AT_ONCE)
        if not data:
            self._is_done = True
            self.known = self._end if self._process.wait() in (0, 1) else self.known
            return
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:_NUMBER]
        places = [self._begin + int(line[: line.index(b":")]) for line in lines]
        self._count += len(places)
        self._places += [place for place in places if begin <= place < self._end]
        if places:
            self.known = min(places[-1], self._end)
            if self._count > FEW and self._count * MOST_OF_BYTES > places[-1] - self._begin:
                self.close()


def _limit(pid: int) -> None:
    if sys.platform == "linux":
        from resource import RLIMIT_AS, prlimit

        with suppress(OSError):  # it has ended
            prlimit(pid, RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
