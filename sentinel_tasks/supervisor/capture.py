"""The log pump: writes what a pane shows to the service's log. Stands alone.

tmux's `pipe-pane` runs it as `python -I -S capture.py LOG MAX_BYTES BACKUPS LAUNCHER_PID`. The log has mode 0600 and is
rotated by size, at the end of a line. LOG.times holds when which byte came (16 bytes an entry: offset, epoch seconds),
so that the logs of several services can be read in the order of time. The pump ends by itself once the launcher has
ended and the pane is silent.

Two kinds of shared lock (flock) say what is going on. The pump's lock on LOG.times: the log is still being written. A
reader's lock on one of the log's files: the reader needs this file and all newer ones (logs/rotation.py).
"""

import contextlib
import fcntl
import os
import select
import struct
import sys
import time

CHUNK = 1 << 16
LONGEST_LINE = 1 << 20
TIMES = struct.Struct("<Qd")
SECONDS_BETWEEN_TIMES = 0.1
SILENCE = 0.3
AFTER_END = 0.05
END = b"\x1b]7357;sentinel-end;"
SAFE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # NFS locks what is open in both ways only
MODE = SAFE | os.O_APPEND | os.O_CREAT


class Log:
    """An append-only file of bounded size, with its times beside it."""

    def __init__(self, path: str, max_bytes: int, backups: int) -> None:
        self.path, self.max_bytes, self.backups = path, max_bytes, backups
        self.last_time = 0.0
        self.file, self.times = opened(path)
        self.size = os.fstat(self.file).st_size
        self.prune()

    def write(self, data: bytes) -> None:
        """Appends the data; past the maximal size what follows the last newline goes to the next file.

        A line that goes on for long beyond that size is cut, too.
        """
        cut = data.rfind(b"\n") + 1
        if self.size + len(data) > self.max_bytes and (cut or self.size > self.max_bytes + LONGEST_LINE):
            self.append(data[:cut])
            self.rotate()
            data = data[cut:]
        if data:
            self.append(data)

    def append(self, data: bytes) -> None:
        """Writes all of the data, and notes when it came; OSError on a full disk."""
        now = time.time()
        if now - self.last_time >= SECONDS_BETWEEN_TIMES or self.size == 0:
            os.write(self.times, TIMES.pack(self.size, now))
            self.last_time = now
        while data:
            written = os.write(self.file, data)
            self.size += written
            data = data[written:]

    def rotate(self) -> None:
        """Begins another file; where none can be made, the old one goes on."""
        new, before = f"{self.path}.new", (self.file, self.times)
        try:
            self.file, self.times = opened(new)
        except OSError:
            return
        try:
            self.rename()
            os.replace(f"{new}.times", f"{self.path}.times")
            os.replace(new, self.path)
            self.size = 0
        except OSError:
            before, (self.file, self.times) = (self.file, self.times), before
        else:
            self.prune()
        for descriptor in before:
            os.close(descriptor)

    def rename(self) -> None:
        """Makes every file one older, with its times; afterwards the name of the newest is free."""
        for age in sorted(ages(self.path), reverse=True):
            for end in ("", ".times"):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{aged(self.path, age)}{end}", f"{aged(self.path, age + 1)}{end}")

    def prune(self) -> None:
        """Removes the oldest files while there are too many; one that a reader needs ends this."""
        oldest_first: list[int] = []
        with contextlib.suppress(OSError):
            oldest_first = sorted(ages(self.path), reverse=True)
        for age in oldest_first:
            if age <= self.backups or is_needed(aged(self.path, age)):
                return
            for end in ("", ".times"):
                with contextlib.suppress(OSError):
                    os.unlink(f"{aged(self.path, age)}{end}")


def aged(path: str, age: int) -> str:
    """The log's file of that age, 0 for the one that is written now."""
    return f"{path}.{age}" if age else path


def ages(path: str) -> list[int]:
    """Of all the log's files that exist."""
    folder, name = os.path.split(path)
    endings = [each[len(name) :] for each in os.listdir(folder or ".") if each.startswith(name)]
    return [int(ending[1:] or 0) for ending in endings if not ending or is_age(ending)]


def is_age(ending: str) -> bool:
    """True for `.1`, `.2` and so on, as `rename` makes them."""
    dot, number = ending[0], ending[1:]
    return dot == "." and number.isascii() and number.isdigit() and number[0] != "0"


def is_needed(path: str) -> bool:
    """True while a reader holds this file: the reader has yet to read it or newer ones."""
    try:
        file = os.open(path, SAFE)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def opened(path: str) -> tuple[int, int]:
    """The log and its times, opened to append to: both or none."""
    times = os.open(f"{path}.times", MODE, 0o600)
    try:
        fcntl.flock(times, fcntl.LOCK_SH)  # shows a stop that the log is still being written
        return os.open(path, MODE, 0o600), times
    except OSError:
        os.close(times)
        raise


def has_ended(pid: int) -> bool:
    """True once the process has ended, a zombie included: tmux may reap its children late."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def follow(log: Log, launcher: int) -> None:
    """Copies standard input to the log until the input ends, or the launcher has ended and nothing more comes."""
    tail, has_end = b"", False
    poll = select.poll()
    poll.register(0, select.POLLIN)
    while True:
        if not poll.poll(int(1000 * (AFTER_END if has_end else SILENCE))):
            if has_ended(launcher):
                return
            continue
        data = os.read(0, CHUNK)
        if not data:
            return
        has_end = has_end or END in tail + data
        tail = (tail + data)[-len(END) :]
        with contextlib.suppress(OSError):  # a full disk loses lines, but must not stop the service's output
            log.write(data)


if __name__ == "__main__":
    follow(Log(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), int(sys.argv[4]))
