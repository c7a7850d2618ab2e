"""The door to psutil for processes: who they are, what belongs together, and signals that can't hit the wrong one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import psutil

from ..model import Identity, Listener, Pane
from ..text.masking import LONGEST, masked

Seen = TypeVar("Seen")
UNSEEN = (psutil.Error, OSError)


def identity(pid: int) -> Identity | None:
    """Pid and start time of a living process; None for a zombie or none at all."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else Identity(pid, process.create_time())
    except UNSEEN:
        return None


def is_alive(who: Identity) -> bool:
    """True while this very process runs; a zombie has ended, a reused pid is somebody else."""
    return identity(who.pid) == who


def age(who: Identity) -> float:
    """Seconds since the process began.

    Not by the clock: Linux tells when it was booted in whole seconds, which makes every process look up to 1 s older.
    """
    if sys.platform != "linux":
        return time.time() - who.started
    return time.clock_gettime(time.CLOCK_BOOTTIME) - (who.started - psutil.boot_time())


def tree(pid: int) -> list[Identity]:
    """The process and all its descendants that still have it as their ancestor, parents first."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except UNSEEN:
        return []
    return [who for process in family if (who := identity(process.pid)) is not None]


def children() -> dict[int, list[int]]:
    """The pids below each pid, for the whole machine."""
    below: dict[int, list[int]] = {}
    for pid in psutil.pids():
        above = _seen(lambda: psutil.Process(pid).ppid())  # noqa: B023 (called at once)
        if above is not None:
            below.setdefault(above, []).append(pid)
    return below


def tags(pid: int) -> tuple[str | None, str | None]:
    """Workspace and service that a process was started for, from its environment; None where unseen or unmarked."""
    try:
        environment = psutil.Process(pid).environ()
    except UNSEEN:
        return None, None
    return environment.get("SENTINEL_WORKSPACE"), environment.get("SENTINEL_SERVICE")


def strays(workspace: str, panes: Sequence[Pane]) -> dict[str, list[Identity]]:
    """Processes that carry a service's tags and have left its window, by service.

    What is begun during the look is looked at too, until nothing new is: a fork must not slip through. A process under
    a live pane or another tmux server was started there by a person (a shell opened from within the service, say): it
    is none. Under this server and in no pane, its window was closed, and only its launcher still waits for it.
    """
    spared = {os.getpid(), *ancestors(os.getpid())}
    living, servers = {pane.pid for pane in panes if not pane.dead}, {pane.server for pane in panes}
    found: dict[str, list[Identity]] = {}
    for pid in _every_pid():
        home, service = tags(pid) if pid not in spared else (None, None)
        left = service and home == workspace and not _has_a_pane(pid, living, servers)
        if left and service and (who := identity(pid)) is not None:
            found.setdefault(service, []).append(who)
    return found


def _every_pid() -> Iterator[int]:
    looked_at: set[int] = set()
    while new := {*psutil.pids()} - looked_at:
        yield from sorted(new)
        looked_at |= new


def _has_a_pane(pid: int, living: set[int], servers: set[int]) -> bool:
    line = (pid, *ancestors(pid))
    return not living.isdisjoint(line) or _tmux_above(line) not in (None, *servers)


def _tmux_above(line: Sequence[int]) -> int | None:
    """The first tmux server in a line of ancestors."""
    return next((pid for pid in line if _is_tmux(pid)), None)


def ancestors(pid: int) -> tuple[int, ...]:
    """The pids above a process, nearest first, as far as they can be seen."""
    try:
        return tuple(parent.pid for parent in psutil.Process(pid).parents())
    except UNSEEN:
        return ()


def _is_tmux(pid: int) -> bool:
    try:
        return psutil.Process(pid).name().startswith("tmux")
    except UNSEEN:
        return False


def describe(pid: int | None, address: str, uid: int | None = None) -> Listener:
    """The listener at `address` with all that can be seen of it; `uid` is the kernel's word if no more can be."""
    who = identity(pid) if pid else None
    if pid is None or who is None:
        return Listener(address, user=None if uid is None else _user_name(uid), own_user=uid == os.getuid())
    process = psutil.Process(pid)
    above = ancestors(pid)
    workspace, service = tags(pid)
    return Listener(
        address=address,
        identity=who,
        name=_seen(process.name),
        user=_seen(process.username),
        own_user=_seen(lambda: process.uids().real) == os.getuid(),
        command=_command_line(process) or None,
        cwd=_seen(process.cwd),
        workspace=workspace,
        service=service,
        ancestors=above,
        tmux=_tmux_above(above),
    )


def _command_line(process: psutil.Process) -> str:
    return " ".join(masked(_seen(process.cmdline) or []))[:LONGEST]


def _seen(ask: Callable[[], Seen]) -> Seen | None:
    try:
        return ask()
    except UNSEEN:
        return None


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def name(pid: int) -> str | None:
    """The process's name; None if it can't be seen."""
    return _seen(lambda: psutil.Process(pid).name())


def rss_bytes(pids: Iterable[Identity]) -> int | None:
    """The resident memory of these processes together, in bytes; None if none can be seen."""
    seen = [size for who in pids if (size := _rss(who.pid)) is not None]
    return sum(seen) if seen else None


def _rss(pid: int) -> int | None:
    return _seen(lambda: int(psutil.Process(pid).memory_info().rss))


def send(who: Identity, number: signal.Signals) -> bool:
    """Signals this very process if it may be: our user's, not ourselves or above us, no reused pid.

    Contract: Start.
    """
    if who.pid <= 1 or who.pid == os.getpid() or who.pid in ancestors(os.getpid()):
        return False
    try:
        process = psutil.Process(who.pid)
        if process.create_time() != who.started or process.uids().real != os.getuid():
            return False
        process.send_signal(number)
    except UNSEEN:
        return False
    return True


def is_suspended(pid: int) -> bool:
    """True for a process that SIGSTOP holds."""
    return _seen(lambda: psutil.Process(pid).status()) == psutil.STATUS_STOPPED


def resume(who: Identity) -> None:
    """Lets a suspended process go on, so that it can answer the signal it was sent."""
    if is_suspended(who.pid):
        send(who, signal.SIGCONT)


def foreground(pane_pid: int) -> list[Identity]:
    """The members of the foreground process group of a pane's terminal: those whom C-c would reach."""
    group = _foreground_group(pane_pid)
    family = tree(pane_pid)
    return [who for who in family if _group(who.pid) == group] if group else family


def _group(pid: int) -> int | None:
    return _seen(lambda: os.getpgid(pid))


def _foreground_group(pid: int) -> int | None:
    """Linux tells it in /proc; elsewhere ps does."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[5])
    except (OSError, ValueError, IndexError):
        pass
    try:
        said = subprocess.run(["ps", "-o", "tpgid=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return int(said.stdout)
    except (OSError, ValueError):
        return None
