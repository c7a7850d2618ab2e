"""What counts as one change: histories of saves, with the time that a test says."""

from __future__ import annotations

import pytest

from sentinel_tasks.watcher.burst import LONGEST, Burst

History = list[tuple[float, list[str], bool]]
"""Seconds, the files that changed then, and whether git still writes."""

HISTORIES: dict[str, tuple[History, list[tuple[float, str]]]] = {
    "one save": ([(0.0, ["a.py"], False), (0.1, [], False), (0.2, [], False)], [(0.2, "a.py changed")]),
    "an editor that writes twice": (
        [(0.0, ["a.py"], False), (0.15, ["a.py"], False), (0.2, [], False), (0.35, [], False)],
        [(0.35, "a.py changed")],
    ),
    "two files": ([(0.0, ["b.py", "a.py"], False), (0.2, [], False)], [(0.2, "b.py and a.py changed")]),
    "two saves with time between": (
        [(0.0, ["a.py"], False), (0.3, [], False), (1.0, ["b.py"], False), (1.2, [], False)],
        [(0.3, "a.py changed"), (1.2, "b.py changed")],
    ),
    "a checkout of 5000 files with gaps": (
        [*((n / 10, [f"f{n}-{k}.py" for k in range(50)], True) for n in range(100)), (10.91, [], False)],
        [(10.91, "f0-0.py and 4999 more changed")],
    ),
    "a tool that writes many files and pauses": (
        [
            (0.0, [f"{n}.js" for n in range(11)], False),
            (0.9, ["a.js"], False),
            (1.8, [], False),
            (1.9, [], False),
        ],
        [(1.9, "0.js and 11 more changed")],
    ),
    "git is still busy when nothing has come for a while": (
        [(0.0, ["a.py"], True), (0.2, [], True), (0.3, [], False), (0.4, [], False)],
        [(0.4, "a.py changed")],
    ),
    "files that never stop changing": (
        [(n / 10, ["run.log"], False) for n in range(302)],
        [(LONGEST, "run.log changed")],
    ),
    "a lock that git has left behind": (
        [(n / 5, ["a.py"] if n == 0 else [], True) for n in range(151)],
        [(LONGEST, "a.py changed")],
    ),
    "nothing": ([(0.0, [], False), (9.0, [], False)], []),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_what_is_told_and_when(name: str) -> None:
    history, told = HISTORIES[name]
    burst, found = Burst(0.2), []
    for now, paths, is_busy in history:
        burst.add(paths, now)
        if reason := burst.taken(now, is_busy):
            found.append((now, reason))
    assert found == told


def test_a_burst_without_changes_is_never_due() -> None:
    assert Burst(0.2).due == float("inf")


def test_a_long_path_does_not_fill_the_message() -> None:
    burst = Burst(0.0)
    burst.add([f"{'deep/' * 900}a.py", f"{'deep/' * 900}b.py"], 0.0)
    reason = burst.taken(0.0, is_going_on=False)
    assert reason is not None
    assert len(reason) < 500
