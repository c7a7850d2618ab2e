"""Which keys have changed, from two sets of digests."""

from __future__ import annotations

import pytest

from sentinel_tasks.decisions.changes import changed

CASES = {
    "nothing": ({"command": "1", "env.A": "2"}, {"command": "1", "env.A": "2"}, ()),
    "values": (
        {"command": "1", "env.A": "2", "port": "3"},
        {"command": "4", "env.A": "5", "port": "3"},
        ("command", "env.A"),
    ),
    "a variable came": ({"command": "1"}, {"command": "1", "env.A": "2"}, ("env.A",)),
    "a variable went": ({"env_file.A": "1"}, {}, ("env_file.A",)),
    "a newer version of ours knows more keys": ({"command": "1"}, {"command": "1", "detached": "2"}, ()),
    "an older version of ours knows fewer keys": ({"command": "1", "detached": "2"}, {"command": "1"}, ()),
}


@pytest.mark.parametrize("name", CASES)
def test_changed(name: str) -> None:
    before, now, keys = CASES[name]
    assert changed(before, now) == keys
