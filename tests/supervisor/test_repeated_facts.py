"""What the supervisor repeats, because it imports nothing of ours but lineage, agrees with the rest."""

from typing import get_args

import pytest

from sentinel_tasks.logs import rotation
from sentinel_tasks.model import Restart
from sentinel_tasks.supervisor import capture, launch
from sentinel_tasks.text.annotations import ANY_END, begin_annotation, end_annotation


@pytest.mark.parametrize(("word", "expected"), [("begin", begin_annotation("L1")), ("end", end_annotation("L1"))])
def test_the_launcher_annotates_the_log_as_its_readers_expect(
    capfdbinary: pytest.CaptureFixture[bytes], word: str, expected: bytes
) -> None:
    launch.annotate_log(word, "L1")
    assert capfdbinary.readouterr().out == expected


def test_the_log_pump_knows_the_end_of_a_launch() -> None:
    assert capture.END == ANY_END


def test_the_log_pump_writes_times_as_the_reader_unpacks_them() -> None:
    assert capture.TIMES.format == rotation.TIMES.format


@pytest.mark.parametrize("policy", get_args(Restart))
def test_the_launcher_knows_every_restart_policy(policy: str) -> None:
    due = [launch.is_due(policy, code, quick=1) for code in (0, 1, -9)]
    assert due == {"never": [False] * 3, "on-failure": [False, True, True], "always": [True] * 3}[policy]
