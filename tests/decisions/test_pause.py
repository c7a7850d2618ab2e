"""The pause between two looks: quick to see what is quick, and no burden for what takes long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.decisions.pause import LONGEST, SHORTEST, pause_after


@pytest.mark.parametrize(("elapsed", "pause"), [(0.0, 0.01), (0.2, 0.01), (1.0, 0.04), (5.0, 0.2), (3600.0, 0.25)])
def test_the_pause_grows_with_what_was_waited(elapsed: float, pause: float) -> None:
    assert pause_after(elapsed) == pytest.approx(pause)


@given(st.floats(0, 86_400), st.floats(0, 86_400))
def test_a_longer_wait_never_has_a_shorter_pause(one: float, other: float) -> None:
    assert SHORTEST <= pause_after(min(one, other)) <= pause_after(max(one, other)) <= LONGEST


def test_a_wait_of_half_a_minute_takes_a_bounded_number_of_looks() -> None:
    elapsed, looks = 0.0, 0
    while elapsed < 30.0:
        elapsed, looks = elapsed + pause_after(elapsed), looks + 1
    assert looks < 250
