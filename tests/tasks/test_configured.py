"""A service that only the configuration names is typed like any other: inv said that it had no idea what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentinel_tasks.names import TASKS_OF_A_SERVICE
from sentinel_tasks.tasks.service_tasks import tasks_of
from tests.lab import TASKS, Lab

NESTED = """
from invoke import Collection
from sentinel_tasks import dev, workspace
namespace = Collection()
namespace.add_collection(workspace(dev), name="svc")
"""
SLEEPER = {"command": "exec sleep 600", "health": None}


@pytest.mark.parametrize(("tasks", "at"), [(TASKS, ""), (NESTED, "svc.")])
def test_a_service_that_only_the_configuration_declares_has_tasks(lab: Lab, tasks: str, at: str) -> None:
    (lab.path / "tasks.py").write_text(tasks)
    lab.configure(db=SLEEPER)
    assert f"{at}db.start" in lab.inv("--list").out
    assert lab.inv(f"{at}db.start").code == 0
    status = lab.inv(f"{at}db.status")
    assert (status.code, f"inv {at}db.stop" in status.out) == (0, True)
    assert lab.inv(f"{at}db.stop").code == 0


@pytest.mark.parametrize(("tasks", "at"), [(TASKS, ""), (NESTED, "svc.")])
def test_it_is_told_how_its_tasks_are_typed_where_another_was_called(lab: Lab, tasks: str, at: str) -> None:
    """Of a hundred such services `ps` needs the tasks of none, but it names them."""
    (lab.path / "tasks.py").write_text(tasks)
    lab.configure(db={"command": "exit 3", "health": None})
    assert f"inv {at}db.logs" in lab.inv(f"{at}up", "--only", "db").said


def test_the_tasks_of_each_service_are_those_that_are_named() -> None:
    assert [each.verb for each in tasks_of("db")] == [*TASKS_OF_A_SERVICE]


def test_it_can_be_stopped_although_the_configuration_is_broken_now(lab: Lab) -> None:
    lab.configure(db=SLEEPER)
    assert lab.inv("db.start").code == 0
    (lab.path / "invoke.yaml").write_text("sentinel: [")
    assert lab.inv("db.stop").code == 0
    assert not lab.services()


def test_a_mistyped_service_is_still_told_which_one_may_be_meant(lab: Lab) -> None:
    lab.configure(telemetri={"port": 3001})
    assert "did you mean the service telemetry?" in lab.inv("ps").err


def test_a_name_that_no_service_may_have_gets_no_tasks(lab: Lab) -> None:
    (lab.path / "invoke.yaml").write_text("sentinel: {services: {up: {command: a}, 2fa: {command: b}}}\n")
    assert lab.inv("--list").code == 0
    assert lab.inv("up").code == 2


def test_where_no_workspace_is_listed_nothing_is_added(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(
        "from invoke import Collection\nfrom sentinel_tasks import dev\nns = Collection(dev)\n"
    )
    lab.configure(db=SLEEPER)
    assert "db" not in lab.inv("--list").out


def test_one_of_a_file_given_by_a_flag_is_started_by_the_workspace(lab: Lab, tmp_path: Path) -> None:
    (lab.path / "more.yaml").write_text("sentinel: {services: {db: {command: exit 3, health: null}}}\n")
    failed = lab.inv("-f", "more.yaml", "up", "--only", "db")
    assert (failed.code, "inv -f more.yaml logs --only db" in failed.err) == (1, True), failed.said
