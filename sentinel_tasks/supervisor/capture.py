"""The log pump: writes what a pane shows to the service's log. Stands alone.

The log has mode 0600 and is rotated by size, at the end of a line. It holds what the service printed and nothing else:
the terminal's CR before each LF is taken out again, and so is what the launcher says, between annotations
(text/annotations.py). LOG.times holds when which byte came (16 bytes an entry: offset, epoch seconds), so that the logs
of several services can be read in the order of time; LOG.runs where runs begin and launches end (a line an entry:
offset, word, launch, epoch seconds). The pump ends by itself once the launcher has ended and the pane is silent.

Its start is a part of every start, and its memory of every service's: of its 3.0 MB 2.8 are bare Python with `os`, and
`re` and `contextlib` would be another 1.1.

Two kinds of shared lock (flock) say what is going on. The pump's lock on LOG.times: the log is still being written. A
reader's lock on one of the log's files: the reader needs this file and all newer ones (logs/rotation.py).
"""

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
OPENING, END = b"\x1b]7357;sentinel-", b"\x07"
LONGEST_ANNOTATION = 64
BESIDE = (".times", ".runs")
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

    def note(self, word: str, launch: str) -> None:
        """Writes down what is so from the next byte on."""
        runs = os.open(f"{self.path}.runs", MODE, 0o600)
        try:
            os.write(runs, f"{self.size} {word} {launch} {time.time():.3f}\n".encode())
        finally:
            os.close(runs)

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
        """Makes every file one older, with those beside it; afterwards the name of the newest is free."""
        for age in sorted(ages(self.path), reverse=True):
            for end in ("", *BESIDE):
                try:
                    os.replace(f"{aged(self.path, age)}{end}", f"{aged(self.path, age + 1)}{end}")
                except FileNotFoundError:
                    pass

    def prune(self) -> None:
        """Removes the oldest files while there are too many; one that a reader needs ends this."""
        try:
            oldest_first = sorted(ages(self.path), reverse=True)
        except OSError:
            return
        for age in oldest_first:
            if age <= self.backups or is_needed(aged(self.path, age)):
                return
            for end in ("", *BESIDE):
                try:
                    os.unlink(f"{aged(self.path, age)}{end}")
                except OSError:
                    pass


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


class Stream:
    """What the pane shows, parted into what the service printed and what the launcher put in between."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.rest = b""
        self.is_ours = self.has_end = False

    def take(self, data: bytes) -> None:
        """Logs what the service printed; the beginning of an annotation, or a CR, waits for what follows it."""
        data, place = self.rest + data, 0
        while found := annotation(data, place):
            start, end, word, launch = found
            self.put(data[place:start])
            self.heed(word, launch)
            place = end
        kept = len(data) - waiting(data, place)
        self.rest = data[kept:]
        self.put(data[place:kept])

    def put(self, data: bytes) -> None:
        """Appends the data to the log, unless the launcher says it."""
        if data and not self.is_ours:
            try:
                self.log.write(data.replace(b"\r\n", b"\n"))
            except OSError:
                pass  # a full disk loses lines, but must not stop the service's output

    def heed(self, word: str, launch: str) -> None:
        """Does what an annotation is there for."""
        if word in ("ours", "theirs"):
            self.is_ours = word == "ours"
            return
        self.has_end = word == "end"
        try:
            self.log.note(word, launch)
        except OSError:
            pass

    def finish(self) -> None:
        """Logs what still waits: nothing follows it."""
        rest, self.rest = self.rest, b""
        self.put(rest)


def annotation(data: bytes, since: int) -> tuple[int, int, str, str] | None:
    """The first annotation from there on: where it begins and ends, its word and the launch."""
    while (start := data.find(OPENING, since)) >= 0:
        text, end, _ = data[start : start + LONGEST_ANNOTATION].partition(END)
        word, parted, launch = text[len(OPENING) :].partition(b";")
        if end and parted and word.isalpha() and word.islower() and (launch.isalnum() or not launch):
            return start, start + len(text) + 1, word.decode(), launch.decode()
        since = start + 1
    return None


def waiting(data: bytes, since: int) -> int:
    """How many bytes at the end can't be understood before more has come."""
    begin = data.rfind(b"\x1b", max(since, len(data) - LONGEST_ANNOTATION))
    last = data[begin:] if begin >= 0 else b""
    if last and (OPENING.startswith(last) or (last.startswith(OPENING) and END not in last)):
        return len(last)
    return 1 if data.endswith(b"\r") and len(data) > since else 0


def follow(stream: Stream, launcher: int) -> None:
    """Copies standard input to the log until the input ends, or the launcher has ended and nothing more comes."""
    poll, end = select.poll(), end_of(launcher)
    poll.register(0, select.POLLIN)
    if end is not None:
        poll.register(end, select.POLLIN)
    while True:
        found = [descriptor for descriptor, _ in poll.poll(patience(stream, end))]
        if end is not None and end in found:
            poll.unregister(end)
            end = None
        elif not found and has_ended(launcher):
            break
        if 0 in found:
            data = os.read(0, CHUNK)
            if not data:
                break
            stream.take(data)
    stream.finish()


def end_of(launcher: int) -> int | None:
    """What can be read once the launcher has ended (pidfd_open(2)): until then nobody has to look again and again."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(launcher)
    except (OSError, AttributeError):
        return None


def patience(stream: Stream, end: int | None) -> int | None:
    """Milliseconds after which it is looked whether the launcher has ended; None where its end wakes us up."""
    return None if end is not None else int(1000 * (AFTER_END if stream.has_end else SILENCE))


def main(log: str, max_bytes: str, backups: str, launcher: str) -> None:
    """Writes the log until there is nothing more to write."""
    follow(Stream(Log(log, int(max_bytes), int(backups))), int(launcher))
