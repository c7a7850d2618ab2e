"""The state folder is closed to others and has no links; locks and logs in it are not left behind."""

from __future__ import annotations

import os
import shlex
import stat
from functools import partial
from pathlib import Path

from ..engine.log_pump import start_again
from ..engine.watching import await_watcher, have_it_watched
from ..logs.rotation import rotated, size
from ..model import Finding, Service
from ..system.locks import holder, is_held, remove_unheld
from ..system.state_folder import LOCK_SECONDS, State, close_to_others
from ..text.duration import duration
from .findings import failed, passed_unless
from .look import Look

ENOUGH_BYTES, ENOUGH_FILES = 1 << 20, 100
FIFOS = (".spec", ".orders", ".fifo")
ELSEWHERE = "or set XDG_STATE_HOME to a folder where that is so"


def state_folder(look: Look) -> list[Finding]:
    """Everything in the state folder is ours, no link, closed to group and others, and can be written to."""
    root = Path(look.workspace.state_folder).parent
    wrong = [finding for path in _everything(root) if (finding := _openness(path))] or _unwritable(root)
    reason = f"{root} is closed to others" if root.exists() else f"{root} is not there yet; it is made 0700"
    return passed_unless("state-folder", wrong, reason)


def _everything(root: Path) -> list[Path]:
    """The folder and what is in it, but nothing behind a link."""
    if not os.path.lexists(root):
        return []
    below = [Path(folder, name) for folder, folders, files in os.walk(root) for name in [*folders, *files]]
    return [root, *sorted(below)] if not root.is_symlink() else [root]


def _openness(path: Path) -> Finding | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        return failed("state-folder", f"{path} is a symbolic link, which is never followed", _remove(path))
    is_ours_to_make = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode) or path.suffix in FIFOS
    if not is_ours_to_make:
        return failed("state-folder", f"{path} is neither a file nor a folder", _remove(path))
    if found.st_uid != os.getuid():
        return failed(
            "state-folder", f"{path} belongs to another user", f"sudo chown {os.getuid()} {shlex.quote(str(path))}"
        )
    if found.st_mode & 0o077:
        reason = f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):04o})"
        remedy = f"chmod go= {shlex.quote(str(path))}"
        return failed("state-folder", reason, remedy, mend=partial(close_to_others, str(path)))
    return None


def _unwritable(root: Path) -> list[Finding]:
    there = next(path for path in (root, *root.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return [failed("state-folder", f"{there} can't be written to", f"make it writable, {ELSEWHERE}")]
    disk = os.statvfs(there)
    if disk.f_files and disk.f_favail < ENOUGH_FILES:
        reason = f"the disk of {there} has no room for more files (df -i)"
        return [failed("state-folder", reason, f"make room on it, {ELSEWHERE}")]
    if disk.f_bavail * disk.f_frsize < ENOUGH_BYTES:
        return [failed("state-folder", f"the disk of {there} is full", f"make room on it, {ELSEWHERE}")]
    return []


def _remove(path: Path) -> str:
    return f"rm {shlex.quote(str(path))}"


def locks(look: Look) -> list[Finding]:
    """No lock or launch specification of this workspace was left behind, and none is held by a task that hangs."""
    folder, now = Path(look.workspace.state_folder), look.world.now()
    own = [*folder.glob("*.lock"), *folder.glob("*.spec")]
    wrong = [finding for path in sorted(own) if not path.is_symlink() and (finding := _leftover(path, now))]
    return passed_unless("locks", wrong, "none is left behind")


def _leftover(path: Path, now: float) -> Finding | None:
    try:
        age = now - path.stat().st_mtime
        held = path.suffix == ".lock" and is_held(path)
    except FileNotFoundError:
        return None
    if held:
        return _hangs(path, age) if age > LOCK_SECONDS else None
    if path.suffix == ".spec" and age < LOCK_SECONDS:
        return None
    reason = f"{path.name} was left by a task that was killed"
    mend = partial(remove_unheld, path) if path.suffix == ".lock" else path.unlink
    return failed("locks", reason, "{doctor} --fix", "warning", mend)


def _hangs(path: Path, age: float) -> Finding:
    pid = holder(path)
    who = f"process {pid}" if pid else "a process that can't be seen"
    reason = f"{path.name} has been held by {who} for {duration(age)}"
    return failed("locks", reason, f"if it hangs, end it: kill {pid}" if pid else "end it if it hangs", "warning")


def logs(look: Look) -> list[Finding]:
    """No log has too many files, kept for a `logs --follow` that does not read on."""
    wrong = [finding for service in look.workspace.services if (finding := _kept(service, look.world.state))]
    return passed_unless("logs", wrong, "none is longer than it may be")


def log_pumps(look: Look) -> list[Finding]:
    """The output of every service that runs is written to its log."""
    seen = look.observations
    wrong = [_unlogged(look, name) for name in seen if seen[name].alive and seen[name].is_unlogged]
    return passed_unless("log-pumps", wrong, "the output of every service that runs is written to its log")


def watchers(look: Look) -> list[Finding]:
    """The files of every service that runs are watched, if it wants that, and its patterns match some."""
    seen = look.observations
    wrong = [finding for name in seen if seen[name].alive for finding in _unwatched(look, name)]
    return passed_unless("watchers", wrong, "the files of every service that wants it are watched")


def _unwatched(look: Look, name: str) -> list[Finding]:
    service, seen = look.workspace.service(name), look.observations[name]
    if seen.unwatched:

        def mend() -> None:
            have_it_watched(look.world, seen.state_folder)
            await_watcher(look.world, service, seen)

        reason = f"the files of {name} are not watched: {seen.unwatched}"
        return [failed("watchers", reason, "{doctor} --fix", "warning", mend)]
    key = f"{service.key}.watch"
    return [
        failed("watchers", f"no file matches {key}: {each}", f"correct {key}", "warning") for each in seen.unmatched
    ]


def _unlogged(look: Look, name: str) -> Finding:
    service, seen = look.workspace.service(name), look.observations[name]
    mend = partial(start_again, look.world, service, look.world.log_of(service, seen), seen.pane) if seen.pane else None
    reason = f"the output of {name} is not written to its log any more: the log pump was killed"
    return failed("log-pumps", reason, "{doctor} --fix", "warning", mend)


def _kept(service: Service, state: State) -> Finding | None:
    log = state.log(service.name)
    files = rotated(log)
    if len(files) <= service.log_backups + 2 or not is_held(files[-1]):  # one more while it is being rotated
        return None
    pid = holder(files[-1])
    who = f"process {pid}" if pid else "a process that can't be seen"
    reason = f"{log.name} has {len(files)} files ({size(log) >> 20} MiB), kept for {who}, which has still to read them"
    return failed("logs", reason, f"if it reads no more, end it: kill {pid}" if pid else "end it", "warning")
