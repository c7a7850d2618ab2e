"""What the loops act through: tmux, processes, ports, health, logs, files, a clock, and a way to show that they wait.

Nothing in `observation` and `engine` reaches the machine in another way, so a test can replace all of it by a script.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .doors import Background, Folders, HealthChecks, Leases, Logs, LogSearch, PortReservations, Ports, Processes
    from .logs.wanted import Wanted
    from .model import Observation, Progress, Service, Workspace
    from .system.state_folder import State
    from .system.watcher_files import WatcherFiles
    from .tmux.client import Tmux


CHOOSING_SECONDS = 300.0
"""How long a start waits for its turn to choose ports: dozens of worktrees may be started at once on a busy machine."""
COLLECTING_SECONDS = 300.0
"""How long a `gc` waits for another one, which may have to end many services."""


class Work:
    """Work on a thread of its own.

    Its end is told by an event: Python 3.11 takes a `Thread.join` that Ctrl-C breaks off for the thread's end, and then
    exits without waiting for the thread.
    """

    def __init__(self, work: Callable[[], object], ends_with_us: bool) -> None:
        import threading

        self._work, self._over = work, threading.Event()
        threading.Thread(target=self._run, daemon=ends_with_us).start()

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._over.set()

    def join(self, timeout: float) -> None:
        """Waits until it has ended, or for so many seconds."""
        self._over.wait(timeout)

    def is_alive(self) -> bool:
        """True while it goes on."""
        return not self._over.is_set()


class World:
    """A task's surroundings. Each part is opened when it is first used, and can be replaced; times are seconds."""

    def __init__(
        self,
        workspace: Workspace,
        environ: Mapping[str, str],
        echo: Callable[[Sequence[str]], None] = lambda words: None,
        progress: Callable[[Sequence[Progress]], None] = lambda waiting: None,
    ) -> None:
        self.workspace = workspace
        self.environ = dict(environ)
        self.echo = echo
        self.progress = progress
        self._look_began: float | None = None

    def now(self) -> float:
        """The time of day, in seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """A clock that nobody sets."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Lets time pass before the next look."""
        time.sleep(seconds)

    def in_background(self, work: Callable[[], object], ends_with_us: bool = True) -> Background:
        """Begins work for which the loop does not wait; this process ends without it if it `ends_with_us`."""
        return Work(work, ends_with_us)

    def begin_look(self) -> None:
        """Asks tmux now for what the next look tells: nobody has to wait for it while there is something else to do."""
        self._look_began = self.monotonic()
        self.tmux.begin_look()

    def look_began(self) -> float:
        """Since when tmux has been asked for what a look tells that is made now."""
        began, self._look_began = self._look_began, None
        return self.monotonic() if began is None else began

    def with_workspace(self, workspace: Workspace) -> World:
        """The same surroundings for another workspace, or for this one on another tmux server."""
        return World(workspace, self.environ, self.echo)

    # The doors

    @cached_property
    def tmux(self) -> Tmux:
        """The tmux server of this workspace; nothing is asked of it yet."""
        from .tmux.client import Tmux

        return Tmux(self.workspace.socket_name, self.echo)

    @cached_property
    def processes(self) -> Processes:
        """The processes of the machine."""
        from .system import processes

        return processes

    @cached_property
    def ports(self) -> Ports:
        """The TCP ports of the machine."""
        from .system import ports

        return ports

    @cached_property
    def health(self) -> HealthChecks:
        """Health checks of every kind."""
        from .health import probe

        return probe

    @cached_property
    def logs(self) -> Logs:
        """The log files of all services."""
        from .logs import reader

        return reader

    @cached_property
    def state(self) -> State:
        """The files of this workspace; nothing is made yet."""
        from .system.state_folder import State

        return State(self.workspace.state_folder)

    def state_of(self, folder: str) -> State:
        """The files of whoever started a service: another terminal may have another state folder; ours if it is ""."""
        from .system.state_folder import State

        if not folder:
            return self.state
        return self._states.get(folder) or self._states.setdefault(folder, State(folder))

    @cached_property
    def _states(self) -> dict[str, State]:
        return {}

    def watcher_files(self, folder: str) -> WatcherFiles:
        """The files of the watcher of whoever started a service; ours if the folder is ""."""
        from .system.watcher_files import WatcherFiles

        return WatcherFiles(self.state_of(folder).folder)

    def log_of(self, service: Service, seen: Observation) -> Path:
        """The service's log, wherever whoever started it has it."""
        return self.state_of(seen.state_folder).log(service.name)

    def log_path(self, service: Service, seen: Observation) -> str:
        """The same in words."""
        return self.state_of(seen.state_folder).log_path(service.name)

    def search(self, log: Path, wanted: Wanted) -> LogSearch:
        """A search of that log; it has still to begin."""
        from .logs.search import Search

        return Search(log, wanted, self.is_being_written(log))

    @cached_property
    def folders(self) -> Folders:
        """The folders of workspaces."""
        from .system import workspace_folders

        return workspace_folders

    @cached_property
    def leases(self) -> Leases:
        """The leases of services."""
        from .system import leases

        return leases

    @property
    def state_root(self) -> Path:
        """Where the state folders of all workspaces are."""
        return self.state.folder.parent

    # Questions about the surroundings

    @cached_property
    def commit(self) -> str:
        """The commit that the workspace's folder has; empty if it is in no repository."""
        from .system.repository import commit_of

        return commit_of(self.workspace.path)

    def is_being_written(self, log: Path | str) -> bool:
        """True while whoever writes the log has not let go of it."""
        from .names import times_of
        from .system.locks import is_held

        return is_held(times_of(log))

    def is_link(self, file: str) -> bool:
        """True if something else is at its place than a file of its own."""
        return os.path.islink(file)

    def reserving(self) -> AbstractContextManager[PortReservations]:
        """What keeps ports for this workspace as long as it is entered."""
        from .system.port_reservations import Reservations

        return Reservations(self.workspace.path)

    def choosing_ports(self) -> AbstractContextManager[None]:
        """Held while ports are chosen: nobody who shares our state folder chooses one meanwhile."""
        from .system.state_folder import State

        return State(self.state_root / "ports").lock("ports", CHOOSING_SECONDS)

    def collecting(self) -> AbstractContextManager[None]:
        """Held while what is left of workspaces that are no more is ended: one task does that at a time."""
        from .system.state_folder import State

        return State(self.state_root / "worktrees").lock("gc", COLLECTING_SECONDS)

    def note_folder(self) -> None:
        """Writes down which folder the workspace is, so that it is known again when it was moved or removed."""
        from .lineage.proc import boot
        from .system.workspace_folders import note

        if self.state.has_room():  # records come first
            note(self.state.folder, self.workspace.path, boot())

    def missing_beside(self) -> list[str]:
        """Workspaces of the same repository whose folder is not there, and a launcher of which may still live."""
        from .system.worktrees import missing_beside

        return missing_beside(os.path.dirname(self.workspace.state_folder), self.workspace.path)

    @cached_property
    def port_origin(self) -> str:
        """The path by which automatic ports are chosen: where a workspace that was moved had been before."""
        from .system.workspace_folders import read

        known = read(self.state.folder)
        return known.origin if known is not None and known.origin else self.workspace.path

    def runnable(self, command: str, folder: str, path: str | None) -> str:
        """The shell command, told to replace its shell where it is one plain program that can be found."""
        from .system.shell import without_waiting_shell

        return without_waiting_shell(command, folder, path)

    def distrusted_sockets(self) -> tuple[str, str] | None:
        """The folder of tmux's sockets and why nobody should trust it; None if it can be trusted."""
        from .tmux.sockets import distrust, socket_folder

        folder = socket_folder(self.environ)
        why = distrust(folder)
        return (folder, why) if why else None

    def way_to_server(self, server: int) -> str:
        """How a person reaches a tmux server that this task does not ask: by its socket, if it still has one."""
        import shlex

        from .tmux.sockets import socket_of

        path = socket_of(server)
        if path is None:
            return f"kill -USR1 {server} makes that server open its socket again"
        return f"tmux -S {shlex.quote(path)} attach-session shows it"

    def other_sockets(self) -> list[str]:
        """The names of this user's other tmux servers that answer."""
        from .tmux.sockets import DEFAULT, servers, socket_folder

        own = self.workspace.socket_name or DEFAULT
        return [name for name in servers(socket_folder(self.environ)) if name != own]

    def inherited(self) -> dict[str, object]:
        """What this task would hand down to a child beside its environment: limits, umask, priorities, processors."""
        from .system.inherited import inherited

        return inherited()

    @cached_property
    def tmux_program(self) -> str | None:
        """Where tmux is, for a launcher that may have another `PATH`."""
        import shutil

        return shutil.which("tmux")

    def most_open_files(self, wanted: int) -> int | None:
        """The most files that this task may let a child have open, if that is fewer than are wanted."""
        from .system.inherited import most_open_files

        return most_open_files(wanted)

    def is_same_folder(self, one: str) -> bool:
        """True if the path leads to the workspace, through whatever links."""
        return os.path.realpath(one) == self.workspace.path

    def is_gone(self, folder: str) -> bool:
        """True if there is surely no such folder."""
        from .system.state_folder import is_gone

        return is_gone(folder)
