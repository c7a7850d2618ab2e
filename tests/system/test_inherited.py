"""What a task may hand down to a service."""

from __future__ import annotations

import resource

import pytest

from sentinel_tasks.system.inherited import most_open_files


@pytest.mark.parametrize(
    ("wanted", "hard", "is_root", "most"),
    [(64, 64, False, None), (65, 64, False, 64), (65, 64, True, None), (10**6, resource.RLIM_INFINITY, False, None)],
)
def test_more_files_than_the_shell_may_give_are_known_before_a_start(
    monkeypatch: pytest.MonkeyPatch, wanted: int, hard: int, is_root: bool, most: int | None
) -> None:
    limits = [(32, hard)]

    def set_limit(kind: int, pair: tuple[int, int]) -> None:
        if not is_root and pair[1] > limits[0][1]:
            raise ValueError("not allowed to raise maximum limit")
        limits[0] = pair

    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits[0])
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    assert most_open_files(wanted) == most
    assert limits == [(32, hard)], "nothing is left changed"
