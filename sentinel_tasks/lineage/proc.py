"""One process as the system tells of it, and which there are: Linux in /proc, others through ps(1)."""

from __future__ import annotations

import os
import sys
import time

from .process import Process, is_multiplexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .process import Kind

LAUNCHER = "sentinel_tasks/supervisor/launch.py"
ON_LINUX = sys.platform == "linux"
COLUMNS = "pid=,ppid=,pgid=,tpgid=,ruid=,state=,lstart=,comm="
WORDS_OF_A_DATE = 5
KTHREADD = 2
KERNEL_THREAD = 0x00200000
EXITING = 0x00000004
LARGEST = 1 << 13
"""Bytes of a file in /proc that tells of one process."""


def pids() -> list[int]:
    """Those of all processes, as Linux tells them."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def lists_children(pid: int) -> bool:
    """True where the kernel does, as long as there is such a process."""
    return os.path.exists(f"/proc/{pid}/task/{pid}/children")


def children(pid: int) -> Iterator[int]:
    """Those that any of its threads has begun."""
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                yield from map(int, file.read().split())
    except OSError:
        pass  # it has ended meanwhile


def kernel_threads() -> set[int]:
    """The pids of all that are below kthreadd; none where that is another process, as in a container."""
    try:
        fields = _read_file(f"/proc/{KTHREADD}/stat")[0].rpartition(b")")[2].split()
    except OSError:
        return set()
    return set(children(KTHREADD)) if int(fields[6]) & KERNEL_THREAD else set()


def one(pid: int) -> Process | None:
    """The process of that pid; None if there is none."""
    if not ON_LINUX:
        return next(as_ps_tells("-p", str(pid)), None)
    try:
        text, owner = _read_file(f"/proc/{pid}/stat")
    except OSError:
        return None
    found = parsed(pid, text.decode("utf-8", "replace"), owner)
    is_certain = found.kind or found.is_ending or found.session != pid
    return found if is_certain else found.replaced(is_ending=_has_begun_to_end(pid))


def lives(pid: int, ticks: int) -> bool:
    """True if the process of that pid which began at that tick runs now; in a third of the time that `one` takes."""
    if not ON_LINUX:
        found = one(pid)
        return found is not None and found.ticks == ticks and found.is_alive
    try:
        fields = _read_file(f"/proc/{pid}/stat")[0].rpartition(b")")[2].split()
    except OSError:
        return False
    return int(fields[19]) == ticks and (fields[0] not in (b"Z", b"X") or fields[17] != b"1")


def _has_begun_to_end(pid: int) -> bool:
    """Asked after its command line was looked at: of one that was ending by then that told nothing."""
    try:
        text, _ = _read_file(f"/proc/{pid}/stat")
    except OSError:
        return True
    return _is_ending(text.decode("utf-8", "replace").rpartition(")")[2].split())


def parsed(pid: int, stat: str, owner: int) -> Process:
    """One line of /proc/PID/stat (proc(5)), which belongs to `owner`; a name may hold blanks and parentheses."""
    head, _, rest = stat.rpartition(")")
    name, fields = head.partition("(")[2], rest.split()
    parent, group, session = int(fields[1]), int(fields[2]), int(fields[3])
    kind = _kind(pid, name, is_leader=session == pid)
    is_surely_roots = owner == 0 and int(fields[6]) & KERNEL_THREAD
    uid = owner if owner or is_surely_roots else lambda: _real_uid(pid)
    return Process(
        pid, int(fields[19]), parent, group, session, uid, fields[0], name, int(fields[5]), int(fields[17]),
        kind, _is_ending(fields),
    )  # fmt: skip


def _is_ending(fields: list[str]) -> bool:
    return bool(int(fields[6]) & EXITING) and fields[17] == "1"


def _real_uid(pid: int) -> int:
    """The process's real user: the kernel shows the files of one that has changed its user as root's."""
    try:
        _, _, rest = _read_file(f"/proc/{pid}/status")[0].partition(b"\nUid:")
        return int(rest.split(None, 1)[0])
    except (OSError, IndexError):
        return 0


def _kind(pid: int, name: str, is_leader: bool) -> Kind:
    if is_multiplexer(name):
        return "multiplexer"
    return "launcher" if is_leader and launched(pid) else ""


def launched(pid: int) -> tuple[str, ...]:
    """The words after its own file's of a launcher of ours (see supervisor/launch.py); none for any other process."""
    words = command_line(pid)
    place = next((number for number, word in enumerate(words) if word.endswith(LAUNCHER)), None)
    return () if place is None else words[place + 1 :]


def command_line(pid: int) -> tuple[str, ...]:
    """The words of its command line, as far as it is ours to see."""
    try:
        if ON_LINUX:
            return tuple(os.fsdecode(_read_whole(f"/proc/{pid}/cmdline")).rstrip("\0").split("\0"))
        return tuple(_ps("-o", "args=", "-p", str(pid)).split())
    except OSError:
        return ()


def tags(pid: int, *names: str) -> tuple[str | None, ...]:
    """Variables of the environment that the process was started with; None where they are gone or can't be seen."""
    try:
        text = _read_whole(f"/proc/{pid}/environ")
    except OSError:
        return (None,) * len(names)
    return tuple(_variable(text, name) for name in names)


def _variable(environ: bytes, name: str) -> str | None:
    _, found, rest = (b"\0" + environ).partition(b"\0" + os.fsencode(name) + b"=")
    return os.fsdecode(rest.partition(b"\0")[0]) if found else None


def resident(pid: int) -> int | None:
    """The process's resident memory in bytes, which is the second number of /proc/PID/statm; None if it is unseen."""
    try:
        if not ON_LINUX:
            return int(_ps("-o", "rss=", "-p", str(pid))) * 1024
        return int(_read_file(f"/proc/{pid}/statm")[0].split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None


def boot() -> str:
    """An id of the time since the machine was started, in which ticks count; empty where the system has none."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


def age(process: Process) -> float:
    """Seconds since the process began, whatever was done to the clock since."""
    if not ON_LINUX:
        return time.time() - process.ticks
    return time.clock_gettime(time.CLOCK_BOOTTIME) - process.ticks / os.sysconf("SC_CLK_TCK")


def began(process: Process) -> float:
    """When the process began, by `time.monotonic`, also where this look is held up for a while."""
    if not ON_LINUX:
        return time.monotonic() - age(process)
    return process.ticks / os.sysconf("SC_CLK_TCK") - min(_suspended(), _suspended())


def _suspended() -> float:
    """Seconds that the monotonic clock lacks, and those for which we are held up between the two looks."""
    counted = time.monotonic()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - counted


def _read_file(path: str) -> tuple[bytes, int]:
    """The file, and to whom it belongs; in two thirds of the time that Python's own files take."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, LARGEST), os.fstat(descriptor).st_uid
    finally:
        os.close(descriptor)


def _read_whole(path: str) -> bytes:
    """The same of a file that may be larger."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, LARGEST), b""))
    finally:
        os.close(descriptor)


def as_ps_tells(*which: str) -> Iterator[Process]:
    """There a process's `ticks` are the second at which it began, and its session is its group's."""
    try:
        lines = _ps(*which, "-o", COLUMNS).splitlines()
    except OSError:
        return
    for line in lines:
        fields = line.split(None, 6 + WORDS_OF_A_DATE)
        if len(fields) > 6 + WORDS_OF_A_DATE:
            yield _from_ps(fields)


def _ps(*words: str) -> str:
    """What ps(1) answers. Where the kernel tells by itself nobody pays for the import."""
    import subprocess

    environ = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(["ps", "-ww", *words], capture_output=True, text=True, check=False, env=environ).stdout


def _from_ps(words: list[str]) -> Process:
    pid, parent, group, foreground, uid = (int(word) for word in words[:5])
    began = time.strptime(" ".join(words[6 : 6 + WORDS_OF_A_DATE]), "%a %b %d %H:%M:%S %Y")
    name = os.path.basename(words[-1])
    kind = _kind(pid, name, is_leader=group == pid)
    return Process(pid, int(time.mktime(began)), parent, group, group, uid, words[5][:1], name, foreground, 1, kind)
