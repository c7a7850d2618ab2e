"""A service is alive as long as lines come that match: what the log pump wrote is read by the launcher's question."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.engine.specification import liveness_of
from sentinel_tasks.model import Health
from sentinel_tasks.supervisor import capture, log_probe
from sentinel_tasks.system import state_folder
from sentinel_tasks.text import sanitize
from tests.facts import service

START = 1_000_000.0


class Pump:
    """A log as the log pump writes it, at the times that a test says."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, max_bytes: int = 1_000_000) -> None:
        self.path, self.now = str(path), START
        monkeypatch.setattr(time, "time", lambda: self.now)
        self.log = capture.Log(self.path, max_bytes, 5)

    def at(self, second: float, text: str) -> None:
        self.now = START + second
        self.log.write(text.encode())

    def run_begins(self, second: float) -> None:
        self.now = START + second
        self.log.note("begin", "L1")

    def is_alive(self, second: float, pattern: str = "tick", within: float = 10.0) -> bool:
        self.now = START + second
        return log_probe.main(self.path, pattern, str(within)) == 0

    def end(self) -> None:
        os.close(self.log.file)
        os.close(self.log.times)


@pytest.fixture
def pump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pump]:
    made = Pump(tmp_path / "web.log", monkeypatch, max_bytes=60)
    yield made
    made.end()


def test_lines_count_for_so_many_seconds(pump: Pump, capsys: pytest.CaptureFixture[str]) -> None:
    pump.at(0, "tick 1\n")
    pump.at(1, "other\n")
    assert pump.is_alive(9.9)
    assert not pump.is_alive(11.2)
    assert capsys.readouterr().out == "no line matched 'tick' in the last 10 s"
    pump.at(12, "tick 2\n")
    assert pump.is_alive(12)


def test_what_comes_soon_after_other_lines_has_come_then(pump: Pump) -> None:
    """The pump notes a time ten times a second at most."""
    pump.at(0, "other\n")
    pump.at(0.05, "tick\n")
    assert pump.is_alive(10.04)


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("\x1b[32mtick\x1b[0m\n", "^tick$"),
        ("loading 10%\rloading 100%\rtick\n", "^tick$"),
        ("tick without an end", "end$"),
        ("é tick 🚀\n", "^é tick 🚀$"),
    ],
)
def test_a_line_is_read_as_a_person_sees_it(pump: Pump, line: str, pattern: str) -> None:
    pump.at(0, line)
    assert pump.is_alive(1, pattern)


def test_lines_in_rotated_files_count(pump: Pump) -> None:
    pump.at(0, "tick\n")
    for second in (1, 2, 3):
        pump.at(second, "x" * 59 + "\n")
    assert os.path.getsize(pump.path) == 0
    assert pump.is_alive(5)
    assert not pump.is_alive(12)


def test_lines_of_the_run_before_do_not_count(pump: Pump) -> None:
    pump.at(0, "tick\n")
    pump.run_begins(1)
    pump.at(1, "begun\n")
    assert not pump.is_alive(2)
    pump.at(3, "tick\n")
    assert pump.is_alive(4)


def test_nobody_can_tell_where_no_log_pump_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service is not ended because its log pump was killed."""
    gone = Pump(tmp_path / "web.log", monkeypatch)
    gone.at(0, "other\n")
    assert not gone.is_alive(100)
    gone.end()
    assert gone.is_alive(100)
    assert log_probe.main(str(tmp_path / "none.log"), "tick", "10") == 0


def test_a_long_line_is_read_in_bounded_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = Pump(tmp_path / "web.log", monkeypatch, max_bytes=10_000_000)
    long.at(0, "x" * 3_000_000 + "tick")
    assert long.is_alive(0)
    assert max(map(len, log_probe.lines_of(long.path, 0))) <= log_probe.LONGEST_LINE + log_probe.BLOCK
    long.end()


@given(st.text(alphabet="ab\x1b[]m;07\x07\r\t\x9b\u202e é", max_size=30))
def test_it_reads_a_line_as_the_tasks_do(text: str) -> None:
    raw = text.encode()
    assert log_probe.readable(raw) == sanitize.readable(raw, colour=False)


def test_its_times_are_those_that_the_pump_writes() -> None:
    assert log_probe.TIMES.format == capture.TIMES.format
    assert log_probe.SECONDS_BETWEEN_TIMES == capture.SECONDS_BETWEEN_TIMES


def test_it_calls_a_disk_full_that_the_tasks_call_full() -> None:
    assert log_probe.ROOM_FOR_LINES == state_folder.ROOM_FOR_LINES


def test_the_launcher_is_given_the_question_with_an_overlap() -> None:
    told = liveness_of(service(liveness=Health("log", "tick", interval=10.0)), None, "/state/web.log") or {}
    assert isinstance(told["command"], list)
    assert told["command"][0] == sys.executable
    assert told["command"][-3:] == ["/state/web.log", "tick", "11"]


@pytest.mark.parametrize(
    ("pattern", "code", "said"), [("tick", 0, ""), ("tock", 1, "no line matched 'tock' in the last 601 s")]
)
def test_the_question_that_the_launcher_is_given_can_be_asked(
    tmp_path: Path, pattern: str, code: int, said: str
) -> None:
    log = capture.Log(str(tmp_path / "web.log"), 1000, 1)
    log.write(b"tick\n")
    told = liveness_of(service(liveness=Health("log", pattern, interval=600.0)), None, log.path) or {}
    assert isinstance(told["command"], list)
    done = subprocess.run(told["command"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (code, said, "")
    os.close(log.file)
    os.close(log.times)
