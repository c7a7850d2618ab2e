"""The service's processes: what lives below the launcher, whatever it did to its session, its title or its parent."""

from __future__ import annotations

from ..lineage import gate, proc, table
from ..lineage.reach import Claim, family
from ..lineage.signals import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

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
        self.reap: Callable[[], bool] = lambda: False

    def look(self) -> list[Process]:
        """Those that live now, parents first."""
        below = self._below(table.below(self.launcher[0]))
        spared = self._spared(below)
        self.members = [each for each in below if each.pid not in spared]
        return self.members

    def _below(self, found: table.Table) -> list[Process]:
        return family(found, self.launcher)[1:]

    def _spared(self, below: list[Process]) -> set[int]:
        return with_descendants(self.commands, below) | {each.pid for each in below if self._is_spared(each)}

    def lives(self) -> bool:
        """True while one of them does. One that was known and is still of it is enough: it can't have left the lineage.

        Where nobody is seen, but one has ended meanwhile, it may have left another behind.
        """
        if self.has_a_known_one():
            return True
        for _ in range(gate.CHASES):
            if self.look():
                return True
            if not self.reap():
                return False
        return True

    def has_a_known_one(self) -> bool:
        """True while one of the last look lives."""
        return any(map(self._is_still_a_member, self.members))

    def _is_still_a_member(self, process: Process) -> bool:
        now = proc.one(process.pid)
        return now is not None and now.ticks == process.ticks and now.is_alive and not self._is_spared(now)

    def _is_spared(self, process: Process) -> bool:
        return self.spares_detached and process.session != self.launcher[0]

    def end_command(self, pid: int) -> None:
        """Ends one of the launcher's own commands, with all that it has started, also while it was looked at."""
        self._kill(lambda below: with_descendants([pid], below))

    def kill_child(self, pid: int) -> None:
        """Kills one of them that has started nothing: nobody is looked for."""
        if (child := proc.one(pid)) is not None:
            self.send(signal.SIGKILL, [child])

    def end_group(self, pid: int) -> list[Process]:
        """Ends what one of them that has ended left behind in its process group; who that is, until it is gone."""
        found = [each for each in self._below(table.below(self.launcher[0])) if each.group == pid]
        if found:
            self._kill(lambda below: {each.pid for each in below if each.group == pid})
        return found

    def end_rest(self) -> None:
        """Ends all that is left below: what a command started may have left its group, and lost its parent."""
        self._kill(lambda below: {each.pid for each in below if not self._is_spared(each)})

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
        return self._kill(lambda below: {each.pid for each in below} - self._spared(below))

    def _kill(self, wanted: Callable[[list[Process]], Collection[int]]) -> list[Who]:
        def spares(found: table.Table) -> set[Who]:
            below = self._below(found)
            pids = wanted(below)
            return {(each.pid, each.ticks) for each in below if each.pid not in pids}

        return gate.kill(self._claim, spares, self.reap)

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
