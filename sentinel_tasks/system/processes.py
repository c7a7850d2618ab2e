"""The door to the machine's processes: what lineage tells of them, what else can be seen, and the gate for signals."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ..lineage import proc, table
from ..lineage.process import Process
from ..lineage.reach import Caller
from ..model import Identity, Listener, Tags
from ..names import RUN_VARIABLE

if TYPE_CHECKING:
    import signal

    from ..lineage.reach import Claim

VARIABLES = ("SENTINEL_WORKSPACE", "SENTINEL_SERVICE", "TMUX", RUN_VARIABLE)
LONGEST_NAME = 15
"""Characters of a name that the kernel keeps."""
DELETED = " (deleted)"

read, age, began, launched = table.read, proc.age, proc.began, proc.launched


def below(roots: Iterable[int]) -> table.Table:
    """The processes of these pids and all that is below them, as `read` tells of them; nobody else is looked at."""
    found: table.Table = {}
    for root in sorted(roots):  # whoever began others is mostly older
        if root not in found or found[root].kind:
            found |= table.below(root)
    return found


def pids() -> Sequence[int]:
    """Those of all processes but the kernel's own, where the kernel tells them."""
    if not proc.ON_LINUX:
        return ()
    of_the_kernel = proc.kernel_threads()
    return [pid for pid in proc.pids() if pid not in of_the_kernel]


def caller() -> Caller:
    """This task, as the gate sees it."""
    return Caller(os.getpid(), os.getuid())


def is_alive(who: Identity) -> bool:
    """True if this very process runs now."""
    return proc.lives(who.pid, who.ticks)


def is_this_boot(boot: str) -> bool:
    """True if the machine has not been started again since; also where that can't be told."""
    return not boot or boot == _boot()


@cache
def _boot() -> str:
    return proc.boot()


def tags(pid: int) -> Tags:
    """What a process's environment told when it was started; nothing where that is gone or can't be seen.

    What a person runs beside a service (`run`) is nobody's.
    """
    told = proc.tags(pid, *VARIABLES) if proc.ON_LINUX else _tags_without_proc(pid)
    workspace, service, window, beside = told
    server = (window or "").split(",")[-2:-1]
    whose = (None, None) if beside else (workspace, service)
    return Tags(*whose, int(server[0]) if server and server[0].isdecimal() else None)


def _tags_without_proc(pid: int) -> tuple[str | None, ...]:
    from . import without_proc

    return tuple(without_proc.variable(pid, name) for name in VARIABLES)


def describe(process: Process | None, address: str, uid: int | None = None) -> Listener:
    """The listener at `address` with all that can be seen of itself; `uid` is the kernel's word if no more can be."""
    if process is None:
        return Listener(address, user=None if uid is None else _user_name(uid), own_user=uid == os.getuid())
    from ..text.masking import LONGEST, masked

    workspace, service, _ = tags(process.pid)
    return Listener(
        address=address,
        identity=Identity(process.pid, process.ticks),
        name=name(process),
        user=_user_name(process.uid),
        own_user=process.uid == os.getuid(),
        command=" ".join(masked(command_line(process.pid)))[:LONGEST] or None,
        cwd=_working_directory(process.pid),
        age=age(process),
        workspace=workspace,
        service=service,
    )


def command_line(pid: int) -> Sequence[str]:
    """The words of its command line, as far as they can be seen."""
    if proc.ON_LINUX:
        return proc.command_line(pid)
    from . import without_proc

    return without_proc.command_line(pid)


def name(process: Process) -> str:
    """The process's name; the kernel cuts a long one off, and its command line may tell the rest."""
    if len(process.name) < LONGEST_NAME:
        return process.name
    whole = os.path.basename(next(iter(proc.command_line(process.pid)), ""))
    return whole if whole.startswith(process.name) else process.name


def _working_directory(pid: int) -> str | None:
    if not proc.ON_LINUX:
        from . import without_proc

        return without_proc.working_directory(pid)
    try:
        path = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None
    return path if os.path.lexists(path) else path.removesuffix(DELETED)


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def rss_bytes(pids: Iterable[int]) -> int | None:
    """The resident memory of these processes together, in bytes; None if none can be seen."""
    seen = [size for pid in pids if (size := _rss(pid)) is not None]
    return sum(seen) if seen else None


def _rss(pid: int) -> int | None:
    if not proc.ON_LINUX:
        from . import without_proc

        return without_proc.rss_bytes(pid)
    return proc.resident(pid)


def send(claim: Claim, asked: Iterable[Identity], number: signal.Signals) -> list[Identity]:
    """Signals those that were asked for and may be reached under the claim; whom it really reached.

    Contract: Stop and logs, Signals.
    """
    from ..lineage import gate

    return [Identity(*who) for who in gate.send(claim, asked, number)]


def kill(claim: Claim, spared: frozenset[Identity] = frozenset()) -> list[Identity]:
    """Ends all that may be reached under the claim but those that are spared; whom it really reached.

    Contract: Stop and logs, Signals.
    """
    from ..lineage import gate

    return [Identity(*who) for who in gate.kill(claim, lambda _: spared)]
