"""What became of a workspace's folder: gone only where that is sure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.decisions.gone import Sight, fate_of, has_been_gone, since_when

KNOWN: dict[str, Any] = {"is_known": True, "mount": "mounted", "mount_point": "/"}
DISK: dict[str, Any] = {"is_known": True, "mount_point": "/mnt/disk"}
CASES: dict[str, tuple[Sight, str]] = {
    "it is there": (Sight(True), "here"),
    "it is there, though another folder of that name was removed": (Sight(True, held="removed", **KNOWN), "here"),
    "it can't be looked at": (Sight(None, "Permission denied", **KNOWN), "in-doubt"),
    "it was removed while its services run": (Sight(False, held="removed"), "gone"),
    "it was removed, and nothing of it runs": (Sight(False, **KNOWN), "gone"),
    "it was moved while its services run": (Sight(False, elsewhere="/b", **KNOWN), "moved"),
    "it was moved, as git knows": (Sight(False, by_git="/b", **KNOWN), "moved"),
    "it was moved to another disk and git was told: the old folder was removed": (
        Sight(False, held="removed", by_git="/disk/b", **KNOWN),
        "moved",
    ),
    "its disk was unmounted while its services run": (
        Sight(False, held="hidden", mount="missing", **DISK),
        "not-mounted",
    ),
    "one of two launchers works in what nobody can reach": (Sight(False, held="hidden", **KNOWN), "not-mounted"),
    "its disk was unmounted, and nothing of it runs": (Sight(False, mount="missing", **DISK), "not-mounted"),
    "another disk is mounted there": (Sight(False, mount="other", **DISK), "in-doubt"),
    "nobody can tell what is mounted": (Sight(False, mount="unknown", **DISK), "in-doubt"),
    "an older version has not written down which folder it was": (Sight(False), "in-doubt"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_became_of_a_workspace(case: str) -> None:
    sight, word = CASES[case]
    fate = fate_of(sight)
    assert fate.word == word
    assert bool(fate.reason) == (word != "here")
    assert fate.moved_to == (sight.elsewhere or sight.by_git if word == "moved" else "")


SIGHTS = st.builds(
    Sight, is_there=st.sampled_from([True, False, None]), why=st.just("why"), is_known=st.booleans(),
    mount=st.sampled_from(["mounted", "missing", "other", "unknown"]), mount_point=st.just("/mnt"),
    held=st.sampled_from(["", "removed", "hidden"]), elsewhere=st.sampled_from(["", "/b"]),
    by_git=st.sampled_from(["", "/c"]),
)  # fmt: skip


@given(SIGHTS)
def test_nothing_is_gone_that_is_there_or_may_be_elsewhere(sight: Sight) -> None:
    if fate_of(sight).word == "gone":
        assert sight.is_there is False
        assert not sight.elsewhere
        assert not sight.by_git
        assert sight.held == "removed" or (sight.held == "" and sight.is_known and sight.mount == "mounted")


def test_how_long_it_has_been_gone() -> None:
    assert since_when(None, None, None) is None
    assert since_when(200.0, None, 100.0) == 100.0, "what is above was not changed since"
    assert since_when(200.0, None, 900.0) == 200.0, "what is above was changed again"
    assert since_when(200.0, 150.0, 900.0) == 150.0, "the kernel knows"
    assert not has_been_gone(None, 1000.0, 10.0)
    assert not has_been_gone(995.0, 1000.0, 10.0)
    assert has_been_gone(100.0, 1000.0, 10.0)
    assert has_been_gone(999.0, 1000.0, 0.0)
