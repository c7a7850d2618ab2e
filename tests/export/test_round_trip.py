"""A service is the same process under `inv up`, a real supervisord, a real honcho and what a unit file says.

`make check-exports` runs 40 workspaces; here is one of them, and a planted difference that must be seen.
"""

from __future__ import annotations

import copy

import pytest

from tests.export.round_trip import Round, a_lab, differences, round_trip

pytestmark = pytest.mark.timeout(180)


def test_it_is_the_same_process_under_each_engine() -> None:
    services, found = round_trip(3)
    assert services
    assert found == []


def test_a_difference_would_be_seen() -> None:
    with a_lab() as lab:
        round_ = Round(lab, 1)
        ours = round_.run("inv")
    for plant in ("argv", "cwd", "env", "signal"):
        theirs = copy.deepcopy(ours)
        facts = theirs[0]["web"]
        facts[plant] = {**facts["env"], "ODD": "other"} if plant == "env" else "other"
        assert list(differences(round_, "systemd", ours, theirs))
    assert list(differences(round_, "systemd", ours, (ours[0], {**ours[1], "web": 99})))
    assert list(differences(round_, "systemd", ours, ours)) == []
