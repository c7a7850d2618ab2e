"""How many windows one client of tmux opens at once."""

from __future__ import annotations

import pytest

from sentinel_tasks.tmux.commands import Opening, new_window, together

MOST = 16_384
"""Bytes of a client's message; tmux refuses a longer one."""


def opening(name: str, path: str) -> Opening:
    return Opening(
        "sentinel-app", path, path, path, name, 1, 10_000, name, "up", name, None, ("python", path), f"exec cat >{path}"
    )


@pytest.mark.parametrize(("length", "least"), [(20, 8), (400, 2), (1500, 1), (9000, 1)])
def test_as_many_windows_are_opened_at_once_as_a_message_holds(length: int, least: int) -> None:
    openings = [opening(f"s{number}", "é" * (length // 2)) for number in range(40)]
    found = together(openings)
    assert [each for some in found for each in some] == openings
    assert min(len(some) for some in found[:-1]) >= least
    for some in found:
        words = [word for each in some for command in new_window(each, False) for word in (*command, ";")]
        assert len(some) == 1 or sum(len(word.encode()) + 1 for word in words) < MOST
