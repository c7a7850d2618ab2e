"""A world that follows a script: what it shows turn by turn, and what it was sent. No time passes and nothing runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from signal import Signals
from types import SimpleNamespace
from typing import Any

from sentinel_tasks.errors import SentinelError
from sentinel_tasks.lineage.reach import Claim, permitted
from sentinel_tasks.model import Identity, Lease, RanWell, Run, Workspace, identity_of
from sentinel_tasks.tmux.commands import Opening
from sentinel_tasks.world import World
from tests.facts import NOW
from tests.turns import Fact, Turn

FOLDER = Path("/state/app")
SALT = b"a test's"
COMMIT = "c0ffee" * 6


class Door:
    """A part of the world: it does what is given here, and shows what is so in the turn that is now."""

    def __init__(self, world: ScriptedWorld, **acts: object) -> None:
        self._world = world
        vars(self).update(acts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.turn, name)


class ScriptedWorld(World):
    """Shows one turn after the other: whoever sleeps, or waits for a lock, is at the next one then.

    `sent` is what it was told to do, with the second. A loop that still waits after the last turn has failed.
    """

    def __init__(self, workspace: Workspace, turns: Mapping[float, Sequence[Fact]], **environ: str) -> None:
        super().__init__(workspace, environ)
        self.sent, self.specs, self.openings = list[str](), dict[str, Any](), dict[str, Opening]()
        self.at_once = list[int]()
        self.leases_kept = dict[str, tuple[Lease, ...]]()
        self.closed, self.ran_well = dict[str, Run](), dict[str, RanWell]()
        self.later = list(turns.items())
        self.sleep(0)
        vars(self).update(
            now=lambda: NOW + self.time,
            monotonic=lambda: self.time,
            in_background=lambda work, ends_with_us=True: SimpleNamespace(
                join=lambda timeout: self.turn.has(hangs=True) or work(), is_alive=lambda: self.turn.has(hangs=True)
            ),
            with_workspace=lambda there: ScriptedWorld(there, {self.time: self.turn.shown}),
            other_sockets=lambda: sorted({fact.socket for fact in self.turn.shown if fact.socket}),
            **dict.fromkeys(("distrusted_sockets", "is_gone"), lambda *_: None),
            is_link=lambda file: False,
            is_being_written=lambda log: self.turn.has(service=Path(log).stem, is_writing=True),
            reserving=lambda: nullcontext(Door(self)),
            choosing_ports=nullcontext,
            commit=COMMIT,
            note_folder=lambda: None,
            port_origin=workspace.path,
            **dict.fromkeys(("health", "logs", "ports"), Door(self)),
            processes=Door(self, send=self._signal, kill=self._kill),
            tmux=Door(
                self,
                wait_up_to=lambda seconds, tell: None,
                open_session=lambda opening: self._open("new session", opening),
                open_window=lambda opening, adopt: self._open("new window", opening),
                open_windows=self._open_some,
                reopen=lambda opening, pane: self._open("same window", opening),
                mark_ready=lambda pane: self._send(f"{pane.service} is ready"),
                mark_stopped=lambda pane: self._send(f"{pane.service} was stopped"),
                run_beside=lambda command: self._send("a watcher"),
                pipe=lambda pane, command: self._send(f"log pump of {pane.service}"),
                record_on=lambda pane: pane.run,
                remember_ports=lambda session, ports: self._send(f"remember {ports}"),
            ),
            leases=Door(
                self,
                begin=lambda path, launch, leases: None,
                kept=lambda path, launch: self.leases_kept.get(path.stem),
                change=self._change_leases,
            ),
            state_of=lambda folder: self.state,
            watcher_files=lambda folder: Door(
                self,
                folder=FOLDER / "watcher",
                state=FOLDER,
                orders=lambda name: FOLDER / f"{name}.orders",
                wish=lambda name, wish: None,
                is_wished=lambda name, launch: True,
                forget=lambda: None,
                is_alive=lambda: bool(self.turn.told().services),
                has_it_look_anew=lambda: bool(self.turn.told().services),
            ),
            state=Door(
                self,
                folder=FOLDER,
                events=FOLDER / "events",
                log=lambda name: FOLDER / f"{name}.log",
                log_path=lambda name: f"{FOLDER}/{name}.log",
                record=lambda name: FOLDER / f"{name}.run.json",
                record_path=lambda name: f"{FOLDER}/{name}.run.json",
                lease=lambda name: FOLDER / f"{name}.lease",
                event=lambda name, event, pid, reason: self._send(f"event {event} of {name}"),
                run=self._run,
                record_version=self._run,
                carried=lambda text: None,
                has_room=lambda: False,
                is_full=lambda: False,
                salt=lambda: SALT,
                close_run=self._close_run,
                make_fifo=lambda name, launch: Path(name),
                send_spec=lambda fifo, spec, is_there: self._take(fifo.name, spec),
                lock=self._lock,
                ran_well=self.ran_well.get,
                **dict.fromkeys(("prepare", "sweep", "remove_fifo", "note_ran_well"), lambda *_: None),
            ),
        )

    def sleep(self, seconds: float) -> None:
        assert self.later, f"it still waits after the last turn, having sent {self.sent}"
        self.time, facts = self.later.pop(0)
        self.turn = Turn(self.time, facts, self.workspace.socket_name, self.openings)

    def _signal(self, claim: Claim, asked: Iterable[Identity], number: Signals) -> list[Identity]:
        may = permitted(self.turn.read(), claim, self.turn.caller())
        reached = [who for who in asked if who.pid in may]
        for who in reached:
            self._send(f"{number.name[3:]} {who.pid}")
        return reached

    def _kill(self, claim: Claim, spared: frozenset[Identity] = frozenset()) -> list[Identity]:
        may = permitted(self.turn.read(), claim, self.turn.caller())
        wanted = sorted({*map(identity_of, may.values())} - spared, key=lambda who: (who in claim.launchers, who))
        return self._signal(claim, wanted, Signals.SIGKILL)

    @contextmanager
    def _lock(self, name: str, patience: float = float("inf")) -> Iterator[None]:
        while self.turn.has(service=name, is_locked=True):
            if not patience:
                raise SentinelError(f"another task has been acting on {name}")
            self.sleep(0)
        yield

    def _open(self, how: str, opening: Opening) -> None:
        self.turn.check_opening(opening.service)
        self._send(f"{how} for {opening.service}")
        self.openings[opening.service] = opening

    def _open_some(self, openings: Sequence[Opening]) -> None:
        self.at_once.append(len(openings))
        for opening in openings:
            self._open("new window", opening)

    def _run(self, service: str) -> Run | None:
        told, closed = self.turn.run(service), self.closed.get(service)
        return closed if closed and told and told.launch == closed.launch else told

    def _change_leases(self, path: Path, launch: str, leases: Sequence[Lease]) -> bool:
        """False where the launcher has found it over before."""
        if self.turn.has(service=path.stem, is_lease_over=True):
            return False
        self.leases_kept[path.stem] = tuple(leases)
        self._send(f"leases of {path.stem}: {', '.join(str(each.pid) for each in leases) or 'none'}")
        return True

    def _close_run(self, service: str, told: Run, end: Run, patience: float) -> bool:
        if self._run(service) != told:
            return False
        self.closed[service] = end
        self._send(f"record that {service} {'was stopped' if end.interrupted else 'lost its launcher'}")
        return True

    def _take(self, service: str, spec: Mapping[str, object]) -> bool:
        self.specs[service] = spec
        return not self.turn.has(service=service, is_deaf=True)

    def _send(self, what: str) -> None:
        self.sent.append(f"{self.time:g}: {what}")
