"""Where in a log's file the lines are that may be wanted, as the system's grep(1) tells it.

By posix_spawn(3), not by subprocess: that is imported for longer than grep takes for tens of megabytes.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from contextlib import suppress
from functools import cache

from ..lineage.signals import signal
from .grep_pattern import GrepPattern

GNU = b"grep (GNU grep)"
"""The greps whose `-b` tells the place of each match are these."""
MOST_MEMORY = 96 << 20
"""Bytes of grep's address space: it holds whole lines, and those of a log may be long."""
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_AT_ONCE = 1 << 16
_NUMBER = 24
"""More characters than an offset has."""
MOST_OF_BYTES, FEW = 1 << 10, 1 << 10
"""Where more than so many lines have come, and one in so many bytes, it is quicker to look at each line."""


@cache
def is_there() -> bool:
    """True if there is a grep that tells offsets as we understand them."""
    try:
        asked = Grep(["--version"], None)
    except OSError:
        return False
    told = asked.read()
    asked.wait()
    return told.startswith(GNU)


class Grep:
    """A grep that runs, from where this open file stands; it is waited for or killed once."""

    def __init__(self, words: list[str | bytes], file: int | None) -> None:
        environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
        self._reader, writer = os.pipe()
        quiet = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (0, 2)]
        given = [] if file is None else [(os.POSIX_SPAWN_DUP2, file, 0)]
        actions = [(os.POSIX_SPAWN_DUP2, writer, 1), *quiet, *given]
        try:
            self._pid = os.posix_spawnp(
                "grep", ["grep", *words], environment, file_actions=actions, setsigdef=IGNORED_BY_PYTHON
            )
        except BaseException:
            os.close(self._reader)
            raise
        finally:
            os.close(writer)
        _limit(self._pid)

    def read(self) -> bytes:
        """What it prints next; nothing once it has ended."""
        return os.read(self._reader, _AT_ONCE)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        os.close(self._reader)
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        except ChildProcessError:  # whoever started us may have it that children leave nothing behind
            return 0

    def kill(self) -> None:
        """Ends it before it has looked at all."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        self.wait()


class Candidates:
    """Lines in which the pattern is found, between two bytes of an open file that begin lines.

    `known` is the byte up to which nothing was overlooked. It grows while places are asked for, and stops before `end`
    where grep has no memory for a line, or where there are so many that they are no help.
    """

    def __init__(self, file: int, begin: int, end: int, pattern: GrepPattern) -> None:
        os.lseek(file, begin, os.SEEK_SET)
        self._begin, self._end, self.known = begin, end, begin
        self._places: list[int] = []
        self._count, self._rest, self._is_done = 0, b"", False
        self._grep = Grep(["-ab", pattern.flags, "-e", pattern.pattern], file)

    def close(self) -> None:
        """Ends grep."""
        if not self._is_done:
            self._is_done = True
            self._grep.kill()

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
        if not (data := self._grep.read()):
            self._is_done = True
            self.known = self._end if self._grep.wait() in (0, 1) else self.known
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
