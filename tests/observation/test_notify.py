"""What a service says of itself by systemd's protocol, as its health and its state."""

from __future__ import annotations

from msgspec.structs import replace

from sentinel_tasks.decisions.decide import has_longer, state
from sentinel_tasks.model import Answer, Health, Observation
from sentinel_tasks.observation.health_check import _told
from sentinel_tasks.report.page import state_words
from tests.facts import NOW, OWN_RUN, report, seen_alive, service

WEB = service(health=Health("notify"), port=None, startup_timeout=30.0)


def seen(**told: object) -> Observation:
    """It runs for longer than a start may take, and has told this."""
    return replace(seen_alive(), run=replace(OWN_RUN, started=NOW - 60, **told))


def test_it_is_healthy_once_it_has_said_so() -> None:
    assert _told(seen()) == Answer(False, "no READY=1 came to its NOTIFY_SOCKET yet")
    assert _told(seen(status="loading")).detail.endswith("yet; it says: loading")
    assert _told(seen(ready=NOW)) == Answer(True, "it told that it is ready")
    assert _told(seen(ready=NOW, status="3 users")) == Answer(True, "3 users")


def test_a_start_may_take_longer_as_long_as_it_says_so() -> None:
    late = replace(seen(), answer=Answer(False, "not yet"))
    assert (has_longer(late), state(WEB, late)) == (False, "unhealthy")
    told = replace(seen(extended=NOW + 5), answer=Answer(False, "not yet"))
    assert (has_longer(told), state(WEB, told)) == (True, "starting")


def test_what_it_does_is_in_its_status() -> None:
    assert state_words(report("running", seen(ready=NOW, status="3\x1b[31m users"))).endswith(": 3 users")
