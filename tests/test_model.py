"""The vocabulary: every state has its place in the named sets, its exit code, and its row in the contract."""

from typing import get_args

import pytest

from sentinel_tasks.model import (
    STATES_HEALTHY,
    STATES_STARTED,
    STATUS_CODES,
    Holder,
    Identity,
    Relation,
    Run,
    State,
)
from tests import facts
from tests.contract import CONTRACT, table, words


def test_the_contract_lists_every_state() -> None:
    assert set(table("| state | means |")) == set(get_args(State)) == set(STATUS_CODES)


def test_the_contract_lists_every_relation() -> None:
    assert set(table("| relation | the listener |")) == set(get_args(Relation))


def test_the_exit_codes_of_status_are_those_of_the_contract() -> None:
    sentence = CONTRACT.partition("- `status` and `telemetry.workers`: ")[2].partition(".\n")[0]
    codes = {word: int(part.split()[0]) for part in sentence.split("·") for word in words(part)}
    assert codes == STATUS_CODES


@pytest.mark.parametrize(("condition", "states"), [("started", STATES_STARTED), ("healthy", STATES_HEALTHY)])
def test_the_states_that_satisfy_a_condition_are_in_the_contract(condition: str, states: frozenset[State]) -> None:
    (satisfied,) = table("| condition | satisfied when the dependency is |")[condition]
    assert words(satisfied) & set(get_args(State)) == states


def test_what_a_recorded_process_starts_after_its_launcher_was_killed_is_recorded_with_it() -> None:
    """Status told a conflict: nginx, whose launcher was killed, had just started a worker of another user again."""
    master, worker, other = facts.process(21), facts.process(22, 21), facts.process(23)
    lines = [(master,), (worker, master), (other,)]
    left = [facts.listener(identity=Identity(each[0].pid, each[0].ticks), line=each) for each in lines]
    orphans = tuple(Holder(each, "stray") for each in left)
    run = Run("L1", 20, 21, ticks=21)
    assert facts.seen(run=run, orphans=orphans).recorded == {Identity(21, 21), Identity(22, 22)}
    assert facts.seen(orphans=orphans).recorded == frozenset()
