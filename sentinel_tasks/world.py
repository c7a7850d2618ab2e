"""What the loops act through: tmux, processes, ports, health, logs, files, a clock, and a way to show that they wait.

Nothing in `observation` and `engine` reaches the machine in another way, so a test can replace all of it by a script.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from .model import Answer, Identity, Lease, Line, Listener, Observation, Progress, Service, Tags, Workspace

if TYPE_CHECKING:
    import signal
    from pathlib import Path

    from .folder import Folder, Grip, Mount
    from .health.question import Question
    from .lineage.process import Process
    from .lineage.reach import Caller, Claim
    from .logs.wanted import Place, Stats, Wanted
    from .system.state_folder import State
    from .system.watcher_files import WatcherFiles
    from .tmux.client import Tmux


CHOOSING_SECONDS = 300.0
"""How long a start waits for its turn to choose ports: dozens of worktrees may be started at once on a busy machine."""
COLLECTING_SECONDS = 300.0
"""How long a `gc` waits for another one, which may have to end many services."""


class Processes(Protocol):
    """Who runs, what can be seen of them, and the gate for signals (contract: Stop and logs, Signals)."""

    def read(self) -> Mapping[int, Process]: ...
    def caller(self) -> Caller: ...
    def is_alive(self, who: Identity) -> bool: ...
    def is_this_boot(self, boot: str) -> bool: ...
    def age(self, process: Process) -> float: ...
    def launched(self, pid: int) -> tuple[str, ...]: ...
    def tags(self, pid: int) -> Tags: ...
    def command_line(self, pid: int) -> Sequence[str]: ...
    def describe(self, process: Process | None, address: str, uid: int | None = None) -> Listener: ...
    def name(self, process: Process) -> str: ...
    def rss_bytes(self, pids: Iterable[int]) -> int | None: ...
    def send(self, claim: Claim, asked: Iterable[Identity], number: signal.Signals) -> list[Identity]: ...
    def kill(self, claim: Claim, spared: frozenset[Identity] = frozenset()) -> list[Identity]: ...


class Ports(Protocol):
    """Who listens where, and what is free."""

    def open_addresses(self, port: int) -> tuple[str, ...]: ...
    def beside_localhost(self) -> dict[int, tuple[str, ...]]: ...
    def listening(self, pids: Iterable[int]) -> list[tuple[int, int, str]]: ...
    def all_listeners(self) -> list[tuple[int, int | None, str]]: ...
    def holders(self, port: int, among: Iterable[int]) -> list[tuple[int | None, str]]: ...
    def uid_of(self, port: int) -> int | None: ...
    def is_free(self, port: int) -> bool: ...


class PortReservations(Protocol):
    """Ports that one workspace is choosing now, or that its launchers hold."""

    def of_others(self) -> frozenset[int]: ...
    def take(self, port: int) -> bool: ...
    def of_launch(self, launch: str, ports: Iterable[int]) -> list[str]: ...


class HealthChecks(Protocol):
    """Puts the questions of health checks."""

    def ask(self, question: Question) -> Answer: ...
    def document(self, question: Question) -> object: ...
    def load(self) -> None: ...


class Folders(Protocol):
    """The folders of workspaces: which one each was, and what has become of it."""

    def known_folders(self, root: Path) -> dict[str, Folder | None]: ...
    def is_there(self, path: str) -> tuple[bool | None, str]: ...
    def mount_state(self, was: Mount, is_another_boot: bool) -> str: ...
    def held_by(self, pid: int) -> Grip | None: ...
    def place_by_git(self, folder: Folder) -> str: ...
    def place_by_identity(self, folder: Folder, others: Iterable[str]) -> str: ...
    def changed_above(self, path: str) -> float | None: ...
    def note_gone(self, state_folder: Path, folder: Folder, since: float) -> None: ...
    def remove(self, state_folder: Path, folder: Folder) -> bool: ...
    def remove_leftovers(self, root: Path) -> None: ...


class Leases(Protocol):
    """Until when services are leased, by the file that tells it and the launch."""

    def begin(self, path: Path, launch: str, leases: Sequence[Lease]) -> None: ...
    def kept(self, path: Path, launch: str) -> tuple[Lease, ...] | None: ...
    def change(self, path: Path, launch: str, leases: Sequence[Lease]) -> bool: ...


class Background(Protocol):
    """Work that goes on beside the loop."""

    def join(self, timeout: float) -> None: ...
    def is_alive(self) -> bool: ...


class LogSearch(Protocol):
    """A search of one log; it begins once, and then gives what is found and what comes."""

    def begin(self) -> bool: ...
    def found(self) -> Iterator[Line]: ...
    def stats(self) -> Stats: ...
    def to_come(self) -> list[Line]: ...
    def place(self) -> Place: ...
    def close(self) -> None: ...


class Logs(Protocol):
    """The services' log files."""

    def exists(self, log: Path) -> bool: ...
    def is_complete(self, log: Path, launch: str) -> bool: ...
    def last_words(self, log: Path, count: int, launch: str = "") -> list[str]: ...
    def last_lines(self, log: Path, count: int, launch: str = "", with_runs: bool = False) -> list[Line]: ...
    def since_launch(self, log: Path, launch: str) -> Iterator[bytes]: ...


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
        from .lineage.table import boot
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
