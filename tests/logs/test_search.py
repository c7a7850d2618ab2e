"""Searches of a log against looking at each of its bytes, cut at every rotation; cursors against the whole of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sentinel_tasks.logs.elsewhere import LONG
from sentinel_tasks.logs.filter import Filter
from sentinel_tasks.logs.rotation import rotated
from sentinel_tasks.logs.search import Search
from sentinel_tasks.logs.wanted import Asked, Place, Wanted
from sentinel_tasks.names import times_path
from sentinel_tasks.supervisor.capture import Log
from sentinel_tasks.text.annotations import begin_annotation
from sentinel_tasks.text.sanitize import is_only_annotations

pytestmark = pytest.mark.usefixtures("_closing_logs")

Lines = list[tuple[float, bytes]]
BEGIN = 1000.0


class Written(NamedTuple):
    """What a service prints at a time; or where a run of it begins, if that is nothing."""

    after: int
    data: bytes


class Writer:
    """A log pump's log with a clock of ours, and what a person would say is in it."""

    def __init__(self, path: Path, size: int, backups: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = BEGIN
        monkeypatch.setattr("sentinel_tasks.supervisor.capture.time.time", lambda: self.now)
        self.log = Log(str(path), size, backups)
        self.lines, self.rest = Lines(), list[tuple[float, int]]()
        self.write(Written(0, b""))

    def write(self, written: Written) -> None:
        self.now += written.after
        if written.data:
            self.log.write(written.data)
        else:
            self.log.note("begin", "L")
            self.end()
            self.lines.append((self.now, begin_annotation("L")))
        for byte in written.data:
            if byte != 10:
                self.rest.append((self.now, byte))
                continue
            self.lines.append((self.rest[0][0] if self.rest else self.now, bytes(each for _, each in self.rest)))
            self.rest.clear()

    def end(self) -> None:
        """What has no newline is a line once a run begins, or nothing more comes."""
        if self.rest:
            self.lines.append((self.rest[0][0], bytes(each for _, each in self.rest)))
            self.rest.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


def found(path: Path, wanted: Wanted, is_written: bool = False) -> tuple[Lines, Place]:
    with Search(path, wanted, is_written) as search:
        assert search.begin()
        return list(search.found()), search.place()


def printed(lines: Sequence[tuple[float, bytes]]) -> Lines:
    return [each for each in lines if not is_only_annotations(each[1])]


def looking_at_each(lines: Lines, wanted: Wanted) -> Lines:
    since, until = wanted.since or 0.0, wanted.until or float("inf")
    each = Filter(wanted.asked)
    kept = [(when, line) for when, line in lines if (each.is_open or each.keeps(line)) and since <= when <= until]
    return printed(kept)[-wanted.most :] if wanted.most else printed(kept)


TEXTS = st.lists(
    st.sampled_from([b"a", b"b", b"abc", b"\n", b"\n", b"ERROR x", b"INFO", b'{"k":"abc"}', b"\x1b[31m", "é".encode()]),
    max_size=6,
).map(b"".join)
WRITES = st.lists(st.builds(Written, st.integers(1, 3), TEXTS), max_size=25)


def rotated_log(path: Path, writes: list[Written], size: int) -> Writer:
    """Writes all of it to a log that is rotated at that size."""
    with pytest.MonkeyPatch.context() as patch:
        writer = Writer(path, size, 500, patch)
        for each in writes:
            writer.write(each)
    return writer


ASKED = st.sampled_from(
    [
        Asked(), Asked(), Asked(grep="abc"), Asked(grep="^a"), Asked(grep="a", invert=True), Asked(level="warn"),
        Asked(level="info"), Asked(fields=(("k", "abc"),)), Asked(grep="x", level="error"),
    ]
)  # fmt: skip
TIMES = st.one_of(st.none(), st.integers(0, 50).map(lambda after: BEGIN + after))


@given(WRITES, ASKED, TIMES, TIMES, st.one_of(st.none(), st.integers(1, 9)), st.integers(1, 60))
def test_search_is_what_looking_at_each_byte_would_find_whatever_was_rotated(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Written], asked: Asked, since: float | None,
    until: float | None, most: int | None, size: int,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("log") / "web.log"
    writer = rotated_log(path, writes, size)
    writer.end()
    wanted = Wanted(asked, since, until, None, most)
    assert printed(found(path, wanted)[0]) == looking_at_each(writer.lines, wanted)


ODD_TEXTS = st.lists(
    st.sampled_from(
        [b"a", b"abc", b"\n", b"\n", b"\n", b"ERROR x", b"INFO", b'{"k":"abc"}\n', b"\xff\xe2\x82", "€".encode(),
         b"Traceback (most recent call last):\n  at x\n", b"abc\r\n", b"\x1b[31m", b"\x1b[2J", b"   \n"]
    ),
    max_size=6,
).map(b"".join)  # fmt: skip
STOPPED_AT_A_RUN = (Asked(), None, BEGIN + 4, 0, 1, [1], False, False)
WINDOWS = st.lists(st.integers(1, 200), min_size=1, max_size=4).map(sorted)


@example([Written(4, b"aa"), Written(1, b""), Written(1, b"\n"), Written(1, b"a\n")], *STOPPED_AT_A_RUN)
@given(
    st.lists(st.builds(Written, st.integers(1, 3), ODD_TEXTS), max_size=25), ASKED, TIMES, TIMES, st.integers(0, 9),
    st.integers(1, 200), WINDOWS, st.booleans(), st.booleans(),
)  # fmt: skip
def test_last_lines_are_the_same_wherever_near_the_end_the_search_begins(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Written], asked: Asked, since: float | None,
    until: float | None, most: int, size: int, windows: list[int], is_written: bool, has_all_times: bool,
) -> None:  # fmt: skip
    assume(since is None or until is None or since <= until)
    path = tmp_path_factory.mktemp("log") / "web.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sentinel_tasks.supervisor.capture.LONGEST_LINE", 5)  # so that lines go on in the next file
        patch.setattr("sentinel_tasks.logs.before.LOOKED_BACK", 5)
        writer = Writer(path, size, 500, patch)
        for each in writes:
            writer.write(each)
        if not has_all_times:
            times_path(rotated(path)[len(rotated(path)) // 2]).unlink()
        wanted = Wanted(asked, since, until, None, most)
        patch.setattr("sentinel_tasks.logs.near_end.WINDOWS", ())
        whole = found(path, wanted, is_written)
        patch.setattr("sentinel_tasks.logs.near_end.WINDOWS", windows)
        patch.setattr("sentinel_tasks.logs.elsewhere.LONG", 2)
        near_end = found(path, wanted, is_written)
    assert (printed(near_end[0]), near_end[1]) == (printed(whole[0]), whole[1])


@given(WRITES, ASKED, st.one_of(st.none(), st.integers(1, 4)), st.integers(1, 60), st.sampled_from([0, 2, 500]))
def test_cursor_gives_no_line_twice_and_loses_none_without_saying_so(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Written], asked: Asked, most: int | None, size: int,
    backups: int,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("log") / "web.log"
    if asked.level:  # the entry that a line belongs to may be in a file that is gone
        backups = 500
    with pytest.MonkeyPatch.context() as patch:
        writer = Writer(path, size, backups, patch)
        seen, place = found(path, Wanted(asked, after=Place()), is_written=True)
        for each in writes:
            writer.write(each)
            for lines, ended in pages(path, Wanted(asked, None, None, place, most)):
                seen, place = seen + lines, ended
    writer.end()
    with Search(path, Wanted(asked, after=place), is_written=False) as search:
        if search.begin():
            assert printed([*seen, *search.found()]) == looking_at_each(writer.lines, Wanted(asked))
        else:
            assert backups < 500


def pages(path: Path, wanted: Wanted) -> Iterator[tuple[Lines, Place]]:
    """The answers of a service that still runs, until one has nothing new."""
    while True:
        with Search(path, wanted, is_written=True) as search:
            if not search.begin():
                return
            lines, place = list(search.found()), search.place()
        yield lines, place
        if place == wanted.after:
            return
        wanted = wanted._replace(after=place)


def written(path: Path, *texts: str, size: int = 1_000_000, backups: int = 9) -> Log:
    log = Log(str(path), size, backups)
    for text in texts:
        log.write(text.encode())
    return log


def test_place_in_a_file_that_was_removed_is_gone(path: Path) -> None:
    log = written(path, "one\n", "two\n", size=1, backups=1)
    place = found(path, Wanted())[1]
    for text in ("three\n", "four\n", "five\n"):
        log.write(text.encode())
    assert not Search(path, Wanted(after=place), is_written=True).begin()


def test_place_in_a_file_that_somebody_emptied_is_gone(path: Path) -> None:
    written(path, "one\n")
    place = found(path, Wanted())[1]
    path.write_bytes(b"")
    assert not Search(path, Wanted(after=place), is_written=True).begin()


def test_another_file_with_the_inode_of_one_that_was_removed_is_not_taken_for_it(path: Path) -> None:
    written(path, "one\n")
    place = found(path, Wanted())[1]
    other = place._replace(first=place.first - 1)
    assert not Search(path, Wanted(after=other), is_written=True).begin()


def test_place_in_a_log_that_is_not_there_yet_is_before_its_first_line(path: Path) -> None:
    lines, place = found(path, Wanted(most=3))
    assert (lines, place) == ([], Place())
    written(path, "one\n")
    assert [line for _, line in found(path, Wanted(after=place))[0]] == [b"one"]


def test_unfinished_line_is_shown_by_an_answer_and_whole_by_the_next(path: Path) -> None:
    log = written(path, "one\nPassword: ")
    lines, place = found(path, Wanted(most=5), is_written=True)
    assert [line for _, line in lines] == [b"one", b"Password: "]
    assert found(path, Wanted(after=place), is_written=True) == ([], place)
    log.write(b"given\n")
    assert [line for _, line in found(path, Wanted(after=place), is_written=True)[0]] == [b"Password: given"]


def test_line_that_nobody_will_end_is_whole(path: Path) -> None:
    written(path, "one\nKilled")
    place = found(path, Wanted(most=0), is_written=True)[1]
    lines, place = found(path, Wanted(after=place))
    assert [line for _, line in lines] == [b"Killed"]
    assert found(path, Wanted(after=place)) == ([], place)


def test_cursor_stands_before_what_came_later_than_was_asked_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(path, 100, 9, monkeypatch)
    for text in (b"abc 1\nwords\n", b"other\n", b"abc 2\n"):
        writer.write(Written(5, text))
    monkeypatch.setattr("sentinel_tasks.logs.reader.AT_ONCE", 12)
    lines, place = found(path, Wanted(Asked(grep="abc"), until=BEGIN + 9))
    lines += found(path, Wanted(Asked(grep="abc"), after=place))[0]
    assert [line for _, line in printed(lines)] == [b"abc 1", b"abc 2"]


def test_long_lines_are_read_again_once_they_are_shown(path: Path) -> None:
    lines = [b"a" * LONG, b"b" * 2 * LONG, b" " * LONG]
    written(path, *(f"{line.decode()}\n" for line in lines), size=LONG, backups=9)
    with Search(path, Wanted(most=3), is_written=False) as search:
        assert search.begin()
        found = search.found()
        first = next(found)[1]
        for each in rotated(path):
            each.unlink()
        assert [first, *(line for _, line in found)] == lines


def test_line_that_ends_with_its_file_is_not_read_from_the_next(path: Path) -> None:
    log = written(path, "a" * 2 * LONG)
    log.rotate()
    log.note("begin", "L")
    log.write(b"b" * 3 * LONG + b"\n")
    assert [line for _, line in printed(found(path, Wanted(most=3))[0])] == [b"a" * 2 * LONG, b"b" * 3 * LONG]


def test_line_over_a_rotation_is_whole_behind_a_cursor(path: Path) -> None:
    path.with_name("web.log.1").write_bytes(b"one\nbegun ")
    path.write_bytes(b"and")
    place = found(path, Wanted(after=Place()), is_written=True)[1]
    with path.open("ab") as file:
        file.write(b" ended\n")
    assert [line for _, line in found(path, Wanted(after=place))[0]] == [b"begun and ended"]


def test_line_behind_a_cursor_belongs_to_no_entry_of_the_run_before(path: Path) -> None:
    log = written(path, "ready", size=1)
    log.note("begin", "L")
    log.write(b"ERROR x\n")
    log.note("begin", "L")
    log.write(b"\n")
    place = found(path, Wanted(), is_written=True)[1]
    log.write(b"plain")
    assert found(path, Wanted(Asked(level="warn"), after=place))[0] == []


def test_search_that_follows_gives_what_comes(path: Path) -> None:
    log = written(path, "ERROR one\nINFO two\nERROR three\n")
    with Search(path, Wanted(Asked(level="error"), most=1, follows=True), is_written=True) as search:
        assert search.begin()
        assert [line for _, line in search.found()] == [b"ERROR three"]
        log.write(b"  of three\nINFO\nERROR fo")
        assert [line for _, line in search.to_come()] == [b"  of three"]
        log.write(b"ur\n")
        assert [line for _, line in search.to_come()] == [b"ERROR four"]
        assert search.to_come() == []


def test_lines_without_times_are_found_but_not_by_time(path: Path) -> None:
    path.write_bytes(b"one\ntwo\n")
    assert len(found(path, Wanted())[0]) == 2
    assert found(path, Wanted(since=1.0))[0] == []
    assert len(rotated(path)) == 1
