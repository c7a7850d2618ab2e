"""What a scripted world shows during one turn, and how its parts answer for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sentinel_tasks.errors import TmuxRefused
from sentinel_tasks.health.question import Question
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.lineage.reach import Caller, family
from sentinel_tasks.model import Answer, Identity, Listener, Pane, Run, StartedWith, Tags
from sentinel_tasks.system.watcher_files import Told, Watched
from sentinel_tasks.tmux.commands import Opening
from tests import facts

MINE = "the launch that this task made"
OWN_PID, USER = 50, 1000
UNMARKED: Mapping[str, Any] = {"service": "", "home": "", "launch": "", "launcher": 0, "port": None, "ready": ""}
LOCALHOST = ("127.0.0.1", "::1", "0.0.0.0", "::")


class Fact(Struct, frozen=True):
    """What is so of one service, or of a stranger.

    Of its `pids` the first has started the others, and the last listens on `port` and has started those `below`.
    Whoever asks whether it is healthy gets `answer`; while something `hangs`, nobody is answered. `run` is on record,
    `output` in the log. Ports that are `reserved` are so by a stranger. The watcher tells which patterns of what is
    `watched` match nothing, or why it can't watch. All its processes have this `age`, and are in this terminal
    `session` if in any. A pane that is unmarked has lost what we told tmux of it; in
    one that is a person's no launcher of ours runs. It
    may be `marked_as` another service's.
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
    reserved: range = range(0)
    hangs: bool = False
    output: tuple[str, ...] = ()
    listener: Listener = facts.LISTENER
    is_stray: bool = False
    session: int = 0
    age: float = 60.0
    started: StartedWith | None = None
    is_suspended: bool = False
    is_locked: bool = False
    is_writing: bool = False
    is_deaf: bool = False
    is_lease_over: bool = False
    is_unlogged: bool = False
    is_unmarked: bool = False
    is_a_persons: bool = False
    marked_as: str = ""
    watched: tuple[str, ...] | None = None
    cannot_watch: str = ""
    refusal: TmuxRefused | KeyboardInterrupt | None = None
    ctrl_c: bool = False


def who(pid: int) -> Identity:
    """The process of that pid: none is used twice."""
    return Identity(pid, pid)


def _process(pid: int, parent: int, **keys: Any) -> Process:
    return Process(pid, pid, parent, **{"group": pid, "session": pid, "uid": USER, **keys})


def _processes(fact: Fact) -> list[Process]:
    """Its processes: the first is the launcher, if its pane has one, or a person's own."""
    if not fact.pids:
        return []
    first, is_launched = fact.pids[0], fact.pane is not None and fact.pane.alive and not fact.is_a_persons
    state = "T" if fact.is_suspended else "S"
    parents = {**dict.fromkeys(fact.below, fact.pids[-1]), **dict.fromkeys(fact.pids, first)}
    parents[first] = fact.pane.server if fact.pane else 1
    return [
        _process(
            pid, parent, state=state, foreground=first, group=first if pid in fact.foreground else pid,
            kind="launcher" if is_launched and pid == first else "", session=fact.session or pid,
        )
        for pid, parent in parents.items()
    ]  # fmt: skip


def _as_marked(fact: Fact, pane: Pane) -> Pane:
    return replace(pane, **({"service": fact.marked_as} if fact.marked_as else UNMARKED if fact.is_unmarked else {}))


class Turn:
    """What tmux, processes, ports, health, logs and records show now, as the parts of a world are asked for it.

    The facts of a launch of this task are so only once it was made.
    """

    def __init__(self, time: float, shown: Sequence[Fact], socket: str | None, openings: Mapping[str, Opening]) -> None:
        self.time, self.shown, self._socket, self._openings = time, shown, socket, openings
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
        facts = [fact for fact in self.facts(socket=self._socket) if fact.pane]
        return [_as_marked(fact, fact.pane) for fact in facts if fact.pane]

    def run(self, service: str) -> Run | None:
        return next((fact.run for fact in self.facts(service=service) if fact.run), None)

    def told(self) -> Told:
        """What the watcher told last."""
        facts = self.facts()
        watched = [(each, each.pane.launch, each.watched) for each in facts if each.pane and each.watched is not None]
        services = {fact.service: Watched(launch, unmatched) for fact, launch, unmatched in watched}
        return Told("".join(fact.cannot_watch for fact in facts), services)

    def started_with(self, service: str) -> StartedWith | None:
        return next((fact.started for fact in self.facts(service=service) if fact.started), None)

    # Processes

    def read(self) -> Mapping[int, Process]:
        """This task, the tmux server, and whatever the facts are of; a launcher's family is below it."""
        first = [_process(1, 0, uid=0), _process(OWN_PID, 1), _process(facts.OWN_PANE.server, 1, kind="multiplexer")]
        shown = [each for fact in self.facts() for each in _processes(fact)]
        return {each.pid: each for each in (*first, *shown)}

    def below(self, roots: Iterable[int]) -> Mapping[int, Process]:
        table = self.read()
        return {each.pid: each for pid in roots for each in family(table, who(pid))}

    def pids(self) -> Sequence[int]:
        return [*self.read()]

    def caller(self) -> Caller:
        return Caller(OWN_PID, USER)

    def _of(self, pid: int) -> list[Fact]:
        return [fact for fact in self.facts() if pid in (*fact.pids, *fact.below)]

    def is_alive(self, each: Identity) -> bool:
        return bool(self._of(each.pid))

    def is_this_boot(self, boot: str) -> bool:
        return boot in ("", "this boot")

    def age(self, process: Process) -> float:
        return next((fact.age for fact in self._of(process.pid)), 60.0)

    def began(self, process: Process) -> float:
        return self.time - self.age(process)

    def launched(self, pid: int) -> tuple[str, ...]:
        panes = (fact.pane for fact in self._of(pid) if fact.pane)
        return next(("", f"/state/app/{each.service}.run.json", each.launch, each.home, each.service) for each in panes)

    def command_line(self, pid: int) -> tuple[str, ...]:
        """A launcher stands for its log pump too."""
        return tuple(f"/state/app/{fact.service}.log" for fact in self._of(pid) if not fact.is_unlogged)

    def tags(self, pid: int) -> Tags:
        tagged = (fact.listener for fact in self._of(pid) if fact.is_stray)
        return next((Tags(each.workspace, each.service) for each in tagged), Tags())

    def name(self, process: Process) -> str:
        return "node"

    def rss_bytes(self, pids: object) -> None:
        return None

    def describe(self, process: Process | None, address: str, uid: int | None = None) -> Listener:
        found = self._of(process.pid) if process else [each for each in self.facts() if each.port and not each.pids]
        return replace(found[0].listener, address=address, identity=who(process.pid) if process else None)

    # Ports

    def open_addresses(self, port: int) -> tuple[str, ...]:
        return tuple(fact.address for fact in self.facts(port=port) if fact.address in LOCALHOST)

    def beside_localhost(self) -> dict[int, tuple[str, ...]]:
        return {fact.port: (fact.address,) for fact in self.facts() if fact.port and fact.address == "127.0.0.2"}

    def is_free(self, port: int) -> bool:
        return not self.has(port=port)

    def all_listeners(self) -> list[tuple[int, int | None, str]]:
        return [(each.port, each.pids[-1] if each.pids else None, each.address) for each in self.facts() if each.port]

    def listening(self, pids: Iterable[int]) -> list[tuple[int, int | None, str]]:
        own = set(pids)
        return [row for row in self.all_listeners() if row[1] in own]

    def of_others(self) -> frozenset[int]:
        return frozenset(port for fact in self.facts() for port in fact.reserved)

    def take(self, port: int) -> bool:
        return port not in self.of_others()

    def of_launch(self, launch: str, ports: object) -> list[str]:
        return []

    def holders(self, port: int, among: Iterable[int]) -> list[tuple[int | None, str]]:
        return [(pid, address) for number, pid, address in self.all_listeners() if number == port]

    def uid_of(self, port: int) -> None:
        return None

    # Health and logs

    def load(self) -> None: ...

    def ask(self, question: Question) -> Answer:
        return next(fact.answer for fact in self.facts(port=question.port) if fact.answer)

    def is_complete(self, log: Path, launch: str) -> bool:
        return not self.has(service=log.stem, is_writing=True)

    def end(self, log: str) -> object:
        return [line for fact in self.facts(service=Path(log).stem) for line in fact.output]

    def last_words(self, log: Path, count: int, launch: str = "") -> list[str]:
        return [line for fact in self.facts(service=log.stem) for line in fact.output]
