"""The machine's processes in one look: all of them, those below one, or those above some."""

from __future__ import annotations

import os
import time

from . import proc
from .process import Process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WINDOW_VARIABLES = ("TMUX", "STY", "ZELLIJ")
"""In the environment of what runs in a window: they tell the windows' server."""
CLIENT = "tmux: client"
EXEC_SECONDS = 0.05
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
    if not proc.ON_LINUX:
        return {process.pid: process for process in proc.as_ps_tells("-ax")}
    found: Table = {}
    looked_at = proc.kernel_threads()
    for _ in range(LISTS):
        new = [pid for pid in proc.pids() if pid not in looked_at]
        looked_at.update(new)
        found.update((pid, each) for pid in new if (each := proc.one(pid)) is not None)
        if not new:
            break
    return _with_guests(found)


def below(root: int) -> Table:
    """The process of that pid and all that is below it, up to what is cut, as `read` tells of them.

    Where the kernel lists children (proc(5)), nobody else is looked at: a hundred launchers look at their own.
    """
    if not proc.lists_children(os.getpid()):
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
        if pid not in found and (new := proc.one(pid)) is not None:
            found[pid] = new
        each = found.get(pid)
        if each is not None and each.is_alive and (not each.kind or pid == root):
            line += proc.children(pid)
    return len(found) > size


def begun_below(roots: Iterable[int], known: Known) -> Iterator[Table]:
    """Each process that has begun below these and is not `known` yet, as soon as it is found, with those above it.

    Those that are known are not looked at again before there is somebody new below them.
    """
    waiting, known_before = [*roots], {*known}
    if not proc.lists_children(os.getpid()):
        known.update(read())
        yield from (_line(known, pid) for pid in known.keys() - known_before)
        return
    for pid in waiting:
        for child in proc.children(pid):
            if child not in known:
                known.update({pid: proc.one(pid), child: proc.one(child)})
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
    if not proc.ON_LINUX:
        return read()
    found: Table = {}
    waiting = [*pids]
    while waiting:
        pid = waiting.pop()
        if pid not in found and (each := proc.one(pid)) is not None:
            found[pid] = each
            waiting.append(each.parent)
    return _with_guests(found)


def _with_guests(found: Table) -> Table:
    """The table, once all are told for what they are.

    A tmux server begins as a fork of its client and has a name of its own before its first window: one that was still
    the client when it was looked at may have windows by now.
    """
    clients = [each.pid for each in found.values() if each.name == CLIENT]
    found = {**found, **{pid: again for pid in clients if (again := proc.one(pid)) is not None}}
    guests = [each for each in found.values() if _is_guest(each, found)]
    return {**found, **{each.pid: each.replaced(kind="guest") for each in guests}}


def _is_guest(process: Process, table: Table) -> bool:
    """True for one that began in a window of another terminal server than its launcher's.

    As a subreaper a launcher inherits what such a server's windows leave behind, if the server is below it.
    """
    parent = table.get(process.parent)
    if parent is None or parent.kind != "launcher" or process.kind or process.session == parent.pid:
        return False
    _wait_for_its_program(process)
    own, launchers = proc.tags(process.pid, *WINDOW_VARIABLES), proc.tags(parent.pid, *WINDOW_VARIABLES)
    return any(one and one != other for one, other in zip(own, launchers, strict=True))


def _wait_for_its_program(process: Process) -> None:
    """While the kernel puts a program in place of another, the process has neither words nor variables.

    One that is on its end has none either, for good.
    """
    deadline = time.monotonic() + EXEC_SECONDS
    while not any(proc.command_line(process.pid)) and _may_begin(process.pid) and time.monotonic() < deadline:
        time.sleep(0.001)


def _may_begin(pid: int) -> bool:
    now = proc.one(pid)
    return now is not None and now.is_alive and not now.is_ending
