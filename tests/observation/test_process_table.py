"""Whom a look asks for a listening socket."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sentinel_tasks.lineage.process import Process
from sentinel_tasks.lineage.reach import Caller
from sentinel_tasks.observation.process_table import ProcessTable
from sentinel_tasks.world import World

BEGUN = {1: 0, 20: 300, 30: 400, 40: 400, 50: 500}
"""When each began, in ticks: 30 is the launcher of the service that is looked at."""


def table(services: int = 1, near: Collection[int] | None = None) -> ProcessTable:
    read = {pid: Process(pid, ticks, 1, pid, pid, 1000) for pid, ticks in BEGUN.items()}
    processes = SimpleNamespace(
        read=lambda: read,
        below=lambda roots: {pid: read[pid] for pid in roots},
        pids=lambda: [*BEGUN],
        caller=lambda: Caller(50, 1000),
    )
    ports = SimpleNamespace(
        holders=lambda port, among: [(pid, "::") for pid in sorted(among)],
        all_listeners=lambda: [(80, pid, "0.0.0.0") for pid in BEGUN],
    )
    return ProcessTable(cast("World", SimpleNamespace(processes=processes, ports=ports)), services, near)


@pytest.mark.parametrize(
    ("asked", "pids"),
    [
        ({}, [1, 20, 30, 40, 50]),
        ({"since": 400}, [30, 40, 50]),
        ({"since": 400, "others": [20, None]}, [20, 30, 40, 50]),
    ],
)
def test_only_who_may_have_inherited_a_socket_is_asked_for_it(asked: dict[str, Any], pids: list[int]) -> None:
    assert [pid for pid, _ in table().holders(80, **asked)] == pids


def test_a_look_at_a_launch_of_its_own_asks_everybody_for_its_socket_and_looks_at_nobody_else() -> None:
    near = table(near=[30])
    assert [pid for pid, _ in near.holders(80, since=400)] == [*BEGUN]
    assert [pid for pid in BEGUN if near.process(pid)] == [30]
    assert [pid for pid in BEGUN if table(100, near=[30]).process(pid)] == [*BEGUN]


def test_a_look_at_many_asks_everybody_once() -> None:
    assert [pid for pid, _ in table(100).holders(80, since=400)] == [*BEGUN]
