"""What a scripted world shows during one turn, and how its parts answer for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sentinel_tasks.errors import TmuxRefused
from sentinel_tasks.health.question import Question
from sentinel_tasks.model import Answer, Identity, Listener, Pane, Run
from sentinel_tasks.tmux.commands import Opening
from tests import facts
from tests.facts import NOW

MINE = "the launch that this task made"


class Fact(Struct, frozen=True):
    """What is so of one service, or of a stranger.

    Of its `pids` the first has started the others, and the last listens on `port` and has started those `below`.
    Whoever asks whether it is healthy gets `answer`; while something `hangs`, nobody is answered. `run` is on record,
    `output` in the log.
    """

    service: str = ""
    pane: Pane | None = None
    socket: str | None = None
    run: Run | None = None
    pids: tuple[int, ...] = ()
    below: tuple[int, ...] = ()
    foreground: tuple[int, ...] = ()
    port: int | None = None
    address: str = "127.0.0.1"
    answer: Answer | None = None
    hangs: bool = False
    output: tuple[str, ...] = ()
    listener: Listener = facts.LISTENER
    is_stray: bool = False
    is_suspended: bool = False
    is_locked: bool = False
    is_writing: bool = False
    is_deaf: bool = False
    refusal: TmuxRefused | None = None
    ctrl_c: bool = False


def who(pid: int) -> Identity:
    """The process of that pid: none is used twice."""
    return Identity(pid, NOW)


class Turn:
    """What tmux, processes, ports, health, logs and records show now, as the parts of a world are asked for it.

    The facts of a launch of this task are so only once it was made.
    """

    def __init__(self, shown: Sequence[Fact], socket: str | None, openings: Mapping[str, Opening]) -> None:
        self.shown, self._socket, self._openings = shown, socket, openings
        if any(fact.ctrl_c for fact in shown):
            raise KeyboardInterrupt

    def facts(self, **wanted: object) -> list[Fact]:
        known = [fact for each in self.shown if (fact := self._as_launched(each)) is not None]
        return [fact for fact in known if all(getattr(fact, key) == value for key, value in wanted.items())]

    def _as_launched(self, fact: Fact) -> Fact | None:
        if fact.pane is None or fact.pane.launch != MINE:
            return fact
        if (opening := self._openings.get(fact.service)) is None:
            return None
        pane = replace(fact.pane, launch=opening.launch, port=opening.port)
        return replace(fact, pane=pane, run=fact.run and replace(fact.run, launch=opening.launch))

    def has(self, **wanted: object) -> bool:
        return bool(self.facts(**wanted))

    def check_opening(self, service: str) -> None:
        for fact in self.facts(service=service):
            if fact.refusal is not None:
                raise fact.refusal

    def panes(self) -> list[Pane]:
        return [fact.pane for fact in self.facts(socket=self._socket) if fact.pane]

    def run(self, service: str) -> Run | None:
        return next((fact.run for fact in self.facts(service=service) if fact.run), None)

    # Processes

    def _of(self, pid: int) -> list[Fact]:
        return [fact for fact in self.facts() if pid in (*fact.pids, *fact.below)]

    def identity(self, pid: int) -> Identity | None:
        return who(pid) if self._of(pid) else None

    def is_alive(self, each: Identity) -> bool:
        return bool(self._of(each.pid))

    def age(self, each: Identity) -> float:
        return 60.0

    def children(self) -> dict[int, list[int]]:
        started: dict[int, list[int]] = {}
        for fact in self.facts():
            for pid, others in ((fact.pids[0], fact.pids[1:]), (fact.pids[-1], fact.below)) if fact.pids else ():
                started.setdefault(pid, []).extend(others)
        return started

    def tree(self, pid: int) -> list[Identity]:
        family, started = [pid], self.children()
        for each in family:
            family += started.get(each, [])
        return [who(each) for each in family if self._of(each)]

    def foreground(self, pid: int) -> list[Identity]:
        return [who(each) for fact in self._of(pid) for each in fact.foreground]

    def strays(self, path: str, panes: object) -> dict[str, list[Identity]]:
        return {fact.service: [who(fact.pids[0])] for fact in self.facts(is_stray=True)}

    def name(self, pid: int) -> str:
        return "node"

    def rss_bytes(self, family: object) -> None:
        return None

    def resume(self, each: Identity) -> None: ...

    def is_suspended(self, pid: int) -> bool:
        return any(fact.is_suspended for fact in self._of(pid))

    # Ports

    def open_addresses(self, port: int) -> tuple[str, ...]:
        return tuple(fact.address for fact in self.facts(port=port))

    def is_free(self, port: int) -> bool:
        return not self.has(port=port)

    def all_listeners(self) -> list[tuple[int, int | None, str]]:
        return [(each.port, each.pids[-1] if each.pids else None, each.address) for each in self.facts() if each.port]

    def listening(self, pids: Iterable[int]) -> list[tuple[int, int | None, str]]:
        own = set(pids)
        return [row for row in self.all_listeners() if row[1] in own]

    def dealt_out(self) -> frozenset[int]:
        return frozenset()

    def uid_of(self, port: int) -> None:
        return None

    def describe(self, pid: int | None, address: str, uid: int | None = None) -> Listener:
        fact = next(fact for fact in self.facts() if pid in fact.pids or (pid is None and not fact.pids and fact.port))
        above = tuple(each for each in fact.pids if each != pid)
        return replace(fact.listener, address=address, identity=who(pid) if pid else None, ancestors=above)

    # Health and logs

    def load(self) -> None: ...

    def ask(self, question: Question) -> Answer:
        return next(fact.answer for fact in self.facts(port=question.port) if fact.answer)

    def is_complete(self, log: Path, launch: str) -> bool:
        return not self.has(service=log.stem, is_writing=True)

    def last_words(self, log: Path, count: int, launch: str = "") -> list[str]:
        return [line for fact in self.facts(service=log.stem) for line in fact.output]
