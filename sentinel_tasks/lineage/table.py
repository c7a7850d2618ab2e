"""Reads the machine's processes: all of them in one look, or one. Linux tells in /proc, other systems through ps(1)."""

from __future__ import annotations

import os
import sys
import time

from .process import Process, is_multiplexer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .process import Kind

LAUNCHER = "sentinel_tasks/supervisor/launch.py"
ON_LINUX = sys.platform == "linux"
COLUMNS = "pid=,ppid=,pgid=,tpgid=,ruid=,state=,lstart=,comm="
WORDS_OF_A_DATE = 5
KTHREADD = 2
KERNEL_THREAD = 0x00200000
EXITING = 0x00000004
WINDOW_VARIABLES = ("TMUX", "STY", "ZELLIJ")
"""In the environment of what runs in a window: they tell the windows' server."""
CLIENT = "tmux: client"
EXEC_SECONDS = 0.05
LARGEST = 1 << 13
"""Bytes of a file in /proc that tells of one process."""
LISTS = 4
"""How often what has begun is looked for within one look: a chain of forks begins more without end."""

Table = dict[int, Process]
Known = dict[int, Process | None]
"""Processes by pid, and None for a pid of one that had ended before it could be looked at."""


def read() -> Table:
    """Every process that can be seen, by pid, those that have ended and were not reaped among them.

    What begins during the look is looked at too: a fork must not slip through. The kernel's own threads, which are half
    of an idle machine's processes, are not looked at where it lists them (proc(5), children).
    """
    if not ON_LINUX:
        return {process.pid: process for process in _as_ps_tells("-ax")}
    found: Table = {}
    looked_at = _kernel_threads()
    for _ in range(LISTS):
        new = [pid for pid in pids() if pid not in looked_at]
        looked_at.update(new)
        found.update((pid, each) for pid in new if (each := one(pid)) is not None)
        if not new:
            break
    return _with_guests(found)


def _kernel_threads() -> set[int]:
    """The pids of all that are below kthreadd; none where that is another process, as in a container."""
    try:
        fields = _read_file(f"/proc/{KTHREADD}/stat")[0].rpartition(b")")[2].split()
    except OSError:
        return set()
    return set(children(KTHREADD)) if int(fields[6]) & KERNEL_THREAD else set()


def pids() -> list[int]:
    """Those of all processes, as Linux tells them."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def below(root: int) -> Table:
    """The process of that pid and all that is below it, up to what is cut, as `read` tells of them.

    Where the kernel lists children (proc(5)), nobody else is looked at: a hundred launchers look at their own.
    """
    if not lists_children(root):
        return read()
    found: Table = {}
    for _ in range(LISTS):
        if not _descend(root, found):
            break
    return _with_guests(found)


def _descend(root: int, found: Table) -> bool:
    """Adds what is below that pid and was not found yet; true if there was any."""
    line, size = [root], len(found)
    for pid in line:
        if pid not in found and (new := one(pid)) is not None:
            found[pid] = new
        each = found.get(pid)
        if each is not None and each.is_alive and (not each.kind or pid == root):
            line += children(pid)
    return len(found) > size


def begun_below(roots: Iterable[int], known: Known) -> Iterator[Table]:
    """Each process that has begun below these and is not `known` yet, as soon as it is found, with those above it.

    Those that are known are not looked at again before there is somebody new below them.
    """
    waiting, known_before = [*roots], {*known}
    if not lists_children(os.getpid()):
        known.update(read())
        yield from (_line(known, pid) for pid in known.keys() - known_before)
        return
    for pid in waiting:
        for child in children(pid):
            if child not in known:
                known.update({pid: one(pid), child: one(child)})
                yield _line(known, child)
            each = known[child]
            if each is not None and each.is_alive and not each.kind:
                waiting.append(child)


def _line(known: Known, pid: int) -> Table:
    """The process and all above it, as far as they are known."""
    line: Table = {}
    while pid not in line and (each := known.get(pid)) is not None:
        line[pid] = each
        pid = each.parent
    return _with_guests(line)


def above(pids: Iterable[int]) -> Table:
    """The processes of these pids and all above them, as `read` tells of them: whoever else runs is not looked at."""
    if not ON_LINUX:
        return read()
    found: Table = {}
    waiting = [*pids]
    while waiting:
        pid = waiting.pop()
        if pid not in found and (each := one(pid)) is not None:
            found[pid] = each
            waiting.append(each.parent)
    return _with_guests(found)


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


def _with_guests(found: Table) -> Table:
    """The table, once all are told for what they are.

    A tmux server begins as a fork of its client and has a name of its own before its first window: one that was still
    the client when it was looked at may have windows by now.
    """
    clients = [each.pid for each in found.values() if each.name == CLIENT]
    found = {**found, **{pid: again for pid in clients if (again := one(pid)) is not None}}
    guests = [each for each in found.values() if is_guest(each, found)]
    return {**found, **{each.pid: each.replaced(kind="guest") for each in guests}}


def is_guest(process: Process, table: Table) -> bool:
    """True for one that began in a window of another terminal server than its launcher's.

    As a subreaper a launcher inherits what such a server's windows leave behind, if the server is below it.
    """
    parent = table.get(process.parent)
    if parent is None or parent.kind != "launcher" or process.kind or process.session == parent.pid:
        return False
    _wait_for_its_program(process)
    own, launchers = tags(process.pid, *WINDOW_VARIABLES), tags(parent.pid, *WINDOW_VARIABLES)
    return any(one and one != other for one, other in zip(own, launchers, strict=True))


def _wait_for_its_program(process: Process) -> None:
    """While the kernel puts a program in place of another, the process has neither words nor variables."""
    deadline = time.monotonic() + EXEC_SECONDS
    while process.is_alive and not any(command_line(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.001)


def one(pid: int) -> Process | None:
    """The process of that pid; None if there is none."""
    if not ON_LINUX:
        return next(_as_ps_tells("-p", str(pid)), None)
    try:
        text, owner = _read_file(f"/proc/{pid}/stat")
    except OSError:
        return None
    found = parsed(pid, text.decode("utf-8", "replace"), owner)
    is_certain = found.kind or found.is_ending or found.session != pid
    return found if is_certain else found.replaced(is_ending=_has_begun_to_end(pid))


def _has_begun_to_end(pid: int) -> bool:
    """Asked after its command line was looked at: of one that was ending by then that told nothing."""
    try:
        text, _ = _read_file(f"/proc/{pid}/stat")
    except OSError:
        return True
    return _is_ending(text.decode("utf-8", "replace").rpartition(")")[2].split())


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


def _as_ps_tells(*which: str) -> Iterator[Process]:
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
