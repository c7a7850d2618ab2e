"""Opens the windows of services that are to start, and hands their launchers the spec. Needs the locks."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from msgspec import Struct
from msgspec.structs import replace

from ..config.digests import digests
from ..config.environment import interpolated, service_environment
from ..errors import TmuxRefused
from ..model import Lease, Observation, Service, StartedWith
from ..names import mark
from ..observation.snapshot import Snapshot
from ..tmux.commands import Opening, together
from ..tmux.lookup import free_index
from ..world import World
from .log_pump import PYTHON, SUPERVISOR, log_command
from .port_assignment import Assignment
from .specification import specification
from .watching import wish_of

MANY = 8
"""So many new windows are not opened one by one."""
LOOK_SECONDS = 0.25
"""So long one look at the windows is good for all who wait. Each asks for the first time later than that after its
window has opened (system/spec_fifo.py), so no look is from before."""


class Ready(Struct, frozen=True):
    """A service that is to be launched now, on another port than its own if `move`, for as long as one of `leases`."""

    service: Service
    seen: Observation
    move: bool
    leases: tuple[Lease, ...] = ()


class Launched(Struct, frozen=True):
    """What came of it; `taken` once the launcher has its spec, `refused` if tmux opened no window for it.

    `notes` tell what is odd about its port.
    """

    launch: str
    port: int | None
    taken: bool = False
    refused: TmuxRefused | None = None
    notes: tuple[str, ...] = ()


def launch_all(wanted: Sequence[Ready], world: World, snapshot: Snapshot, going_on: set[str]) -> list[Launched]:
    """Launches them all, each whatever becomes of the others, then waits until they have their spec (not health).

    Also where this is broken off, `going_on` has the names of those that have it then.
    """
    _refuse_distrusted_folder(world)
    world.state.prepare()
    world.state.sweep({ready.service.name for ready in wanted})
    world.note_folder()
    moving = frozenset(ready.service.name for ready in wanted if ready.move)
    assignment = Assignment([ready.service for ready in wanted], moving, world, snapshot)
    launches, windows = list[_Launch](), _Windows(world)
    try:
        with assignment.alone():
            launches.extend(_Launch(ready, assignment, windows, world, snapshot) for ready in wanted)
            return _open_all(launches, assignment, snapshot)
    finally:
        going_on.update(launch.service.name for launch in launches if launch.is_taken)
        for launch in launches:
            world.state.remove_fifo(launch.fifo)


def _open_all(launches: Sequence[_Launch], assignment: Assignment, snapshot: Snapshot) -> list[Launched]:
    with ThreadPoolExecutor(len(launches)) as hands:  # a launcher waits for its spec only so long
        for some in _opened(launches, snapshot):
            for launch in some:
                launch.taken = hands.submit(launch.send_spec) if launch.refused is None else None
        if any(launch.taken for launch in launches):
            with suppress(TmuxRefused):  # the session is being closed; each window carries its own port as well
                assignment.remember()
    return [launch.outcome() for launch in launches]


def _opened(launches: Sequence[_Launch], snapshot: Snapshot) -> Iterator[list[_Launch]]:
    """All of them, each with its window or refused; where many are new, most of these are opened some at once."""
    waiting = deque(launches if _are_few(launches) else sorted(launches, key=lambda each: each.seen.pane is None))
    while waiting and not (snapshot.has_our_session and not _are_few(waiting) and waiting[0].seen.pane is None):
        launch = waiting.popleft()
        try:
            snapshot = launch.open(snapshot)
        except TmuxRefused as reason:
            launch.refused = reason
        yield [launch]
    by_id, openings = {launch.id: launch for launch in waiting}, list[Opening]()
    for launch in waiting:
        openings.append(launch.opening(snapshot))
        snapshot = snapshot.with_window(openings[-1].session, openings[-1].index)
    for some in together(openings):
        _open_some(some, by_id)
        yield [by_id[opening.launch] for opening in some]


def _are_few(launches: Collection[_Launch]) -> bool:
    return len(launches) < MANY or sum(launch.seen.pane is None for launch in launches) < MANY


def _open_some(openings: Sequence[Opening], launches: Mapping[str, _Launch]) -> None:
    """Opens these at once; where tmux refuses one of them, each that is not open yet by itself, so that it is told."""
    tmux, there = launches[openings[0].launch].world.tmux, set[str]()
    try:
        tmux.open_windows(openings)
        there.update(opening.launch for opening in openings)
    except TmuxRefused:
        with suppress(TmuxRefused):
            there.update(pane.launch for pane in tmux.panes())
    for opening in openings:
        try:
            if opening.launch not in there:
                tmux.open_window(opening, adopt=False)
        except TmuxRefused as reason:
            launches[opening.launch].refused = reason


def _refuse_distrusted_folder(world: World) -> None:
    """Whoever may write to the folder of tmux's sockets may put a server of his own there."""
    if found := world.distrusted_sockets():
        folder, why = found
        raise TmuxRefused(f"tmux's socket folder {folder} can't be trusted: {why}", "{doctor} says what mends it")


class _Windows:
    """Which launches have a window in which something runs; hundreds may ask at once, each on its thread."""

    def __init__(self, world: World) -> None:
        self._world, self._lock = world, threading.Lock()
        self._looked, self._launches = float("-inf"), frozenset[str]()

    def have(self, launch: str) -> bool:
        """True if that launch's window is there; seen at most `LOOK_SECONDS` ago."""
        with self._lock:
            now = self._world.monotonic()
            if now - self._looked > LOOK_SECONDS:
                panes = self._world.tmux.panes()
                self._looked, self._launches = now, frozenset(pane.launch for pane in panes if not pane.dead)
            return launch in self._launches


class _Launch:
    """One service on its way into its window; its spec are complete before the window opens."""

    def __init__(
        self, ready: Ready, assignment: Assignment, windows: _Windows, world: World, snapshot: Snapshot
    ) -> None:
        ports = assignment.by_name
        self.service, self.seen, self.windows, self.world = ready.service, ready.seen, windows, world
        self.id, self.port = os.urandom(6).hex(), ports.get(ready.service.name)
        self.notes = tuple(assignment.notes.get(ready.service.name, []))
        self.taken: Future[bool] | None = None
        self.refused: TmuxRefused | None = None
        environment = service_environment(ready.service, world, snapshot.session.name, self.port, ports)
        service = interpolated(ready.service, world.workspace.path, environment)
        self.spec = {
            **specification(service, self.port, environment, world),
            **self._leased(ready.leases),
            "reservations": assignment.reserved(self.id),
        }
        if self.spec["orders"]:
            world.watcher_files("").wish(service.name, wish_of(service, self.id))
        _note_start(ready.service.name, self.id, world)
        self.fifo = world.state.make_fifo(ready.service.name, self.id)

    def _leased(self, leases: Sequence[Lease]) -> dict[str, object]:
        """What it runs for; the file is there before the launcher, which waits for nobody."""
        if not leases:
            return {}
        path = self.world.state.lease(self.service.name)
        self.world.leases.begin(path, self.id, leases)
        return {"lease": str(path), "leases": [[each.pid, each.ticks, each.until] for each in leases]}

    def open(self, snapshot: Snapshot) -> Snapshot:
        """Opens the window, or uses the one that is there again; the snapshot as it is then."""
        pane = self.seen.pane
        opening = self.opening(snapshot)
        if pane is not None:
            self.world.tmux.reopen(opening, pane)
            return snapshot
        if snapshot.session.exists:
            self.world.tmux.open_window(opening, adopt=snapshot.session.unmarked)
        else:
            self.world.tmux.open_session(opening)
        return snapshot.with_window(opening.session, opening.index)

    def opening(self, snapshot: Snapshot) -> Opening:
        """How its window is to be opened."""
        service, state = self.service, self.world.state
        record = state.record(service.name)
        return Opening(
            session=snapshot.session.name,
            workspace=self.world.workspace.path,
            home=mark(self.world.workspace.path),
            state=mark(str(state.folder)),
            name=service.window,
            index=free_index(service.index, snapshot.taken),
            history_limit=self.world.workspace.history_limit,
            service=service.name,
            kind=service.health.kind,
            launch=self.id,
            port=self.port,
            argv=(
                *PYTHON,
                str(SUPERVISOR / "launch.py"),
                str(self.fifo),
                str(record),
                self.id,
                self.world.workspace.path,
                service.name,
            ),
            log_command=log_command(service, state.log(service.name)),
            shows_state=self.world.workspace.window_state,
        )

    def send_spec(self) -> bool:
        """True once the launcher has its spec."""
        return self.world.state.send_spec(self.fifo, self.spec, self._is_there)

    @property
    def is_taken(self) -> bool:
        """True if it is known already that the launcher has its spec."""
        taken = self.taken
        return taken is not None and taken.done() and taken.exception() is None and taken.result()

    def outcome(self) -> Launched:
        """What came of it, waited for."""
        return Launched(self.id, self.port, self.taken is not None and self.taken.result(), self.refused, self.notes)

    def _is_there(self) -> bool:
        return self.windows.have(self.id)


def _note_start(name: str, launch: str, world: World) -> None:
    """Writes down how the service is configured now, so that a later task sees what has changed since.

    The last room on a disk is for how it ended.
    """
    if world.state.has_room() and (salt := world.state.make_salt()):
        world.state.note_start(name, StartedWith(launch, digests(world.workspace.service(name), salt)))


def on_port(service: Service, port: int | None) -> Service:
    """The same service, bound to the port that was chosen for it."""
    return replace(service, port=port, auto_port=False) if port else service
