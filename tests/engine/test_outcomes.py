"""What a start that failed says of its service."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.outcomes import failed
from sentinel_tasks.model import Fail, Health, State
from tests.facts import NOW, OWN_RUN, SICK, seen_alive, service, workspace


@pytest.mark.parametrize(("kind", "word"), [("http", "unhealthy"), ("exit", "starting")])
def test_service_that_was_late_is_unhealthy_though_it_began_a_moment_after_it_was_launched(
    kind: str, word: State
) -> None:
    late = service(startup_timeout=2.0, health=Health("http", "/") if kind == "http" else Health("exit"))
    young = seen_alive(run=replace(OWN_RUN, began=NOW - 1.95, started=NOW - 1.95), answer=SICK)
    told = failed(late, workspace(late), Fail("timeout"), young)
    assert (told.state, told.code) == (word, 1)
