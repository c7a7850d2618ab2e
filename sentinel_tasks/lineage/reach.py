"""Who may be signalled at all, whatever is asked (contract: Start, Decision). Pure."""

from __future__ import annotations

from .value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from .process import Process

Who = tuple[int, int]
"""A process that can't be mistaken for a later one of the same pid: pid and the tick at which it began."""

ROOT = 0


class Claim(Value):
    """Whose processes a caller says they are: launchers of one service, what such a launcher left behind, or a stranger
    that holds its port and may be ended.

    `recorded` are those of them that were seen below such a launcher, by this task or by the launcher's own record.
    """

    __slots__ = ("holders", "launchers", "orphans", "recorded")

    def __init__(
        self,
        launchers: frozenset[Who] = frozenset(),
        orphans: frozenset[Who] = frozenset(),
        holders: frozenset[Who] = frozenset(),
        recorded: frozenset[Who] = frozenset(),
    ) -> None:
        self.launchers, self.orphans, self.holders, self.recorded = launchers, orphans, holders, recorded


class Caller(Value):
    """Who wants to send: its pid and its user."""

    __slots__ = ("pid", "uid")

    def __init__(self, pid: int, uid: int) -> None:
        self.pid, self.uid = pid, uid


def children_of(table: Mapping[int, Process]) -> dict[int, list[int]]:
    """The pids below each pid."""
    below: dict[int, list[int]] = {}
    for process in table.values():
        below.setdefault(process.parent, []).append(process.pid)
    return below


def line_of(table: Mapping[int, Process], pid: int) -> list[int]:
    """The process and all above it, nearest first."""
    line: list[int] = []
    while pid in table and pid not in line:
        line.append(pid)
        pid = table[pid].parent
    return line


def is_cut(process: Process) -> bool:
    """True for what is never a part of a service, nor is anything below it (process.py, `kind`)."""
    return process.kind != ""


def family(table: Mapping[int, Process], root: Who, below: Mapping[int, list[int]] | None = None) -> list[Process]:
    """The process and its living descendants, parents first, without what is cut; none if it is another by now.

    What is below one that is just ending is no longer told by it: a launcher can't be told from another process then,
    nor what it has only adopted.

    `below` is what `children_of` tells, for a caller that knows it already.
    """
    process = table.get(root[0])
    if process is None or process.ticks != root[1]:
        return []
    below = children_of(table) if below is None else below
    found, pids = [], [root[0]]
    seen = set(pids)
    for pid in pids:
        each = table[pid]
        if pid != root[0] and is_cut(each):
            continue
        if each.is_alive:
            found.append(each)
        if each.is_ending:
            continue
        new = [child for child in below.get(pid, ()) if child not in seen]
        seen.update(new)
        pids += new
    return found


def permitted(table: Mapping[int, Process], claim: Claim, caller: Caller) -> dict[int, Process]:
    """The processes that a signal under this claim may reach, by pid.

    Never the caller, its ancestors, what else is below such an ancestor, pid 1, a terminal server and all below it,
    another launcher and all below it, or a pid that another process has by now. Another user's process only by root,
    below root's own launcher or what is recorded. A launcher may reach what is below itself, and so may a caller that
    says it is one.
    """
    above, below = {*line_of(table, caller.pid)}, children_of(table)
    found: dict[int, Process] = {}
    for root in (*claim.launchers, *claim.orphans, *claim.holders):
        process, as_launcher = table.get(root[0]), root in claim.launchers
        ends_its_own = as_launcher and root[0] == caller.pid
        if process is None or not (ends_its_own or _is_rightly_placed(table, process, as_launcher, above)):
            continue
        of_any_user = caller.uid == ROOT and (root in claim.recorded or (as_launcher and process.uid == ROOT))
        members = family(table, root, below)
        found.update({each.pid: each for each in members if of_any_user or each.uid == caller.uid})
    return {pid: each for pid, each in found.items() if pid > 1 and pid not in above}


def _is_rightly_placed(
    table: Mapping[int, Process], process: Process, as_launcher: bool, above: Container[int]
) -> bool:
    """False for a root above the caller, or that is something else than it was claimed to be, or in a window."""
    if process.pid in above:
        return False
    if as_launcher or process.kind:
        return process.kind == ("launcher" if as_launcher else "")
    cut = next((table[pid] for pid in line_of(table, process.pid) if is_cut(table[pid])), None)
    return cut is None or cut.kind == "launcher"


def whole_groups(table: Mapping[int, Process], reachable: Iterable[int]) -> list[int]:
    """The process groups of which every living member may be reached: one signal ends them, even while they fork."""
    may = set(reachable)
    groups = {table[pid].group for pid in may if pid in table}
    outside = {process.group for process in table.values() if process.is_alive and process.pid not in may}
    return sorted(group for group in groups - outside if group > 1)
