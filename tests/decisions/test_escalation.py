"""Which signal is due when, for all that ends processes; the contract has the same seconds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.api import scale
from sentinel_tasks.decisions.escalation import CLEANUP, TAKEOVER, Escalation, SignalStep, stop_of_a_service
from tests.contract import CONTRACT


def test_a_stop_asks_first_and_kills_last() -> None:
    assert stop_of_a_service(10.0) == Escalation(
        steps=(
            SignalStep(0.0, "SIGINT", "foreground"),
            SignalStep(10.0, "SIGTERM", "all"),
            SignalStep(13.0, "SIGKILL", "service"),
            SignalStep(14.0, "SIGKILL", "all"),
        ),
        gives_up_after=15.0,
    )


def test_what_a_service_left_behind_is_not_waited_for_as_long() -> None:
    assert [step.after for step in stop_of_a_service(10.0, ended_after=1.0).steps] == [0.0, 1.5, 4.5, 5.5]
    assert stop_of_a_service(0.2, ended_after=1.0).steps[1].after == 0.2


def test_a_hook_has_its_time_once_the_launcher_has_ended_what_is_left() -> None:
    assert stop_of_a_service(10.0, has_hooks=True) == stop_of_a_service(10.0)
    hooked = stop_of_a_service(10.0, ended_after=1.0, has_hooks=True)
    assert [step.after for step in hooked.steps] == [0.0, 15.0, 18.0, 19.0]
    assert hooked.gives_up_after == 20.0


@given(st.floats(0.001, 86_400), st.none() | st.floats(0, 86_400), st.booleans())
def test_every_signal_of_a_stop_is_due_in_order_and_before_giving_up(
    timeout: float, ended_after: float | None, has_hooks: bool
) -> None:
    escalation = stop_of_a_service(timeout, ended_after, has_hooks=has_hooks)
    times = [step.after for step in escalation.steps]
    assert times == sorted(times)
    assert times[-1] < escalation.gives_up_after


@pytest.mark.parametrize(
    ("elapsed", "taken", "due"),
    [(0.0, 0, "SIGTERM"), (4.9, 1, None), (5.0, 1, "SIGKILL"), (9.0, 0, "SIGTERM"), (9.0, 2, None)],
)
def test_one_step_is_due_at_a_time_and_once(elapsed: float, taken: int, due: str | None) -> None:
    step = TAKEOVER.due(elapsed, taken)
    assert (step.signal if step else None) == due


def test_the_seconds_of_a_takeover_are_those_of_the_contract() -> None:
    (found,) = re.findall(r"KILL after (\d) s. One that outlives KILL by (\d) s", CONTRACT)
    kill, patience = map(float, found)
    assert (TAKEOVER.steps[-1].after, TAKEOVER.gives_up_after) == (kill, kill + patience)


def test_the_workers_of_the_api_are_ended_as_the_doctor_ends_strays() -> None:
    assert scale.GRACE == CLEANUP.steps[-1].after == CLEANUP.gives_up_after - CLEANUP.steps[-1].after
