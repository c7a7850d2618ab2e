"""A real watcher with launchers' FIFOs of the test's own: it tells of changes, and ends with the last of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from watchfiles.main import FileChange

from sentinel_tasks.engine.watching import SCRIPT, wish_of
from sentinel_tasks.system.watcher_files import Told, Watched, WatcherFiles
from sentinel_tasks.watcher import alone
from sentinel_tasks.watcher import told as telling
from sentinel_tasks.watcher.watcher import GRACE, NEVER, SETTLE_SECONDS, Watcher
from tests.facts import service
from tests.lab import until


class Room:
    """A state folder, a workspace, and the FIFOs of launchers that listen."""

    def __init__(self, folder: Path) -> None:
        self.state, self.workspace = folder / "state", folder / "app"
        self.files = WatcherFiles(self.state)
        self.state.mkdir(mode=0o700)
        (self.workspace / "src").mkdir(parents=True)
        self.ears: dict[str, int] = {}
        self.lines: dict[str, list[bytes]] = {}
        self.last: dict[str, bytes] = {}

    def listens(self, name: str, *patterns: str, launch: str = "L1", quiet: float = 0.05) -> None:
        """A launcher that wants these watched."""
        fifo = self.files.orders(name)
        with suppress(FileNotFoundError):
            fifo.unlink()
        self.files.wish(name, wish_of(service(watch=patterns, watch_debounce=quiet), launch))
        os.mkfifo(fifo)
        self.ears[name] = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def ends(self, name: str) -> None:
        os.close(self.ears.pop(name))

    def heard(self, name: str) -> str:
        """The next order that is another one than the last; the test fails if none comes.

        On a busy machine a file that is made and then written may have changed twice.
        """
        line = until(lambda: self._next(name), f"an order to {name}")
        word, reason, of = json.loads(line)
        assert (word, of) == ("change", "")
        return str(reason)

    def _next(self, name: str) -> bytes:
        lines = self.lines.setdefault(name, [])
        lines += _read(self.ears[name]).splitlines()
        while lines:
            last, self.last[name] = self.last.get(name), lines.pop(0)
            if self.last[name] != last:
                return self.last[name]
        return b""

    def watch(self) -> None:
        """Starts a watcher, and waits until it watches for all who listen."""
        subprocess.run([sys.executable, str(SCRIPT), str(self.state), str(self.workspace)], check=True)
        self.is_watched()

    def is_watched(self) -> None:
        until(lambda: self.files.told().services.keys() == self.ears.keys(), "the watcher")

    def processes(self) -> list[psutil.Process]:
        found = []
        for each in psutil.process_iter():
            with suppress(psutil.Error):
                if str(self.state) in each.cmdline():
                    found.append(each)
        return found

    def close(self) -> None:
        for descriptor in self.ears.values():
            os.close(descriptor)
        for each in self.processes():
            with suppress(psutil.NoSuchProcess):
                each.kill()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return b""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.close()


def test_several_services_share_one_watcher_that_tells_each_what_is_its_own(room: Room) -> None:
    (room.workspace / "src/app.py").touch()
    room.listens("web", "src/**/*.py", "nowhere/*")
    room.listens("css", "*.scss")
    room.watch()
    assert room.files.told().services == {"web": Watched("L1", ("nowhere/*",)), "css": Watched("L1", ("*.scss",))}
    (room.workspace / "src/style.scss").touch()
    assert room.heard("css") == "src/style.scss changed"
    os.utime(room.workspace / "src/app.py")  # not written to: to empty it and to fill it are two changes
    assert room.heard("web") == "src/app.py changed"
    (room.workspace / "src/lib.py").touch()
    assert room.heard("web") == "src/lib.py changed"
    (room.workspace / "src/app.py").unlink()
    assert room.heard("web") == "src/app.py changed"
    room.listens("late", "docs/*")
    assert room.files.has_it_look_anew()
    room.is_watched()
    assert len(room.processes()) == 1


def test_files_in_folders_that_are_new_are_told_too(room: Room) -> None:
    room.listens("web", "src/**", "later/on/*.py")
    room.watch()
    (room.workspace / "later/on").mkdir(parents=True)
    (room.workspace / "later/on/a.py").touch()
    assert room.heard("web") == "later/on/a.py changed"
    (room.workspace / "later/on/b.py").write_text("x")
    assert room.heard("web").endswith("later/on/b.py changed")  # a.py was seen in the new folder, and may come again


def test_a_checkout_is_one_order(room: Room) -> None:
    """Of folders that come and go, with files that appear before their folder can be watched."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        subprocess.run(["git", *who, "-C", str(room.workspace), *words], check=True, capture_output=True)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "empty")
    git("checkout", "--quiet", "-b", "full")
    for number in range(500):
        path = room.workspace / f"src/{number // 50}/f{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{number}\n")
    (room.workspace / ".gitignore").write_text("*.log\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "full")
    git("checkout", "--quiet", "-")
    room.listens("web", "src/**", quiet=0.3)
    room.watch()
    git("checkout", "--quiet", "full")
    assert room.heard("web").endswith(" and 499 more changed")
    (room.workspace / "src/0/run.log").touch()
    (room.workspace / "src/0/f0.py").touch()
    assert room.heard("web") == "src/0/f0.py changed"


def test_it_ends_with_the_last_launcher_and_survives_a_restart_by_hand(room: Room) -> None:
    room.listens("web", "src/**")
    room.listens("css", "*.scss")
    room.watch()
    (watcher,) = room.processes()
    room.ends("web")
    room.listens("web", "src/**", launch="L2")
    assert room.files.has_it_look_anew()
    until(lambda: room.files.told().services.get("web") == Watched("L2", ("src/**",)))
    (room.workspace / "src/a.py").touch()
    assert room.heard("web") == "src/a.py changed"
    assert room.processes() == [watcher]
    room.ends("web")
    room.ends("css")
    until(lambda: not room.processes(), "the watcher's end")
    assert not room.files.is_alive()
    assert (room.files.folder / "log").read_text() == ""


def test_a_second_watcher_leaves_the_first_one_to_it(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.listens("web", "src/**")
    room.watch()
    first = room.processes()
    monkeypatch.setattr(alone, "LOCK_SECONDS", 0.0)
    assert alone.keep(str(room.state), str(room.workspace)) == 0
    assert room.processes() == first


# What keeps it from watching


def test_a_library_that_is_missing_is_told_with_the_command_that_installs_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.files.wish("web", {"launch": "L1"})
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    for name in [each for each in sys.modules if each.startswith("sentinel_tasks.watcher.")]:
        monkeypatch.delitem(sys.modules, name)
    assert alone.watch(room.state, room.workspace, telling.Told(room.files.folder)) == 1
    assert room.files.told().error.startswith("watchfiles is not installed: ")
    assert "watch]" in room.files.told().error


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('OS file watch limit reached. about ["/x"]', "sudo sysctl fs.inotify.max_user_watches="),
        ("Error creating recommended watcher: Too many open files", "sudo sysctl fs.inotify.max_user_instances="),
        ("Permission denied", "Permission denied"),
    ],
)
def test_a_limit_of_the_system_is_told_with_what_raises_it(said: str, words: str) -> None:
    assert words in alone.cause(said)


def test_nothing_that_was_told_is_nothing(tmp_path: Path) -> None:
    files = WatcherFiles(tmp_path)
    assert (files.told(), files.is_alive(), files.is_wished("web", "L1")) == (Told(), False, False)
    files.wish("web", {"launch": "L1"})
    assert files.is_wished("web", "L1")
    files.wish("web", None)
    files.wish("web", None)
    assert not files.is_wished("web", "L1")


# While nothing happens


@pytest.fixture
def watcher(room: Room) -> Iterator[Watcher]:
    """One in this process, that watches for web."""
    numbers = (signal.SIGIO, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    room.listens("web", "src/**")
    made = Watcher(room.state, room.workspace, telling.Told(room.files.folder))
    made.look_anew()
    yield made
    signal.set_wakeup_fd(-1)
    for number, handler in zip(numbers, before, strict=True):
        # one that is ignored would be so in every program that a later test starts
        signal.signal(number, (lambda *_: None) if number == signal.SIGIO else handler)


def _until_it_sleeps(watcher: Watcher) -> None:
    while (patience := watcher.patience()) is not None:
        watcher.turn(patience)


def test_it_sleeps_until_something_happens(room: Room, watcher: Watcher) -> None:
    """watchfiles alone wakes up twenty times a second."""
    _until_it_sleeps(watcher)
    (room.workspace / "src/a.py").touch()
    watcher.turn(None)
    assert watcher.patience() is not None
    _until_it_sleeps(watcher)
    assert room.heard("web") == "src/a.py changed"


@pytest.mark.parametrize("stood_still", [0.0, 2 * SETTLE_SECONDS])
def test_a_change_that_the_library_reads_after_its_signal_is_told(
    room: Room, watcher: Watcher, monkeypatch: pytest.MonkeyPatch, stood_still: float
) -> None:
    """On a busy machine a save was told to nobody: the look that the signal asked for came too soon.

    If the machine stood still meanwhile, it was the only one.
    """
    taken, looks, ahead = watcher.changes.taken, 0, 0.0

    def first_too_soon() -> set[FileChange]:
        nonlocal looks, ahead
        looks, ahead = looks + 1, stood_still
        return taken() if looks > 1 else set()

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead)
    monkeypatch.setattr("sentinel_tasks.watcher.watcher.time", clock)
    monkeypatch.setattr(watcher.changes, "taken", first_too_soon)
    (room.workspace / "src/a.py").touch()
    watcher.turn(None)
    _until_it_sleeps(watcher)
    assert room.heard("web") == "src/a.py changed"


def test_who_is_the_only_one_to_be_told_may_be_restarted_by_hand(room: Room, watcher: Watcher) -> None:
    """Its launcher ends, and the next one begins a moment later."""
    before = time.monotonic()
    room.ends("web")
    watcher.turn(None)
    assert watcher.ends_at >= before + GRACE
    room.listens("web", "src/**", launch="L2")
    watcher.look_anew()
    assert watcher.ends_at == NEVER
