"""Closing the workspace's session, as histories."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sentinel_tasks.engine.session import close_session
from tests import facts
from tests.engine.histories import DB, EARLIER, WEB, ended, running
from tests.scripted import ScriptedWorld
from tests.turns import Fact

STOPPED = [ended(WEB, EARLIER), ended(DB, EARLIER)]
NOT_YET = [ended(WEB, EARLIER), running(DB, EARLIER)]
BY_HAND = [*STOPPED, Fact(pane=facts.foreign_pane(session=facts.SESSION))]


@pytest.mark.parametrize(
    ("turns", "sent"),
    [
        pytest.param({0: STOPPED}, ["close $1"], id="all have ended"),
        pytest.param({0: NOT_YET, 0.5: STOPPED}, ["close $1"], id="tmux sees the last end later"),
        pytest.param({0: NOT_YET, 2: NOT_YET}, [], id="one runs on"),
        pytest.param({0: BY_HAND}, [], id="a window of a person's own"),
        pytest.param({0: []}, [], id="there is none"),
    ],
)
def test_a_session_is_closed_once_only_ended_windows_of_ours_are_in_it(
    turns: dict[float, Sequence[Fact]], sent: list[str]
) -> None:
    """A `down` left it where a busy tmux had not seen the last end yet; `gc` waited for that."""
    world = ScriptedWorld(facts.workspace(WEB, DB), turns)
    vars(world.tmux).update(close_session=lambda session: world.sent.append(f"close {session}"))
    assert close_session(world) == bool(sent)
    assert world.sent == sent
    assert not world.later
