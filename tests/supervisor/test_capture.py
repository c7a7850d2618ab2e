"""The log's writer as tmux runs it: rotation at line ends, privacy, and an end of its own."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.logs.reader import Reader
from sentinel_tasks.logs.rotation import rotated
from sentinel_tasks.names import times_path
from sentinel_tasks.supervisor import capture, pump
from sentinel_tasks.supervisor.capture import LONGEST_LINE, TIMES, Log, Stream, has_ended
from sentinel_tasks.system.locks import is_held, remove_unheld
from sentinel_tasks.text.annotations import begin_annotation, end_annotation
from tests.lab import PATIENCE, until

SCRIPT = pump.__file__


pytestmark = pytest.mark.usefixtures("_closing_logs")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


class Capture:
    """The script at the end of a pipe."""

    def __init__(self, path: Path, launcher: int, max_bytes: int = 1_000_000, backups: int = 3) -> None:
        words = [str(path), str(max_bytes), str(backups), str(launcher)]
        self.process = subprocess.Popen([sys.executable, "-I", "-S", SCRIPT, *words], stdin=-1, stderr=-1)
        assert self.process.stdin is not None
        self.pipe = self.process.stdin

    def print(self, data: bytes) -> None:
        self.pipe.write(data)
        self.pipe.flush()

    def close(self) -> bytes:
        """Ends its input; what it complained about."""
        with contextlib.suppress(BrokenPipeError):
            self.pipe.close()
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        self.process.stderr.close()
        assert self.process.wait(PATIENCE) == 0
        return said


@pytest.fixture
def launcher() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def contents(path: Path) -> list[bytes]:
    """What is in the log's files, oldest first."""
    return [each.read_bytes() for each in reversed(rotated(path))]


# As a process


def test_what_comes_is_in_the_log_and_private(path: Path, launcher: subprocess.Popen[bytes]) -> None:
    before = os.umask(0)
    try:
        writer = Capture(path, launcher.pid)
    finally:
        os.umask(before)
    writer.print(b"one\n\x00\xfftwo")
    until(lambda: path.exists() and path.read_bytes() == b"one\n\x00\xfftwo")
    assert writer.close() == b""
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    assert sorted(each.name for each in path.parent.iterdir()) == ["web.log", "web.log.times"]


def test_log_goes_on_where_the_last_launch_ended(path: Path, launcher: subprocess.Popen[bytes]) -> None:
    for data in (b"one\n", b"two\n"):
        writer = Capture(path, launcher.pid)
        writer.print(data)
        writer.close()
    assert path.read_bytes() == b"one\ntwo\n"


def test_link_is_not_followed(path: Path, tmp_path: Path, launcher: subprocess.Popen[bytes]) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    path.symlink_to(target)
    done = subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT, str(path), "100", "1", str(launcher.pid)],
        input=b"x", capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert target.read_text() == "mine"


def test_it_waits_while_its_launcher_lives_and_is_silent(path: Path, launcher: subprocess.Popen[bytes]) -> None:
    writer = Capture(path, launcher.pid)
    writer.print(b"one\n")
    until(path.exists)
    with pytest.raises(subprocess.TimeoutExpired):
        writer.process.wait(4 * capture.SILENCE)
    writer.print(b"two\n")
    until(lambda: path.read_bytes() == b"one\ntwo\n")
    assert writer.close() == b""


@pytest.mark.parametrize("last", [b"last words", b"last words" + end_annotation("L1")])
def test_it_ends_by_itself_once_its_launcher_has(path: Path, launcher: subprocess.Popen[bytes], last: bytes) -> None:
    writer = Capture(path, launcher.pid)
    writer.print(last)
    launcher.kill()
    assert writer.process.wait(PATIENCE) == 0
    assert path.read_bytes() == b"last words"
    assert writer.close() == b""


def test_zombie_has_ended(launcher: subprocess.Popen[bytes]) -> None:
    assert not has_ended(launcher.pid)
    assert not has_ended(1)
    launcher.kill()
    until(lambda: has_ended(launcher.pid))
    launcher.wait()
    assert has_ended(launcher.pid)


def test_ten_megabytes_not_a_line_lost(path: Path, launcher: subprocess.Popen[bytes]) -> None:
    writer = Capture(path, launcher.pid, max_bytes=1_000_000, backups=50)
    lines = [f"{number} ".encode().ljust(99, b"x") for number in range(100_000)]
    writer.print(b"\n".join(lines) + b"\n")
    assert writer.close() == b""
    assert b"".join(contents(path)).splitlines() == lines
    assert max(each.stat().st_size for each in rotated(path)) <= 1_000_000 + capture.CHUNK
    with Reader(path) as reader:
        assert [line for _, line in reader.lines()] == lines


# What is not the service's own

PANE = (
    begin_annotation("L1")
    + b"one\r\ntwo \x1b[31mred\x1b[0m\r\n"
    + b"\x1b]7357;sentinel-ours;\x07sentinel: starting again in 0.5 s\r\n\x1b]7357;sentinel-theirs;\x07"
    + begin_annotation("L1")
    + b"10%\r20%\rthree\r\r\n\x1b]0;title\x07"
    + end_annotation("L1")
)
PRINTED = b"one\ntwo \x1b[31mred\x1b[0m\n10%\r20%\rthree\r\n\x1b]0;title\x07"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_the_log_holds_what_the_service_printed_and_nothing_else(path: Path, step: int) -> None:
    """`less NAME.log` showed our escape sequences between its lines, and a CR before each LF."""
    stream = Stream(Log(str(path), 1_000_000, 1))
    for begin in range(0, len(PANE), step):
        stream.take(PANE[begin : begin + step])
    stream.finish()
    assert path.read_bytes() == PRINTED
    marks = [line.split()[:3] for line in path.with_name("web.log.runs").read_text().splitlines()]
    second = str(PRINTED.index(b"10%"))
    assert marks == [["0", "begin", "L1"], [second, "begin", "L1"], [str(len(PRINTED)), "end", "L1"]]
    assert stream.has_end


@pytest.mark.parametrize(
    "unfinished", [b"\x1b", b"\x1b]7357;sentinel-be", b"\x1b]7357;sentinel-" + b"x" * 99, b"50%\r"]
)
def test_what_only_looks_like_ours_is_not_lost(path: Path, unfinished: bytes) -> None:
    stream = Stream(Log(str(path), 1_000_000, 1))
    stream.take(b"text" + unfinished)
    stream.finish()
    assert path.read_bytes() == b"text" + unfinished


@given(st.lists(st.binary(max_size=9)))
def test_everything_else_comes_through(tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("log") / "web.log"
    stream = Stream(Log(str(path), 1_000_000, 1))
    for part in parts:
        stream.take(part)
    stream.finish()
    assert path.read_bytes() == b"".join(parts).replace(b"\r\n", b"\n")


# Rotation


def test_files_are_cut_at_the_ends_of_lines(path: Path) -> None:
    log = Log(str(path), 10, 5)
    for data in (b"one\n", b"two\n", b"thr", b"ee\nfo", b"ur\nfive"):
        log.write(data)
    assert contents(path) == [b"one\ntwo\nthree\n", b"four\nfive"]


def test_one_chunk_is_cut_at_its_last_line(path: Path) -> None:
    Log(str(path), 10, 5).write(b"one\ntwo\nthree\nfo")
    assert contents(path) == [b"one\ntwo\nthree\n", b"fo"]


@pytest.mark.parametrize("backups", [0, 1, 3])
def test_only_so_many_backups_are_kept(path: Path, backups: int) -> None:
    log = Log(str(path), 1, backups)
    for number in range(8):
        log.write(f"{number}\n".encode())
    kept = [f"{number}\n".encode() for number in range(8 - backups, 8)]
    assert contents(path) == [*kept, b""]
    times = [each for each in path.parent.iterdir() if each.name.endswith(".times")]
    assert len(times) == backups + 1


def test_rotated_files_are_private(path: Path) -> None:
    before = os.umask(0)
    try:
        log = Log(str(path), 1, 3)
        for _ in range(3):
            log.write(b"x\n")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_times_tell_when_which_byte_came(path: Path) -> None:
    log = Log(str(path), 1_000_000, 3)
    began = time.time()
    log.write(b"one\n")
    written = time.time()
    until(lambda: time.time() - written > 2 * capture.SECONDS_BETWEEN_TIMES)
    log.write(b"two\n")
    (first, one), (second, two) = TIMES.iter_unpack(path.with_name("web.log.times").read_bytes())
    assert (first, second) == (0, 4)
    assert began <= one < two <= time.time()


def test_line_without_an_end_does_not_grow_the_file_without_an_end(path: Path) -> None:
    log = Log(str(path), 1000, 2)
    for _ in range(10 * LONGEST_LINE // capture.CHUNK):
        log.write(b"\r50%" * (capture.CHUNK // 4))
    assert len(rotated(path)) == 3
    assert max(each.stat().st_size for each in rotated(path)) <= 1000 + LONGEST_LINE + 2 * capture.CHUNK


def test_lost_file_of_times_does_not_end_the_log(path: Path) -> None:
    log = Log(str(path), 1, 0)
    log.write(b"one\n")
    path.with_name("web.log.times").unlink()
    log.write(b"two\n")
    log.write(b"three")
    assert contents(path) == [b"three"]


def test_log_goes_on_where_no_other_file_can_be_made(path: Path) -> None:
    """On a full disk the old file had been closed by then, and every later line was lost, even with room again."""
    log = Log(str(path), 1, 3)
    path.with_name("web.log.new.times").mkdir()
    for line in (b"one\n", b"two\n", b"three\n"):
        log.write(line)
    assert contents(path) == [b"one\ntwo\nthree\n"]
    path.with_name("web.log.new.times").rmdir()
    log.write(b"four\n")
    assert contents(path) == [b"one\ntwo\nthree\nfour\n", b""]


def test_what_can_not_be_renamed_loses_no_line(path: Path) -> None:
    path.with_name("web.log.1.times").mkdir()
    log = Log(str(path), 1, 5)
    for line in (b"one\n", b"two\n", b"three\n"):
        log.write(line)
    assert b"".join(contents(path)) == b"one\ntwo\nthree\n"


def test_file_that_is_still_written_after_a_failed_rename_is_not_pruned(path: Path) -> None:
    path.with_name("web.log.1.times").mkdir()
    Log(str(path), 1, 0).write(b"one\n")
    assert contents(path) == [b"one\n"]


def test_folder_in_the_way_of_a_backup_is_moved_on_not_removed(path: Path) -> None:
    path.with_name("web.log.1").mkdir()
    log = Log(str(path), 1, 0)
    log.write(b"one\n")
    log.write(b"two\n")
    assert path.read_bytes() == b""
    assert path.with_name("web.log.3").is_dir()


def test_backups_that_are_wanted_no_more_go_with_the_next_start(path: Path) -> None:
    log = Log(str(path), 1, 5)
    for number in range(8):
        log.write(f"{number}\n".encode())
    Log(str(path), 1, 2)
    assert contents(path) == [b"6\n", b"7\n", b""]


def test_only_the_logs_own_files_are_removed(path: Path) -> None:
    others = ["web.log.", "web.log.01", "web.log.9.times", "web.log.old", "web.log.1x", "web.log.²", "web.logs.7"]
    for name in others:
        path.with_name(name).write_text("mine")
    log = Log(str(path), 1, 0)
    for number in range(3):
        log.write(f"{number}\n".encode())
    assert sorted(each.name for each in path.parent.iterdir()) == sorted([*others, "web.log", "web.log.times"])


def test_log_is_written_read_and_pruned_on_nfs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There, a shared lock needs a file that is open for reading, an exclusive one a file open for writing."""
    refusing = {fcntl.LOCK_SH: os.O_WRONLY, fcntl.LOCK_EX: os.O_RDONLY}
    real = fcntl.flock

    def as_on_nfs(file: int, operation: int) -> None:
        if fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == refusing.get(operation & ~fcntl.LOCK_NB):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", as_on_nfs)
    log = Log(str(path), 1, 1)
    with Reader(path, patient=True) as reader:
        for number in range(5):
            log.write(f"{number}\n".encode())
        assert is_held(times_path(path))
        assert [line for _, line in reader.lines()] == [b"4"]
        log.write(b"5\n6\n")
        log.write(b"7\n")
        assert [line for _, line in reader.lines()] == [b"5", b"6", b"7"]
    remove_unheld(path)
    assert not path.exists()


def test_an_idle_log_pump_sleeps_until_its_launcher_ends(path: Path, launcher: subprocess.Popen[bytes]) -> None:
    """It woke up three times a second, and a hundred of them were felt."""
    end = capture.end_of(launcher.pid)
    assert end is not None
    assert capture.patience(Stream(Log(str(path), 1, 1)), end) is None
    assert not select.select([end], [], [], 0)[0]
    launcher.kill()
    assert select.select([end], [], [], PATIENCE)[0]
    os.close(end)
