"""Tasks of the user's that need services."""

from __future__ import annotations

from tests.lab import STAYS, Lab

TASKS = """
from invoke import Exit, task
from sentinel_tasks import requires, service, workspace

namespace = workspace(service("db"), service("web"), service("sick"))

@task
@requires("web", ephemeral=True)
def check(c, code="0"):
    "Needs web."
    print("checked", code)
    if code != "0":
        raise Exit(code=int(code))

@requires("db")
@task
def look(c):
    print("looked")

@task
@requires("sick")
def never(c):
    print("ran all the same")

for each in (check, look, never):
    namespace.add_task(each)
"""


def prepare(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(TASKS)
    lab.configure(db=STAYS, web={**STAYS, "depends_on": ["db"]}, sick={**STAYS, "command": "echo the cause; exit 3"})


def running(lab: Lab) -> list[str]:
    (group,) = lab.sentinel("ps", "--json").json["workspaces"]
    return [each["service"] for each in group["services"] if each["state"] == "running"]


def test_what_was_started_for_a_task_ends_with_it_however_that_ends(lab: Lab) -> None:
    prepare(lab)
    told = lab.inv("check", "--code", "5")
    assert (told.code, "checked 5" in told.out) == (5, True), told.said
    assert running(lab) == []


def test_what_ran_before_runs_on_and_nothing_else(lab: Lab) -> None:
    prepare(lab)
    told = lab.inv("look")
    assert (told.code, "looked" in told.out) == (0, True), told.said
    assert running(lab) == ["db"]
    assert lab.inv("check").code == 0
    assert running(lab) == ["db"]


def test_a_task_whose_service_fails_does_not_run(lab: Lab) -> None:
    prepare(lab)
    told = lab.inv("never")
    assert (told.code, "ran all the same" in told.out) == (1, False)
    assert "the cause" in told.err
