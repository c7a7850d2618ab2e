"""What the supervisor repeats, because it imports nothing of ours but lineage, agrees with the rest."""

import re
import signal
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.decisions import escalation
from sentinel_tasks.decisions.escalation import stop_of_a_service
from sentinel_tasks.logs import rotation
from sentinel_tasks.model import Restart, Run
from sentinel_tasks.supervisor import capture, ending
from sentinel_tasks.supervisor.record import annotate_log
from sentinel_tasks.supervisor.restarts import Restarts, is_due
from sentinel_tasks.text.annotations import begin_annotation, end_annotation
from tests.facts import service


@pytest.mark.parametrize(("word", "expected"), [("begin", begin_annotation("L1")), ("end", end_annotation("L1"))])
def test_the_launcher_annotates_the_log_as_its_readers_expect(
    capfdbinary: pytest.CaptureFixture[bytes], word: str, expected: bytes
) -> None:
    annotate_log(word, "L1")
    assert capfdbinary.readouterr().out == expected


@pytest.mark.parametrize("annotation", [begin_annotation("L1"), end_annotation("a1b2c3d4e5f6")])
def test_the_log_pump_takes_out_every_annotation(annotation: bytes) -> None:
    assert capture.annotation(b"so " + annotation + b" on", 0) == (3, 3 + len(annotation), *_told(annotation))
    assert annotation.startswith(capture.OPENING)
    assert len(annotation) < capture.LONGEST_ANNOTATION


def _told(annotation: bytes) -> list[str]:
    """The word and the launch between the opening and the end."""
    return annotation.removeprefix(capture.OPENING)[:-1].decode().split(";")


@given(st.lists(st.sampled_from([capture.OPENING, b"begin", b"Be", b";", b"L1", b"\x07", b"\xb5", b"\n"])))
def test_the_log_pump_takes_out_what_the_readers_call_an_annotation_and_nothing_else(parts: list[bytes]) -> None:
    data, place, left = b"".join(parts)[: capture.LONGEST_ANNOTATION], 0, b""
    while found := capture.annotation(data, place):
        left, place = left + data[place : found[0]], found[1]
    assert left + data[place:] == re.sub(rb"\x1b\]7357;sentinel-([a-z]+);([0-9A-Za-z]*)\x07", b"", data)


def test_the_log_pump_writes_where_runs_begin_as_the_reader_reads_it(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    capture.Log(str(log), 100, 1).note("begin", "L1")
    assert [(mark.offset, mark.word, mark.launch) for mark in rotation.marks_at(log)] == [(0, "begin", "L1")]


def test_the_log_pump_writes_times_as_the_reader_unpacks_them() -> None:
    assert capture.TIMES.format == rotation.TIMES.format


@pytest.mark.parametrize("policy", get_args(Restart))
def test_the_launcher_knows_every_restart_policy(policy: str) -> None:
    due = [is_due(policy, code, quick=1, well=code == 0) for code in (0, 1, -9)]
    assert due == {"never": [False] * 3, "on-failure": [False, True, True], "always": [True] * 3}[policy]


def test_the_launcher_ends_its_service_as_a_stop_does() -> None:
    steps = [(step.after, step.signal) for step in stop_of_a_service(10.0, stop_signal="QUIT").steps]
    ours = ending.stop_of_the_service(10.0, signal.SIGQUIT)
    assert [(step.after, signal.Signals(step.signal).name) for step in ours] == steps[:3]
    assert [step.asks for step in ours] == [True, False, False]
    assert steps[3][0] == steps[2][0] + ending.KILL_SECONDS
    assert ending.LEFTOVER_SECONDS == escalation.LEFTOVER_SECONDS


@pytest.mark.parametrize("code", [0, 3, 143, -15, -9])
def test_the_launcher_and_status_agree_on_what_ended_well(code: int) -> None:
    """Status has a signal by its name, the launcher has it below 0."""
    codes = (143, 3)
    told = {"signal": signal.Signals(-code).name} if code < 0 else {"exit_code": code}
    one = service(success_codes=codes)
    assert Restarts("on-failure", codes).ends_well(code) == one.ends_well(Run("L1", 1, **told)) == (code != -9)
    assert (Restarts("on-failure", codes).delay_after(code, 1.0) is None) == (code != -9)


def test_the_launcher_leaves_it_to_a_stop_to_end_what_a_service_left_behind() -> None:
    last = stop_of_a_service(10.0, ended_after=0.0).steps[-1]
    assert last.after == ending.TASK_SECONDS
