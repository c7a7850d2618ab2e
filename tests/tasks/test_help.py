"""`inv --help TASK`: it told of no value but STRING, of no default, of no exit code, and gave no example."""

from __future__ import annotations

import re

import pytest
from invoke.program import Program

import sentinel_tasks
from sentinel_tasks.names import TASKS_OF_A_WORKSPACE
from sentinel_tasks.tasks.service_tasks import tasks_of
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


@pytest.mark.parametrize("name", sorted(TASKS_OF_A_WORKSPACE | {f"dev.{task.name}" for task in tasks_of("dev")}))
def test_no_task_leaves_its_flags_or_exit_codes_open(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["inv", "--help", name])
    monkeypatch.setattr("sentinel_tasks.tasks.invoke_config._programs", [])
    Program(namespace=sentinel_tasks.namespace, binary="inv").run(["inv", "--help", name], exit=False)
    said = capsys.readouterr().out
    assert "=STRING" not in said
    assert re.search(r"Exit codes:\n.*  130 Ctrl-C\n", said, re.S), said
    examples = [hint.task for hint in proposed(said.partition("Examples:")[2])]
    assert set(examples) == {name}
    assert max(map(len, said.splitlines())) <= 100, "wider than a terminal"


def test_a_task_of_somebody_else_is_explained_by_invoke(lab: Lab) -> None:
    with (lab.path / "tasks.py").open("a") as file:
        file.write(THEIRS)
    said = lab.inv("--help", "mine").out
    assert "-x STRING" in said
    assert "Exit codes" not in said
