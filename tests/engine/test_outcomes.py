"""What a start that failed says of its service."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.outcomes import failed
from sentinel_tasks.engine.outcomes import report as outcome
from sentinel_tasks.model import Fail, Health, State
from tests.facts import ENDED_RUN, NOW, OWN_RUN, SICK, seen_alive, seen_ended, service, workspace


@pytest.mark.parametrize(("kind", "word"), [("http", "unhealthy"), ("exit", "starting")])
def test_service_that_was_late_is_unhealthy_though_it_began_a_moment_after_it_was_launched(
    kind: str, word: State
) -> None:
    late = service(startup_timeout=2.0, health=Health("http", "/") if kind == "http" else Health("exit"))
    young = seen_alive(run=replace(OWN_RUN, began=NOW - 1.95, started=NOW - 1.95), answer=SICK)
    told = failed(late, workspace(late), Fail("timeout"), young)
    assert (told.state, told.code) == (word, 1)


def test_what_was_wrong_with_a_hook_is_told_without_secrets() -> None:
    failures = {"crash": "its crash hook failed (exit 7): curl: https://ann:hunter2@example.com/ \x1b[31mrefused"}
    (note,) = outcome(service(), workspace(service()), seen_alive(run=replace(OWN_RUN, hooks=failures))).notes
    assert note.startswith("its crash hook failed (exit 7): curl: https://")
    assert "hunter2" not in note
    assert note.isprintable()


@pytest.mark.parametrize(("port", "code", "told"), [(None, 0, True), (None, 1, False), (3000, 0, False)])
def test_a_command_that_is_done_is_told_the_key_for_what_runs_once(port: int | None, code: int, told: bool) -> None:
    """`migrate` of a Procfile had ended with exit 0, and only its logs were proposed."""
    job = service("migrate", port=port, health=Health("up"))
    report = failed(job, workspace(job), Fail("ended"), seen_ended(run=replace(ENDED_RUN, exit_code=code)))
    assert ("sentinel.services.migrate.health: exit" in report.hint) == told
