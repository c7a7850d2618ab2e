"""What forks on while it is looked for is ended, at the price of a few looks; on a machine where each takes time."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator

import pytest

from sentinel_tasks.lineage import gate, proc, table
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.lineage.reach import Claim, Who

LAUNCHER, OTHERS = 10, range(100, 250)
LOOK, LIST, SIGNAL = 25e-6, 1e-6, 40e-6
"""Seconds that it takes to look at a process, to list one, and to signal one."""
SECONDS = 20.0
"""After these a chain ends by itself, so that a look without end ends."""


class Machine:
    """A launcher, strangers, and chains of forks below it: time goes on with each look, and each process forks once."""

    def __init__(self, chains: int, step: float, hops: bool) -> None:
        self.now, self.step, self.hops, self.luck = 0.0, step, hops, random.Random(7)
        self.pids = iter(range(1000, 10_000_000))
        strangers = [Process(pid, pid, 1, pid, pid, os.getuid()) for pid in OTHERS]
        launcher = Process(LAUNCHER, LAUNCHER, 1, LAUNCHER, LAUNCHER, os.getuid(), kind="launcher")
        self.there = {each.pid: each for each in (launcher, *strangers)}
        self.due: dict[int, float] = {}
        self.most = 0
        for _ in range(chains):
            self.fork()

    def fork(self) -> None:
        pid = next(self.pids)
        own = pid if self.hops else LAUNCHER
        self.there[pid] = Process(pid, pid, LAUNCHER, own, own, os.getuid())
        self.due[pid] = self.now + self.step * self.luck.uniform(0.5, 1.5)

    def spend(self, seconds: float) -> None:
        """Time goes by, in which each of the chains forks as often as it can."""
        now, end = self.now, self.now + seconds
        while self.due and (next_one := min(self.due, key=self.due.__getitem__)) and self.due[next_one] <= end:
            self.now = self.due.pop(next_one)
            self.there[next_one] = self.there[next_one].replaced(state="Z")
            if self.now < SECONDS:
                self.fork()
        self.now = max(now, end)
        self.most = max(self.most, len(self.there))

    def list(self, pids: Callable[[], list[int]]) -> list[int]:
        self.spend(LIST * len(pids()))
        return pids()

    def one(self, pid: int) -> Process | None:
        self.spend(LOOK)
        return self.there.get(pid)

    def children(self, pid: int) -> Iterator[int]:
        return iter(self.list(lambda: [each.pid for each in self.there.values() if each.parent == pid]))

    def deliver(self, process: Process, number: int) -> bool:
        self.spend(SIGNAL)
        if not self.there[process.pid].is_alive:
            return False
        self.due.pop(process.pid, None)
        self.there[process.pid] = process.replaced(state="Z")
        return True

    def reap(self) -> None:
        self.there = {pid: each for pid, each in self.there.items() if each.is_alive}


@pytest.fixture
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(*request.param)
    monkeypatch.setattr(proc, "ON_LINUX", True)
    monkeypatch.setattr(proc, "one", made.one)
    monkeypatch.setattr(proc, "pids", lambda: made.list(lambda: [*made.there]))
    monkeypatch.setattr(proc, "lists_children", lambda pid: True)
    monkeypatch.setattr(proc, "children", made.children)
    monkeypatch.setattr(proc, "tags", lambda pid, *names: (None,) * len(names))
    monkeypatch.setattr(proc, "command_line", lambda pid: ("fork",))
    monkeypatch.setattr(gate, "deliver", made.deliver)
    return made


CHAINS = [(1, 1e-3, False), (1, 2e-4, True), (1, 1e-4, False), (3, 3e-4, True)]


@pytest.mark.parametrize("machine", CHAINS, indirect=True)
def test_chain_of_forks_is_caught_before_it_has_used_up_the_pids(machine: Machine) -> None:
    """A look at all processes went on as long as one more had begun: 331 lists of /proc, and no pid was left."""
    machine.spend(0.05)
    gate.kill(Claim(launchers=frozenset([(LAUNCHER, LAUNCHER)])), reap=machine.reap)
    assert machine.due == {}
    assert machine.now < SECONDS / 20
    assert machine.most < len(OTHERS) + 1000


@pytest.mark.parametrize("machine", [(1, 1e-4, True)], indirect=True)
def test_chain_of_sessions_is_caught_by_a_task_too(machine: Machine) -> None:
    """A stop took up to 12 s: by the time that a whole quick look was judged, each that it had found was gone."""
    machine.spend(0.05)
    machine.reap()  # as its launcher does
    gate.kill(Claim(launchers=frozenset([(LAUNCHER, LAUNCHER)])))
    assert machine.due == {}
    assert machine.now < 1.0


@pytest.mark.parametrize("machine", [(1, 2e-4, True)], indirect=True)
def test_look_at_a_chain_that_nobody_reaps_ends(machine: Machine) -> None:
    """A task is not the parent of what it looks at."""
    table.read()
    table.below(LAUNCHER)
    assert machine.now < 0.1


@pytest.mark.parametrize("machine", [(1, 5e-4, True)], indirect=True)
def test_who_is_spared_is_told_anew_by_each_look(machine: Machine) -> None:
    """A hook that forked while its service was killed lost what it had begun in between."""
    spared: list[Who] = []

    def spares(found: table.Table) -> list[Who]:
        spared[:] = [(each.pid, each.ticks) for each in found.values() if each.pid >= 1000]
        return spared

    assert gate.kill(Claim(launchers=frozenset([(LAUNCHER, LAUNCHER)])), spares, machine.reap) == [(LAUNCHER, LAUNCHER)]
    assert machine.due


@pytest.mark.parametrize("machine", [(1, 5e-4, True)], indirect=True)
def test_pid_of_a_launcher_that_another_has_by_now_is_looked_at_again(machine: Machine) -> None:
    known: table.Known = {LAUNCHER: machine.there[LAUNCHER]}
    machine.there[LAUNCHER] = machine.there[LAUNCHER].replaced(ticks=LAUNCHER + 1)
    found = [line[LAUNCHER].ticks for line in table.begun_below([LAUNCHER], known)]
    assert {*found} == {LAUNCHER + 1}


@pytest.mark.parametrize("machine", [(1, 2e-5, True)], indirect=True)
def test_launcher_lives_on_above_what_can_not_be_caught(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop said "stopped", and a chain of forks went on: with its launcher gone nothing was left to tell of it."""
    monkeypatch.setattr(gate, "ROUNDS", 2)
    monkeypatch.setattr(gate, "CHASES", 2)
    assert (LAUNCHER, LAUNCHER) not in gate.kill(Claim(launchers=frozenset([(LAUNCHER, LAUNCHER)])), reap=machine.reap)
    assert machine.due
