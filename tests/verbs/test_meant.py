"""Which services a name stands for: its own, or all instances that have it in common."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.config.instances import with_number
from sentinel_tasks.verbs.acting import are_instances, meant
from tests import facts
from tests.engine.histories import DB, WEB

ONE, TWO = (with_number(replace(WEB, instances=2), number) for number in (1, 2))
LEFT = replace(facts.service("left-3"), template="")
WORKSPACE = facts.workspace(ONE, TWO, DB, LEFT)

NAMES = [
    (None, ["web-1", "web-2", "db", "left-3"]),
    (["web"], ["web-1", "web-2"]),
    (["web-2"], ["web-2"]),
    (["web-2", "web", "db"], ["web-2", "web-1", "db"]),
    (["left"], ["left-3"]),  # known from its window alone, where the configuration is wrong
    (["gone"], ["gone"]),
    ([], []),
]


@pytest.mark.parametrize(("names", "services"), NAMES)
def test_a_name_stands_for_its_service_or_for_all_instances(names: list[str] | None, services: list[str]) -> None:
    assert meant(WORKSPACE, names) == services


def test_the_tasks_of_several_tell_of_each_even_where_there_is_one() -> None:
    assert are_instances(["web-1"], ["web"])
    assert not are_instances(["db"], ["db"])
    assert not are_instances(["db", "web-1"], None)
