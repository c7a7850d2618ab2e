"""`inv --help TASK`: it told of no value but STRING, of no default, of no exit code, and gave no example."""

from __future__ import annotations

import re

import pytest
from invoke.program import Program

import sentinel_tasks
from sentinel_tasks.names import TASKS_OF_A_SERVICE, TASKS_OF_A_WORKSPACE
from sentinel_tasks.tasks.service_tasks import tasks_of
from sentinel_tasks.tasks.spoken import as_tasks
from sentinel_tasks.tasks.workspace_tasks import workspace_tasks
from tests.hints import proposed
from tests.lab import Lab

THEIRS = """
from invoke import task

@task(help={"x": "what"})
def mine(c, x=""):
    "Do it."

namespace.add_task(mine)
"""


def test_help_tells_what_a_flag_may_be_its_default_the_exit_codes_and_an_example(lab: Lab) -> None:
    said = lab.inv("--help", "dev.start").out
    for told in (
        "-p, --port=N|auto",
        "-t, --timeout=SECONDS",
        "--on-conflict=stop|takeover|fail|auto",
        "(default: its startup_timeout, 30)",
        "4 its port is held",
        "inv dev.start --port auto --timeout 60",
    ):
        assert told in re.sub(r"\s+", " ", said), said
    assert "(default: its stop_timeout, 10)" in re.sub(r"\s+", " ", lab.inv("dev.stop", "--help").out)


def said_to(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What Invoke prints for these words."""
    monkeypatch.setattr("sys.argv", ["inv", *words])
    monkeypatch.setattr("sentinel_tasks.tasks.invoke_config._programs", [])
    Program(namespace=sentinel_tasks.namespace, binary="inv").run(["inv", *words], exit=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(TASKS_OF_A_WORKSPACE | {f"dev.{task.name}" for task in tasks_of("dev")}))
def test_no_task_leaves_its_flags_or_exit_codes_open(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_to(["--help", name], monkeypatch, capsys)
    assert "=STRING" not in said
    assert re.search(r"Exit codes:\n.*  130 Ctrl-C\n", said, re.S), said
    examples = [hint.task for hint in proposed(said.partition("Examples:")[2])]
    assert set(examples) == {name}
    assert max(map(len, said.splitlines())) <= 100, "wider than a terminal"


@pytest.mark.parametrize("name", [each.name for each in workspace_tasks() if "name" in each.positional])
def test_the_example_of_a_task_that_wants_a_name_has_one(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """That of `why` was `inv why`, which Invoke refuses."""
    assert f"inv {name} NAME" in said_to(["--help", name], monkeypatch, capsys)


def test_each_task_of_the_workspace_is_told_by_its_verb() -> None:
    """Of `export` the help had neither `sentinel export` nor the examples that are written for it."""
    assert [each.verb for each in workspace_tasks()] == [each.name for each in workspace_tasks()]


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("verb", sorted(TASKS_OF_A_WORKSPACE.union(TASKS_OF_A_SERVICE)))
def test_help_after_a_verb_of_sentinel_is_not_taken_for_the_name_that_the_verb_wants(
    verb: str, flag: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`sentinel url --help` said that --help is an unknown service; so did run, why, scale and export."""
    assert said_to(as_tasks([verb, flag], sentinel_tasks.namespace), monkeypatch, capsys).startswith("Usage: inv ")


def test_a_task_of_somebody_else_is_explained_by_invoke(lab: Lab) -> None:
    with (lab.path / "tasks.py").open("a") as file:
        file.write(THEIRS)
    said = lab.inv("--help", "mine").out
    assert "-x STRING" in said
    assert "Exit codes" not in said
