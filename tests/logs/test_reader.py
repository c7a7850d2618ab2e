"""The log's reader against the log's writer: no line lost, none doubled, through any number of rotations."""

from __future__ import annotations

import itertools
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.logs.reader import LONGEST_LINE, Reader, last_lines, since_launch
from sentinel_tasks.logs.rotation import TIMES, Times, open_next, opened, rotated
from sentinel_tasks.names import times_path
from sentinel_tasks.supervisor.capture import Log
from sentinel_tasks.text.annotations import ANY_BEGIN
from sentinel_tasks.text.annotations import begin_annotation as begin

Texts = list[bytes]


pytestmark = pytest.mark.usefixtures("_closing_logs")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


def texts(reader: Reader, with_rest: bool = False) -> Texts:
    return [line for _, line in reader.lines(with_rest)]


def last(path: Path, count: int) -> Texts:
    return [line for _, line in last_lines(path, count)]


def numbered(first: int, end: int) -> Texts:
    return [f"line {number}".encode() for number in range(first, end)]


def written(lines: Texts) -> bytes:
    return b"".join(line + b"\n" for line in lines)


# The last lines


def test_log_that_was_never_written(path: Path) -> None:
    assert last(path, 50) == []
    assert last(path.parent / "no" / "folder.log", 50) == []
    assert texts(Reader(path).from_last(5)) == []


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 50])
def test_last_lines(path: Path, count: int) -> None:
    Log(str(path), 1_000_000, 1).write(written(numbered(0, 10)))
    assert last(path, count) == numbered(max(0, 10 - count), 10)


def test_unfinished_line_is_a_last_line_too(path: Path) -> None:
    Log(str(path), 1_000_000, 1).write(b"one\ntwo\nPassword: ")
    assert last(path, 2) == [b"two", b"Password: "]


def test_empty_lines_count(path: Path) -> None:
    Log(str(path), 1_000_000, 1).write(b"\n\na\n\n")
    assert last(path, 50) == [b"", b"", b"a", b""]


def test_last_lines_across_rotations(path: Path) -> None:
    log = Log(str(path), 20, 10)
    for line in numbered(0, 10):
        log.write(line + b"\n")
    assert len(rotated(path)) > 3
    for count in (1, 4, 9, 10, 30):
        assert last(path, count) == numbered(max(0, 10 - count), 10)


def test_lines_longer_than_a_block(path: Path) -> None:
    long = [bytes([letter]) * 150_000 for letter in b"abc"]
    Log(str(path), 10_000_000, 1).write(written(long))
    assert last(path, 2) == long[1:]


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(0, 12), st.integers(1, 80))
def test_last_lines_are_the_tail_whatever_was_rotated(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], count: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "web.log"
    log = Log(str(path), size, 50)
    lines = [f"{number}-".encode().ljust(length, b"x") for number, length in enumerate(lengths)]
    for line in lines:
        log.write(line + b"\n")
    assert last(path, count) == (lines[-count:] if count else [])


# Following


def test_reader_gives_each_line_once(path: Path) -> None:
    log, reader = Log(str(path), 1_000_000, 1), Reader(path)
    log.write(b"one\ntwo\n")
    assert texts(reader) == [b"one", b"two"]
    assert texts(reader) == []
    log.write(b"three\n")
    assert texts(reader) == [b"three"]


def test_reader_that_was_there_before_the_log(path: Path) -> None:
    reader = Reader(path)
    assert texts(reader) == []
    Log(str(path), 1_000_000, 1).write(b"first\n")
    assert texts(reader) == [b"first"]


def test_unfinished_line_waits_for_its_end(path: Path) -> None:
    log, reader = Log(str(path), 1_000_000, 1), Reader(path)
    log.write(b"one\nhal")
    assert texts(reader) == [b"one"]
    log.write(b"f and ")
    assert texts(reader) == []
    log.write(b"half\nnext")
    assert texts(reader) == [b"half and half"]
    assert texts(reader, with_rest=True) == [b"next"]


def test_from_last_begins_at_the_end_where_no_lines_are_wanted(path: Path) -> None:
    log = Log(str(path), 1_000_000, 1)
    log.write(b"old\n")
    reader = Reader(path).from_last(0)
    assert texts(reader) == []
    log.write(b"new\n")
    assert texts(reader) == [b"new"]


@pytest.mark.parametrize("between", [1, 2, 3, 7, 50])
def test_slow_reader_loses_nothing_through_rotations(path: Path, between: int) -> None:
    log, reader, seen = Log(str(path), 30, 100), Reader(path), []
    for number, line in enumerate(numbered(0, 200)):
        log.write(line + b"\n")
        if number % between == 0:
            seen += texts(reader)
    seen += texts(reader)
    assert seen == numbered(0, 200)


def test_rotation_in_the_middle_of_a_reading(path: Path) -> None:
    log, reader, seen = Log(str(path), 60, 100), Reader(path), []
    log.write(written(numbered(0, 5)))
    while lines := reader.next_lines():
        for _, line in lines:
            seen.append(line)
            if len(seen) < 200:
                log.write(f"line {len(seen) + 4}\n".encode())
    assert seen[:200] == numbered(0, 200)


def test_line_that_was_cut_by_a_rotation_is_whole(path: Path) -> None:
    path.with_name("web.log.1").write_bytes(b"one\nbegun ")
    path.write_bytes(b"and ended\nthree\n")
    assert texts(Reader(path).from_last(50)) == [b"one", b"begun and ended", b"three"]


@pytest.mark.parametrize("backups", [0, 1, 3])
def test_slow_reader_loses_nothing_however_few_backups_are_kept(path: Path, backups: int) -> None:
    """It was overtaken: what had been rotated away before it was read was gone."""
    log, reader = Log(str(path), 20, backups), Reader(path, patient=True)
    log.write(b"line 0\n")
    assert texts(reader) == numbered(0, 1)
    log.write(written(numbered(1, 2)))
    for line in numbered(2, 40):
        log.write(line + b"\n")
    assert texts(reader) == numbered(1, 40)
    log.write(b"x" * 20 + b"\n")
    assert len(rotated(path)) == 1 + max(backups, 1), "the reader still holds the file that it read last"


def test_reader_that_has_gone_holds_nothing_back(path: Path) -> None:
    log = Log(str(path), 20, 1)
    log.write(b"line 0\n")
    with Reader(path, patient=True) as reader:
        assert texts(reader) == numbered(0, 1)
        for line in numbered(1, 40):
            log.write(line + b"\n")
        assert len(rotated(path)) > 10
    Log(str(path), 20, 1)
    assert len(rotated(path)) == 2


def test_one_look_at_a_log_keeps_no_file_that_is_too_many(path: Path) -> None:
    log = Log(str(path), 20, 1)
    log.write(b"line 0\n")
    with Reader(path) as reader:
        assert texts(reader) == numbered(0, 1)
        for line in numbered(1, 40):
            log.write(line + b"\n")
        assert len(rotated(path)) == 2


def test_slow_reader_reads_on_in_small_steps(path: Path) -> None:
    """One that had stopped for long took all that was there into memory at once."""
    Log(str(path), 10_000_000, 1).write(written(numbered(0, 200_000)))
    with Reader(path) as reader:
        steps = list(iter(reader.next_lines, []))
    assert max(sum(map(len, (line for _, line in step))) for step in steps) <= LONGEST_LINE
    assert [line for step in steps for _, line in step] == numbered(0, 200_000)


def test_reader_whose_files_somebody_removed_goes_on_with_what_is_there(path: Path) -> None:
    log, reader = Log(str(path), 20, 3), Reader(path)
    log.write(b"line 0\n")
    assert texts(reader) == numbered(0, 1)
    for line in numbered(1, 9):
        log.write(line + b"\n")
    for each in rotated(path)[1:]:
        each.unlink()
    log.write(b"new\n")
    seen = texts(reader)
    assert seen[-1] == b"new"
    assert len(seen) < 9


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_reading_what_is_there_ends_though_more_comes_all_the_while(path: Path, size: int) -> None:
    """`logs` of a service that printed faster than it read never ended."""
    log = Log(str(path), size, 2)
    log.write(written(numbered(0, 3)))
    log.write(written(numbered(3, 5)))
    with Reader(path, patient=True) as reader:
        seen = []
        for _, line in reader.lines():
            seen.append(line)
            log.write(b"more\n")
            assert len(seen) < 9
    assert seen[:5] == numbered(0, 5)


def test_reading_what_is_there_ends_though_all_of_it_is_rotated_away_meanwhile(path: Path) -> None:
    log = Log(str(path), 1, 2)
    log.write(written(numbered(0, 3)))
    log.write(written(numbered(3, 5)))
    with Reader(path) as reader:
        for number, _ in enumerate(reader.lines()):
            assert number < 100
            log.write(b"more\n")


def test_reader_that_lags_gets_on_though_files_are_rotated_all_the_while(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked at all names twice, and again whenever one had moved between."""
    log, reader, looks = Log(str(path), 1, 2), Reader(path, patient=True), itertools.count()
    log.write(b"line 0\n")
    assert texts(reader) == numbered(0, 1)
    log.write(written(numbered(1, 3)))
    names = os.listdir

    def while_it_is_rotated(folder: Path | str) -> list[str]:
        if isinstance(folder, Path):  # the writer looks by itself
            look = next(looks)
            assert look < 100
            if not look % 2:
                log.write(b"more\n")
        return names(folder)

    monkeypatch.setattr(os, "listdir", while_it_is_rotated)
    seen: Texts = []
    while len(seen) < 3:
        seen += [line for _, line in reader.next_lines()]
    assert seen == [*numbered(1, 3), b"more"]


def test_follower_goes_on_after_somebody_emptied_the_log(path: Path) -> None:
    """It was silent until the log was as long again as it had been."""
    log, reader = Log(str(path), 1_000_000, 2), Reader(path)
    log.write(written(numbered(0, 50)))
    assert texts(reader) == numbered(0, 50)
    log.write(b"unfinis")
    assert texts(reader) == []
    os.truncate(path, 0)
    log.write(b"new\n")
    assert texts(reader) == [b"new"]
    log.write(b"next\n")
    assert texts(reader) == [b"next"]


def test_follower_does_not_tell_old_logs_again_when_somebody_removes_the_newest(path: Path) -> None:
    log, reader = Log(str(path), 1, 5), Reader(path)
    for line in numbered(0, 4):
        log.write(line + b"\n")
    assert texts(reader) == numbered(0, 4)
    for each in rotated(path)[1:]:
        os.utime(each, (1, 1))
    path.unlink()
    assert texts(reader) == []
    log.write(b"into the file that is gone\n")
    assert texts(reader) == [b"into the file that is gone"]
    log.write(b"new\n")
    assert texts(reader) == [b"new"]


def test_gap_in_the_names_while_files_are_renamed_hides_none(path: Path) -> None:
    for name, line in (("web.log", "new"), ("web.log.2", "middle"), ("web.log.3", "old")):
        path.with_name(name).write_text(f"{line}\n")
    assert texts(Reader(path).from_last(50)) == [b"old", b"middle", b"new"]


def test_only_the_logs_own_files_are_read(path: Path) -> None:
    for name in ("web.log.times", "web.log.1.times", "web.log.old", "web.log.01", "web.log2", "other.log"):
        path.with_name(name).write_text("x\n")
    path.with_name("web.log.10").write_text("old\n")
    path.write_text("new\n")
    assert [each.name for each in rotated(path)] == ["web.log", "web.log.10"]


def test_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        last(path, 5)


WRITES = st.lists(st.tuples(st.binary(max_size=40), st.booleans()), max_size=40)


@given(WRITES, st.integers(1, 100))
def test_every_line_comes_back_over_any_writes_and_rotations(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[bytes, bool]], size: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "web.log"
    log, reader, seen, all_written = Log(str(path), size, 50), Reader(path), [], b""
    for data, look in writes:
        log.write(data)
        all_written += data
        if look:
            seen += texts(reader)
    seen += texts(reader, with_rest=True)
    expected = all_written.split(b"\n")
    assert seen == (expected if expected[-1] else expected[:-1])


def test_writer_and_reader_at_once(path: Path) -> None:
    end, seen = 2_000, []
    log = Log(str(path), 400, 200)

    def write() -> None:
        for first in range(0, end, 5):
            log.write(written(numbered(first, first + 5)))

    writer = threading.Thread(target=write)
    writer.start()
    reader = Reader(path)
    while writer.is_alive():
        seen += texts(reader)
    writer.join()
    seen += texts(reader)
    assert seen == numbered(0, end)


def test_what_is_rotated_while_its_oldest_file_is_opened_is_read_from_its_first_line(path: Path) -> None:
    log, reader, numbers = Log(str(path), 40, 99), Reader(path), itertools.count()

    def write() -> None:
        log.write(written(numbered(first := 9 * next(numbers), first + 9)))

    def opened_late(name: Path) -> int:
        if not Path(f"{path}.5").exists():
            write()
            write()
        return opened(name)

    write()
    write()
    reader._open_file = opened_late
    assert texts(reader)[:9] == numbered(0, 9)


def test_rotation_while_the_next_file_is_opened_leaves_none_out(path: Path) -> None:
    log, reader, coming = Log(str(path), 40, 99), Reader(path), iter([numbered(9, 18)])
    log.write(written(numbered(0, 3)))
    seen = texts(reader)
    log.write(written(numbered(3, 9)))

    def opened_late(name: Path) -> int:
        log.write(written(next(coming, [])))
        return opened(name)

    reader._open_file = opened_late
    assert seen + texts(reader) == numbered(0, 18)


def test_what_is_written_just_before_a_rotation_is_read(path: Path) -> None:
    log, reader, coming = Log(str(path), 40, 99), Reader(path), iter([numbered(3, 9)])
    log.write(written(numbered(0, 3)))
    seen = texts(reader)

    def rotated_before(*given: Any) -> int | None:
        log.write(written(next(coming, [])))
        return open_next(*given)

    with patch("sentinel_tasks.logs.reader.open_next", rotated_before):
        seen += [line for _, line in reader.next_lines()]
    assert seen + texts(reader) == numbered(0, 9)


def rotated_meanwhile(log: Log, lines: Texts) -> Callable[[Path], int]:
    """Opens the log's files; as soon as the newest one that is full is open, these lines have the log rotated."""
    coming = iter([b"", written(lines)])

    def opened_before(name: Path) -> int:
        file = opened(name)
        log.write(next(coming, b""))
        return file

    return opened_before


def test_last_lines_are_all_there_though_the_log_is_rotated_while_they_are_looked_for(path: Path) -> None:
    log, reader = Log(str(path), 40, 99), Reader(path)
    for first in (0, 9, 18):
        log.write(written(numbered(first, first + 9)))
    reader._open_file = rotated_meanwhile(log, [long_line := b"x" * 40])
    assert texts(reader.from_last(12)) == [*numbered(16, 27), long_line]


def test_a_launch_is_read_from_its_first_line_though_the_log_is_rotated_while_it_is_looked_for(path: Path) -> None:
    log, reader = Log(str(path), 40, 99), Reader(path)
    log.write(begin("L1") + b"\n" + written(numbered(0, 9)))
    for first in (9, 18):
        log.write(written(numbered(first, first + 9)))
    reader._open_file = rotated_meanwhile(log, numbered(27, 36))
    assert texts(reader.from_launch("L1"))[-36:] == numbered(0, 36)


# Times


@given(
    st.lists(st.integers(0, 9), max_size=40), st.lists(st.tuples(st.integers(0, 99), st.integers(0, 60)), max_size=9),
    st.integers(1, 60),
)  # fmt: skip
def test_times_that_were_kept_are_those_that_are_there(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], asked: list[tuple[int, int]], kept: int
) -> None:
    path, kept_times = tmp_path_factory.mktemp("log") / "web.log", Times()
    offsets = list(itertools.accumulate(steps))
    times = [TIMES.pack(offset, 1000.0 - number % 7) for number, offset in enumerate(offsets)]
    times_path(path).write_bytes(b"".join(times))
    with patch("sentinel_tasks.logs.rotation.KEPT", kept):
        for since, size in sorted(asked):
            found = Times().at(path, since, since + size)
            assert kept_times.at(path, since, since + size) == found
            assert kept_times.latest(path, since, since + size) == max((when for _, when in found), default=0.0)


# Lines without an end


def test_line_of_forty_megabytes_is_read_in_bounded_memory(path: Path) -> None:
    """27 s and 384 MB went into one of 120 MB."""
    parts, longest = 40, LONGEST_LINE - 1
    with path.open("wb") as file:
        for _ in range(parts):
            file.write(b"x" * longest)
        file.write(b"\nlast\n")
    tracemalloc.start()
    found = last_lines(path, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(len(line), line[:4]) for _, line in found] == [(longest, b"xxxx")] * 2 + [(4, b"last")]
    assert peak < 12 * LONGEST_LINE
    assert [len(line) for line in texts(Reader(path))] == [longest] * parts + [4]


@pytest.mark.parametrize("before", range(4))
def test_line_in_parts_is_cut_between_characters(path: Path, before: int) -> None:
    text = "x" * before + "€" * (LONGEST_LINE // 3 + 9)
    path.write_bytes(text.encode())
    found = texts(Reader(path), with_rest=True)
    assert (len(found), "".join(part.decode() for part in found)) == (2, text)


# Launches


def runs(log: Log, *printed: tuple[str, bytes]) -> None:
    """Runs of launches, each with what it printed."""
    for launch, data in printed:
        log.note("begin", launch)
        if data:
            log.write(data)


def test_from_launch(path: Path) -> None:
    runs(Log(str(path), 1_000_000, 1), ("L1", b"old\n"), ("L2", b"new\n"))
    assert texts(Reader(path).from_launch("L2")) == [begin("L2"), b"new"]
    assert [*since_launch(path, "L2")] == [b"new"]


def test_from_launch_that_began_before_a_rotation(path: Path) -> None:
    log = Log(str(path), 60, 10)
    runs(log, ("L1", b"first\n"))
    for line in numbered(0, 20):
        log.write(line + b"\n")
    assert [*since_launch(path, "L1")] == [b"first", *numbered(0, 20)]


def test_from_launch_that_was_rotated_away_begins_with_the_oldest_there_is(path: Path) -> None:
    Log(str(path), 1_000_000, 1).write(written(numbered(0, 3)))
    assert texts(Reader(path).from_launch("L9")) == numbered(0, 3)
    assert [line for _, line in last_lines(path, 5, "L9")] == numbered(0, 3)


def test_words_of_an_earlier_launch_are_not_those_of_one_that_has_still_to_begin(path: Path) -> None:
    """A start that crashed at once was told with what an earlier one had printed: "exit 3: up"."""
    runs(Log(str(path), 1_000_000, 1), ("first", b"ready\n"))
    assert [*since_launch(path, "second")] == []
    assert last_lines(path, 5, "second") == []


def test_words_of_an_earlier_launch_are_not_those_of_one_that_has_printed_nothing(path: Path) -> None:
    runs(Log(str(path), 1_000_000, 1), ("first", b"ready\n"), ("second", b""))
    assert [*since_launch(path, "second")] == []
    assert last_lines(path, 5, "second") == []
    assert [line for _, line in last_lines(path, 5, "first")] == [b"ready"]


def test_run_that_ended_without_a_line_break_is_a_line_of_its_own(path: Path) -> None:
    runs(Log(str(path), 1_000_000, 1), ("L1", b"Killed"), ("L2", b"new\n"))
    assert path.read_bytes() == b"Killednew\n", "what was printed, and nothing else"
    assert last(path, 5) == [b"Killed", b"new"]


LIVES = st.lists(
    st.tuples(st.sampled_from(["L1", "L2"]), st.binary(max_size=30).map(lambda data: data.replace(b"\r", b"")))
)


@given(LIVES, st.integers(1, 60), st.booleans())
def test_each_run_is_told_once_between_the_lines_of_its_own(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[str, bytes]], size: int, is_read_between: bool
) -> None:
    path = tmp_path_factory.mktemp("log") / "web.log"
    log, seen = Log(str(path), size, 100), Texts()
    with Reader(path) as reader:
        for launch, data in lives:
            runs(log, (launch, data))
            seen += texts(reader) if is_read_between else []
        seen += texts(reader, with_rest=True)
    assert [line for line in seen if line.startswith(ANY_BEGIN)] == [begin(launch) for launch, _ in lives]
    assert b"".join(line for line in seen if not line.startswith(ANY_BEGIN)) == b"".join(
        data.replace(b"\n", b"") for _, data in lives
    )


# Times


class Clock:
    """Time for the writer, set by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("sentinel_tasks.supervisor.capture.time.time", self.tell)

    def tell(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_each_line_has_the_time_at_which_it_came(path: Path, clock: Clock) -> None:
    log = Log(str(path), 1_000_000, 1)
    for line in numbered(0, 5):
        log.write(line + b"\n")
        clock.now += 10
    assert last_lines(path, 3) == list(zip([1020.0, 1030.0, 1040.0], numbered(2, 5), strict=True))


@pytest.mark.parametrize("read_between", [False, True])
def test_first_line_of_a_service_that_was_silent_for_long_has_its_own_time(
    path: Path, clock: Clock, read_between: bool
) -> None:
    log = Log(str(path), 1_000_000, 1)
    reader = Reader(path)
    log.note("begin", "launch")
    assert not read_between or list(reader.lines()) == []
    clock.now += 10
    log.write(b"first\n")
    assert list(reader.lines()) == [(1000.0, begin("launch")), (1010.0, b"first")]
    assert last_lines(path, 1) == [(1010.0, b"first")]


def test_times_survive_rotations(path: Path, clock: Clock) -> None:
    log = Log(str(path), 20, 10)
    for line in numbered(0, 9):
        log.write(line + b"\n")
        clock.now += 10
    assert [when for when, _ in last_lines(path, 9)] == [1000.0 + 10 * number for number in range(9)]


def test_line_of_two_times_has_one_of_them_and_order_is_kept(path: Path, clock: Clock) -> None:
    log = Log(str(path), 1_000_000, 1)
    log.write(b"one\nhal")
    clock.now += 10
    log.write(b"f\nthree\n")
    times = [when for when, _ in last_lines(path, 9)]
    assert times == sorted(times)
    assert times[0] == 1000.0
    assert times[2] == 1010.0


def test_follower_of_a_log_that_is_written_for_days_reads_only_the_last_times(path: Path, clock: Clock) -> None:
    """It read all of them for each line that came: more and more work."""
    log, reader = Log(str(path), 1_000_000, 1), Reader(path)
    for number in range(3_000):
        clock.now += 1
        log.write(f"{number}\n".encode())
    assert [when for when, _ in reader.lines()] == [1001.0 + number for number in range(3_000)]
    log.write(b"unfin")
    assert list(reader.lines()) == []
    clock.now += 1
    log.write(b"ished\nnew\n")
    assert list(reader.lines()) == [(4000.0, b"unfinished"), (4001.0, b"new")]
    assert len(reader._times) < 5


def test_times_do_not_go_back_with_the_clock(path: Path, clock: Clock) -> None:
    log = Log(str(path), 1_000_000, 1)
    log.write(b"one\n")
    clock.now += 10
    log.write(b"two\n")
    clock.now -= 500
    log.write(b"three\n")
    Log(str(path), 1_000_000, 1).write(b"four\n")
    assert last_lines(path, 9) == [(1000.0, b"one"), *((1010.0, line) for line in (b"two", b"three", b"four"))]


def test_lost_or_broken_times_do_not_lose_lines(path: Path) -> None:
    Log(str(path), 1_000_000, 1).write(b"one\n")
    path.with_name("web.log.times").write_bytes(b"\x00" * 7)
    assert last_lines(path, 5) == [(0.0, b"one")]
    path.with_name("web.log.times").unlink()
    assert last_lines(path, 5) == [(0.0, b"one")]
