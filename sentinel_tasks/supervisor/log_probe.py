"""Asks once whether a service has printed a line that matches of late: exit code 0, else 1 and why not. Stands alone.

The launcher runs it as `python -I -S log_probe.py LOG REGEX SECONDS`. It reads what came in these last seconds of the
present run, by what the log pump wrote beside the log (capture.py). Where no pump writes, or the disk is full, nobody
can tell: exit code 0.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import sys
import time
from collections.abc import Iterator

TIMES, SECONDS_BETWEEN_TIMES = struct.Struct("<Qd"), 0.1
BLOCK, LONGEST_LINE, ROOM_FOR_LINES = 1 << 16, 1 << 20, 1 << 14
SAFE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
SEQUENCES = re.compile(
    r"(?s:\x1b[\]PX^_k].*?(?:\x07|\x1b\\|$)|\x1b\[[0-?]*[ -/]*(?:[@-~]|$)|\x1b(?:[ -/]*[0-~]?)"
    r"|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f\x80-\x9f\u2028-\u202e\u2066-\u2069])"
)
"""What a terminal does not show (text/sanitize.py)."""


def is_written(log: str) -> bool:
    """True while the log pump holds its lock; also on a file system without locks."""
    with opened(f"{log}.times") as times:
        if times is not None:
            try:
                fcntl.flock(times, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
    return False


def has_room(log: str) -> bool:
    """False while the disk is full, so that lines are lost."""
    disk = os.statvfs(os.path.dirname(log))
    return (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize >= ROOM_FOR_LINES


@contextlib.contextmanager
def opened(path: str) -> Iterator[int | None]:
    """The file, opened; None if it is not there."""
    try:
        descriptor = os.open(path, SAFE)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def came_since(log: str, when: float) -> Iterator[bytes]:
    """The lines that came since then in the present run, of rotated files too, each as it was written."""
    ages, age = [(0, begin_of(log, when))], 0
    while ages[-1][1] == 0 and os.path.exists(f"{log}.{age + 1}"):
        age += 1
        ages.append((age, begin_of(f"{log}.{age}", when)))
    for age, offset in reversed(ages):
        yield from lines_of(f"{log}.{age}" if age else log, offset)


def begin_of(file: str, when: float) -> int:
    """The first byte of the file that came then or later, and not before the present run; 0 of one just begun."""
    with opened(f"{file}.times") as times:
        count = 0 if times is None else os.fstat(times).st_size // TIMES.size
        low, high = 0, count
        while times is not None and low < high:
            middle = (low + high) // 2
            if entry(times, middle)[1] < when - SECONDS_BETWEEN_TIMES:
                low = middle + 1
            else:
                high = middle
        first = 0 if times is None or count == 0 else entry(times, low)[0] if low < count else sys.maxsize
    return max(first, begin_of_run(file))


def entry(times: int, number: int) -> tuple[int, float]:
    """One entry of the file of times: an offset, and when the byte there came."""
    offset, when = TIMES.unpack(os.pread(times, TIMES.size, number * TIMES.size))
    return int(offset), float(when)


def begin_of_run(file: str) -> int:
    """Where the last run begins in this file; 0 if none does."""
    with opened(f"{file}.runs") as runs:
        text = b"" if runs is None else os.read(runs, os.fstat(runs).st_size)
    begins = [int(line.split()[0]) for line in text.splitlines() if line.split()[1:2] == [b"begin"]]
    return begins[-1] if begins else 0


def lines_of(file: str, offset: int) -> Iterator[bytes]:
    """The lines from that byte on, an unfinished one as well; the end of a very long one is enough."""
    with opened(file) as log:
        rest = b""
        while log is not None and (block := os.pread(log, BLOCK, offset) if offset < sys.maxsize else b""):
            offset += len(block)
            *whole, rest = (rest[-LONGEST_LINE:] + block).split(b"\n")
            yield from whole
        yield from [rest] if rest else []


def readable(raw: bytes) -> str:
    """The line as a person would have seen it, without colours."""
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    return SEQUENCES.sub("", text.rpartition("\r")[2] or text)


def main(log: str, pattern: str, seconds: str) -> int:
    """Asks once; the exit code."""
    matches, since = re.compile(pattern).search, time.time() - float(seconds)
    if not is_written(log) or any(matches(readable(line)) for line in came_since(log, since)) or not has_room(log):
        return 0
    print(f"no line matched {pattern!r} in the last {float(seconds):g} s", end="")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
