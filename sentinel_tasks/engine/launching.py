"""Opens the windows of services that are to start, and hands their launchers the orders. Needs the locks."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from .. import files, ports
from ..errors import TmuxRefused
from ..model import Observation, Pane, Service
from ..names import digest, mark
from ..places import free_index
from ..sequences import Opening
from ..shell import without_waiting_shell
from ..socket_folder import distrust, socket_folder
from ..world import World
from .environment import service_environment
from .observe import Scene, remembered_ports
from .servers import panes_elsewhere

HERE = Path(__file__).parent.parent
PYTHON = (sys.executable, "-I", "-S", "-X", "utf8")
AUTO_FIRST, AUTO_COUNT = 20_000, 12_000
"""Automatic ports lie below the range from which systems take ports for outgoing connections."""


class Ready(Struct, frozen=True):
    """A service that is to be launched now, on another port than its own if `move`."""

    service: Service
    seen: Observation
    move: bool


class Launched(Struct, frozen=True):
    """What came of it; `taken` once the launcher has its orders."""

    launch: str
    port: int | None
    taken: bool


def launch_all(wanted: Sequence[Ready], world: World, now: Scene) -> list[Launched]:
    """Launches them all, then waits for each to have taken its orders (not for its health)."""
    if not wanted:
        return []
    _refuse_distrusted_folder(world)
    world.state.prepare()
    with _choosing(wanted, world):
        known = _ports(wanted, world, now)
        launches = [_Launch(ready, known.get(ready.service.name), known, world, now) for ready in wanted]
        with ThreadPoolExecutor(len(launches)) as hands:  # a launcher waits for its orders only so long
            taken = []
            for launch in launches:
                now = launch.open(now)
                taken.append(hands.submit(launch.hand_over))
            _remember(known, world, now)
    return [Launched(launch.id, launch.port, future.result()) for launch, future in zip(launches, taken, strict=True)]


def _refuse_distrusted_folder(world: World) -> None:
    """Whoever may write to the folder of tmux's sockets may put a server of his own there."""
    folder = socket_folder(world.environ)
    if why := distrust(folder):
        raise TmuxRefused(f"tmux's socket folder {folder} can't be trusted: {why}", "inv doctor says what mends it")


class _Launch:
    """One service on its way into its window; its orders are complete before the window opens."""

    def __init__(self, ready: Ready, port: int | None, known: dict[str, int], world: World, now: Scene) -> None:
        self.service, self.seen, self.port, self.world = ready.service, ready.seen, port, world
        self.id = os.urandom(6).hex()
        environment = service_environment(ready.service, world, now.session.name, port, known)
        self.orders: dict[str, object] = {
            "command": _to_run(ready.service, environment),
            "cwd": ready.service.cwd,
            "env": environment,
            "restart": ready.service.restart,
            "stop_timeout": ready.service.stop_timeout,
            "service": ready.service.name,
            "events": str(world.state.events),
        }
        world.state.sweep(ready.service.name)
        self.fifo = world.state.make_fifo(ready.service.name, self.id)

    def open(self, now: Scene) -> Scene:
        """Opens the window, or uses the one that is there again; the scene as it is then."""
        pane = self.seen.pane
        opening = self._opening(now)
        try:
            if pane is not None:
                self.world.tmux.reopen(opening, pane)
            elif now.session.exists:
                self.world.tmux.open_window(opening, adopt=now.session.unmarked)
            else:
                self.world.tmux.open_session(opening)
        except BaseException:
            self.world.state.remove_fifo(self.fifo)
            raise
        return now if pane else now.with_window(opening.session, opening.index)

    def _opening(self, now: Scene) -> Opening:
        service, state = self.service, self.world.state
        log_words = [
            *PYTHON,
            str(HERE / "capture.py"),
            str(state.log(service.name)),
            service.log_max_bytes,
            service.log_backups,
        ]
        record = state.record(service.name)
        return Opening(
            session=now.session.name,
            workspace=self.world.workspace.path,
            home=mark(self.world.workspace.path),
            state=mark(str(state.folder)),
            name=service.window,
            index=free_index(service.index, now.taken),
            history_limit=self.world.workspace.history_limit,
            service=service.name,
            kind=service.health.kind,
            launch=self.id,
            port=self.port,
            argv=(*PYTHON, str(HERE / "launch.py"), str(self.fifo), str(record), self.id),
            log_command=f"exec {shlex.join(str(word) for word in log_words)}",
        )

    def hand_over(self) -> bool:
        """True once the launcher has its orders."""
        try:
            return files.hand_over(self.fifo, self.orders, self._is_there)
        finally:
            self.world.state.remove_fifo(self.fifo)

    def _is_there(self) -> bool:
        return any(pane.launch == self.id and not pane.dead for pane in self.world.tmux.panes())


def _to_run(service: Service, environment: Mapping[str, str]) -> str | list[str]:
    if isinstance(service.command, str):
        return without_waiting_shell(service.command, service.cwd, environment.get("PATH"))
    return list(service.command)


# Ports


def _choosing(wanted: Sequence[Ready], world: World) -> AbstractContextManager[None]:
    """While automatic ports are chosen, and until their windows tell of them, nobody else chooses."""
    folder = Path(world.workspace.state_folder).parent / "ports"
    return files.State(folder).lock("ports") if _is_choosing(wanted) else nullcontext()


def _is_choosing(wanted: Sequence[Ready]) -> bool:
    return any(ready.move or ready.service.auto_port for ready in wanted)


def _ports(wanted: Sequence[Ready], world: World, now: Scene) -> dict[str, int]:
    """The port of every service of the workspace that has one; automatic ones are chosen if they are not remembered."""
    known = {service.name: service.port for service in world.workspace.services if service.port}
    known |= _ports_in_use(world, now)
    known |= {ready.service.name: ready.service.port for ready in wanted if ready.service.port}
    moved = {ready.service.name for ready in wanted if ready.move}
    reserved = {port for pane in _everywhere(wanted, world, now) for port in _reserved(pane, world)}
    for service in world.workspace.services:
        new = service.auto_port and service.name not in known
        lost = (
            service.name in known
            and service.auto_port
            and _is_about_to_start(service, wanted)
            and not ports.is_free(known[service.name])
        )
        if new or lost or service.name in moved:
            known[service.name] = _choose(world.workspace.path, service.name, reserved | set(known.values()))
    return known


def _is_about_to_start(service: Service, wanted: Sequence[Ready]) -> bool:
    return any(ready.service.name == service.name for ready in wanted)


def _ports_in_use(world: World, now: Scene) -> dict[str, int]:
    """Remembered automatic ports, and whatever living windows really use."""
    living = {
        pane.service: pane.port
        for pane in now.panes
        if pane.alive and pane.port and pane.home == mark(world.workspace.path)
    }
    names = {service.name for service in world.workspace.services if service.auto_port}
    remembered = {name: port for name, port in remembered_ports(now.session, now.panes).items() if name in names}
    return remembered | living


def _everywhere(wanted: Sequence[Ready], world: World, now: Scene) -> Iterator[Pane]:
    """Whatever may have been promised a port: on other tmux servers too, if one is to be chosen now."""
    yield from now.panes
    if _is_choosing(wanted):
        yield from panes_elsewhere(world)


def _reserved(pane: Pane, world: World) -> set[int]:
    if pane.home == mark(world.workspace.path):
        return set()
    remembered = {int(number) for pair in pane.ports.split() if (number := pair.partition("=")[2]).isdecimal()}
    return remembered | ({pane.port} if pane.port else set())


def _choose(path: str, service: str, avoided: set[int]) -> int:
    """The first port that is free, from a place that is always the same for this workspace and service."""
    start = int(digest(f"{path}\0{service}"), 16)
    candidates = (AUTO_FIRST + (start + step) % AUTO_COUNT for step in range(AUTO_COUNT))
    return next(port for port in candidates if port not in avoided and ports.is_free(port))


def _remember(known: dict[str, int], world: World, now: Scene) -> None:
    automatic = {service.name: known[service.name] for service in world.workspace.services if service.auto_port}
    if automatic and automatic != remembered_ports(now.session, now.panes):
        text = " ".join(f"{name}={port}" for name, port in automatic.items())
        world.tmux.remember_ports(now.session.name, text)


def on_port(service: Service, port: int | None) -> Service:
    """The same service, bound to the port that was chosen for it."""
    return replace(service, port=port, auto_port=False) if port else service
