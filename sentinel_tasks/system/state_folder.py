"""The door to the file system: state folder, locks, records, logs and events.

What is below the state folder is ours alone: folders 0700, files 0600 from their first instant, no symlink followed.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ..errors import ConfigurationError, Problem, SentinelError, StateFolderUnusable
from ..model import RanWell, Run, StartedWith
from .decoding import from_json

if TYPE_CHECKING:
    from pathlib import Path

ON_LINUX = sys.platform == "linux"
LOCK_SECONDS = 30.0
ROOM_FOR_RECORDS, ROOM_FOR_LINES = 1 << 20, 1 << 14
"""Bytes."""
SALT_BYTES = 32
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
AT_ONCE = 1 << 13


def state_root() -> str:
    """The folder of all logs and records: `$XDG_STATE_HOME/sentinel` (contract: Workspace, State folder).

    StateFolderUnusable if neither that variable nor a home says where it is.
    """
    if chosen := os.environ.get("XDG_STATE_HOME"):
        if not os.path.isabs(chosen):
            raise ConfigurationError([Problem("XDG_STATE_HOME", chosen, "must be an absolute path")])
        return os.path.join(chosen, "sentinel")
    if os.environ.get("HOME") == "" or not os.path.isabs(os.path.expanduser("~")):
        home = "is no absolute path" if "HOME" in os.environ else f"is not set, and user {os.geteuid()} has no other"
        raise StateFolderUnusable(f"the state folder can't be found: HOME {home}; set HOME, or XDG_STATE_HOME")
    if ON_LINUX:  # the XDG specification's default: an import would cost every task 2 ms
        return os.path.expanduser("~/.local/state/sentinel")
    import platformdirs

    return platformdirs.user_state_dir("sentinel", appauthor=False)


def private_folder(path: Path) -> Path:
    """The folder, made 0700 if it was missing; StateFolderUnusable if it is a link, not ours, or others may write."""
    try:
        for missing in reversed([path, *path.parents]):  # `parents=True` would leave the mode to the umask
            with suppress(FileExistsError):
                missing.mkdir(mode=0o700)
        found = path.lstat()
    except OSError as reason:
        raise _unusable(path, reason.strerror or str(reason)) from reason
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(path, "it is not a folder")
    if found.st_uid != os.geteuid():
        raise _unusable(path, "it belongs to another user")
    if found.st_mode & 0o022:
        raise _unusable(path, f"others may write to it (mode {stat.S_IMODE(found.st_mode):04o})", "{doctor} --fix")
    return path


def _unusable(path: Path, why: str, hint: str = "{doctor}") -> StateFolderUnusable:
    return StateFolderUnusable(f"the state folder {path} can't be used: {why}", hint)


def is_open_to_others(found: os.stat_result) -> bool:
    """True for a file or folder that another user could have written."""
    return found.st_uid != os.geteuid() or bool(found.st_mode & 0o022)


def is_gone(folder: str) -> bool:
    """True if there is surely no such folder."""
    try:
        return not stat.S_ISDIR(os.stat(folder).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def close_to_others(path: str) -> None:
    """Takes every right of group and others away; a link is left as it is."""
    mode = os.lstat(path).st_mode
    if not stat.S_ISLNK(mode):
        os.chmod(path, stat.S_IMODE(mode) & ~0o077)


class State(Struct, frozen=True, dict=True):
    """The files of one workspace; its salt, which never changes, is read once.

    What a status reads has its path in words: it does without pathlib, whose import takes 3 ms.
    """

    place: str | os.PathLike[str]

    @cached_property
    def folder(self) -> Path:
        """Where they are."""
        from pathlib import Path

        return Path(self.place)

    def log(self, service: str) -> Path:
        """The service's output; rotated files and times lie beside it (capture.py)."""
        return self.folder / f"{service}.log"

    def log_path(self, service: str) -> str:
        """The same in words."""
        return self._named(f"{service}.log")

    def record(self, service: str) -> Path:
        """What its launcher wrote down last, read by `run`."""
        return self.folder / f"{service}.run.json"

    def record_path(self, service: str) -> str:
        """The same in words."""
        return self._named(f"{service}.run.json")

    def lease(self, service: str) -> Path:
        """Until when it is leased, if it is (leases.py)."""
        return self.folder / f"{service}.lease"

    def _named(self, name: str) -> str:
        """A file's path in words: hundreds of services have them, and to make a Path takes as long as to read one."""
        return f"{self._folder}/{name}"

    @cached_property
    def _folder(self) -> str:
        return os.fspath(self.place)

    @property
    def events(self) -> Path:
        """The event log of all services, a line of JSON for each event (contract: Documents, Events)."""
        return self.folder / "events.jsonl"

    def prepare(self) -> None:
        """Makes the folder; called before the first write, never by a task that only looks."""
        private_folder(self.folder.parent)
        private_folder(self.folder)

    # Locks

    @contextmanager
    def lock(self, name: str, patience: float = LOCK_SECONDS) -> Iterator[None]:
        """Held while one process looks and acts for a service; the kernel frees it when its holder dies.

        Its file goes with it.
        """
        from .locks import taken

        self.prepare()
        path = self._named(f"{name}.lock")
        try:
            lock = taken(path, patience)
        except OSError as reason:
            raise _unusable(self.folder, reason.strerror or str(reason)) from reason
        if lock is None:
            raise SentinelError(
                f"another task has been acting on {name} for {patience:g} s", "{doctor} (it names the task)"
            )
        try:
            yield
        finally:
            with suppress(OSError):
                os.unlink(path)
            os.close(lock)

    # Records

    def run(self, service: str) -> Run | None:
        """What the launcher wrote down last; None if nothing readable is there, or what another user could have put."""
        try:
            content, status = _content(self.record_path(service))
            if is_open_to_others(status) or is_open_to_others(os.stat(self._folder)):
                return None
            return from_json(content, Run)
        except (OSError, ValueError):
            return None

    def record_version(self, service: str) -> object:
        """Another one each time the launcher has written its record; None if there is none."""
        try:
            status = os.stat(self.record_path(service))
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def carried(self, text: str) -> Run | None:
        """What the launcher had its window tell instead (supervisor/carrier.py); None if that is no record."""
        try:
            return from_json(text.encode(), Run) if text else None
        except ValueError:
            return None

    def close_run(self, service: str, told: Run, end: Run, patience: float) -> bool:
        """Writes the end of a run whose launcher is gone; True if what was on record was still what the caller knows.

        So of several tasks one does it. Nothing is written where another one acts on the service.
        """
        try:
            with self.lock(service, patience):
                return self.run(service) == told and self._rewrite(self.record(service), msgspec.json.encode(end))
        except (SentinelError, OSError):
            return False

    def _rewrite(self, path: Path, content: bytes) -> bool:
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            with open(_open_private(draft, os.O_TRUNC), "wb") as file:
                file.write(content)
            os.replace(draft, path)
        except OSError:
            with suppress(OSError):
                draft.unlink()
            return False
        return True

    def event(self, service: str, event: str, pid: int | None, reason: str) -> None:
        """Appends one line to `events.jsonl` (contract: Documents, Events)."""
        import json

        line = json.dumps({"time": time.time(), "service": service, "event": event, "pid": pid, "reason": reason})
        with suppress(OSError), open(_open_private(self.events, os.O_APPEND), "w") as file:
            file.write(f"{line}\n")

    # What a launch was started with

    def has_room(self) -> bool:
        """False where so little is left on the disk that records and logs may need all of it."""
        try:
            disk = os.statvfs(self.folder)
        except OSError:
            return True
        return disk.f_bavail * disk.f_frsize >= ROOM_FOR_RECORDS

    def is_full(self) -> bool:
        """True where lines of a log are lost, for there is no room for them on the disk."""
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return False
        return (disk.f_bavail if os.geteuid() else disk.f_bfree) * disk.f_frsize < ROOM_FOR_LINES

    def salt(self) -> bytes:
        """What this workspace's digests are made with, so that nobody guesses a value; empty if there is none."""
        if not any(self._salts):
            with suppress(OSError):
                self._salts[:] = [_content(self._named("salt"))[0]]
        return b"".join(self._salts)

    @cached_property
    def _salts(self) -> list[bytes]:
        """The one that was read, once there is one."""
        return []

    def make_salt(self) -> bytes:
        """The same, made if there was none; empty if it can't be."""
        if not (found := self.salt()):
            with suppress(OSError):
                draft = self._draft("salt", os.urandom(SALT_BYTES))
                with suppress(FileExistsError):
                    os.link(draft, self.folder / "salt")
                os.unlink(draft)
            found = self.salt()
        return found

    def note_start(self, service: str, started: StartedWith) -> None:
        """Writes down what a launch is started with; a failure must not keep it from starting."""
        with suppress(OSError):
            os.replace(self._draft(service, msgspec.json.encode(started)), self.folder / f"{service}.started.json")

    def started_with(self, service: str) -> StartedWith | None:
        """What was written down at the last launch; None if nothing readable is there."""
        try:
            return from_json(_content(self._named(f"{service}.started.json"))[0], StartedWith)
        except (OSError, ValueError):
            return None

    def note_ran_well(self, service: str, launch: str, commit: str) -> None:
        """Writes down what this launch ran well with; nothing that hinders it may fail the start."""
        started = self.started_with(service)
        if started is not None and started.launch == launch:
            well = RanWell(time.time(), started.digests, commit)
            with suppress(OSError):
                os.replace(self._draft(service, msgspec.json.encode(well)), self._ran_well(service))

    def ran_well(self, service: str) -> RanWell | None:
        """What the service ran well with last; None if nothing readable is there."""
        try:
            with open(os.open(self._ran_well(service), READ), "rb") as file:
                return from_json(file.read(), RanWell)
        except (OSError, ValueError):
            return None

    def _ran_well(self, service: str) -> Path:
        return self.folder / f"{service}.well.json"

    # How many instances were asked for

    def scales(self) -> dict[str, tuple[int, int]]:
        """What `scale` was asked for, by service: how many were configured then, and how many are wanted instead."""
        try:
            with open(os.open(self.scales_file, READ), "rb") as file:
                return from_json(file.read(), dict[str, tuple[int, int]])
        except (OSError, ValueError):
            return {}

    def note_scales(self, scales: Mapping[str, tuple[int, int]]) -> None:
        """Keeps this until it is noted anew; OSError if it can't be kept."""
        if scales:
            self.prepare()
            os.replace(self._draft("scale", msgspec.json.encode(scales)), self.scales_file)
        else:
            self.scales_file.unlink(missing_ok=True)

    @property
    def scales_file(self) -> Path:
        """Where that is kept."""
        return self.folder / "scale.json"

    # The workspace as Invoke read it last

    def workspace(self) -> bytes:
        """What `note_workspace` was given last; empty if nothing is there, or what another user could have put."""
        with suppress(OSError), open(os.open(self._workspace, READ), "rb") as file:
            is_ours = not (is_open_to_others(os.fstat(file.fileno())) or is_open_to_others(os.stat(self._folder)))
            return file.read() if is_ours else b""
        return b""

    def note_workspace(self, content: bytes) -> None:
        """Keeps this; nothing that hinders it may fail a task."""
        with suppress(OSError):
            os.replace(self._draft("workspace", content), self._workspace)

    @property
    def _workspace(self) -> str:
        return self._named("workspace.json")

    def _draft(self, name: str, content: bytes) -> Path:
        """A file of that content on its way to its name; an older draft of this process is gone."""
        draft = self.folder / f"{name}.{os.getpid()}.draft"
        with suppress(FileNotFoundError):
            draft.unlink()
        with open(_open_private(draft, os.O_EXCL), "wb") as file:
            file.write(content)
        return draft

    # Spec

    def make_fifo(self, service: str, launch: str) -> Path:
        """A FIFO that only we can open, for one launcher's spec."""
        fifo = self.folder / f"{service}.{launch}.spec"
        try:
            os.mkfifo(fifo, 0o600)
        except OSError as reason:
            raise _unusable(self.folder, reason.strerror or str(reason)) from reason
        return fifo

    def remove_fifo(self, fifo: Path) -> None:
        """Takes a FIFO away, if its launcher has not done so already."""
        with suppress(FileNotFoundError):
            fifo.unlink()

    def sweep(self, services: Collection[str]) -> None:
        """Removes the FIFOs of these services' starts that were broken off; call it with their locks held."""
        for name in os.listdir(self.folder):
            words = name.split(".")
            if len(words) > 2 and words[0] in services and words[-1] in ("spec", "draft"):
                self.remove_fifo(self.folder / name)

    def send_spec(self, fifo: Path, spec: Mapping[str, object], is_there: Callable[[], bool]) -> bool:
        """True once the launcher that waits at the FIFO has taken its specification."""
        from .spec_fifo import send_spec

        return send_spec(fifo, spec, is_there)


def _content(path: str) -> tuple[bytes, os.stat_result]:
    """What the file says, and what it is, in two thirds of the time that Python's own files take."""
    descriptor = os.open(path, READ)
    try:
        status = os.fstat(descriptor)
        return b"".join(iter(partial(os.read, descriptor, AT_ONCE), b"")), status
    finally:
        os.close(descriptor)


def _open_private(path: Path, flags: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | flags, 0o600)
