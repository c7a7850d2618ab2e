"""The service's processes: what lives below the launcher, whatever it did to its session, its title or its parent."""

from __future__ import annotations

from ..lineage import gate, table
from ..lineage.reach import Claim, family
from ..lineage.signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..lineage.process import Process
    from ..lineage.reach import Who

MOST = 100
"""So many of them are recorded."""


class Family:
    """The descendants of a launcher, as of the last look. What is cut from a lineage (lineage/reach.py) is none of it.

    With `spares_detached` neither is what has left the terminal's session, nor are ever the launcher's own `commands`.
    """

    def __init__(self, launcher: Who) -> None:
        self.launcher, self.spares_detached = launcher, False
        self.members: list[Process] = []
        self.commands: Collection[int] = ()

    def look(self) -> list[Process]:
        """Those that live now, parents first."""
        below = self._below()
        theirs = with_descendants(self.commands, below)
        self.members = [each for each in below if each.pid not in theirs and not self._is_spared(each)]
        return self.members

    def _below(self) -> list[Process]:
        return family(table.below(self.launcher[0]), self.launcher)[1:]

    def lives(self) -> bool:
        """True while one of them does. One that was known and lives is enough: it can't have left the lineage."""
        return self.has_a_known_one() or bool(self.look())

    def has_a_known_one(self) -> bool:
        """True while one of the last look lives."""
        return any(map(_is_alive, self.members))

    def _is_spared(self, process: Process) -> bool:
        return self.spares_detached and process.session != self.launcher[0]

    def end_command(self, pid: int) -> None:
        """Ends one of the launcher's own commands, with all that it has started, also while it was looked at."""
        reached: set[Who] = set()
        for _ in range(gate.ROUNDS):
            below = self._below()
            theirs = with_descendants([pid], below)
            new = [each for each in below if each.pid in theirs and (each.pid, each.ticks) not in reached]
            if not new:
                return
            self.send(signal.SIGKILL, new)
            reached.update((each.pid, each.ticks) for each in new)

    def end_group(self, pid: int) -> list[Process]:
        """Ends what one of them that has ended left behind in its process group; who that is, until it is gone."""
        found = [each for each in self._below() if each.group == pid]
        self.send(signal.SIGKILL, found)
        return found

    def recorded_after_a_look(self) -> list[Who]:
        """Those that live now, as the record tells it."""
        self.look()
        return self.recorded

    @property
    def recorded(self) -> list[Who]:
        """Those of the last look, as the record tells it."""
        return [(each.pid, each.ticks) for each in self.members[:MOST]]

    # Signals

    def send(self, number: int, wanted: list[Process]) -> list[Who]:
        """Signals these of them; whom it reached."""
        if not wanted:
            return []
        return gate.send(self._claim, [(each.pid, each.ticks) for each in wanted], number)

    def end(self) -> list[Who]:
        """Ends all of them for good; whom it reached."""
        below = family(table.read(), self.launcher)[1:]
        theirs = with_descendants(self.commands, below)
        spared = [each for each in below if each.pid in theirs or self._is_spared(each)]
        return gate.kill(self._claim, frozenset((each.pid, each.ticks) for each in spared))

    def kill_with_launcher(self) -> None:
        """Ends them and ourselves at one blow."""
        gate.kill_own_group(self._claim)

    @property
    def _claim(self) -> Claim:
        return Claim(launchers=frozenset([self.launcher]))

    def where_c_c_reaches(self) -> list[Process]:
        """Those in the launcher's own process group; all of them if none is."""
        living = self.look()
        return [each for each in living if each.group == self.launcher[0]] or living

    def elsewhere(self) -> list[Process]:
        """Those that C-c does not reach."""
        return [each for each in self.look() if each.group != self.launcher[0]]


def with_descendants(pids: Iterable[int], processes: Iterable[Process]) -> set[int]:
    """These pids, and those of what is below them or in a process group of theirs; parents come first."""
    found, groups = {*pids}, {*pids}
    for each in processes:
        if each.parent in found or each.group in groups:
            found.add(each.pid)
    return found


def _is_alive(process: Process) -> bool:
    now = table.one(process.pid)
    return now is not None and now.ticks == process.ticks and now.is_alive
