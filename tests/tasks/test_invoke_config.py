"""Invoke's private names: the installed release has them all, and without any of them the tasks work on."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import invoke
import pytest
from invoke.collection import Collection
from invoke.config import Config
from invoke.parser import Parser
from invoke.tasks import Task

import sentinel_tasks
from sentinel_tasks.tasks.invoke_config import LOSES_CHECK, LOSES_NAME, LOSSES, losses, sharing_flags
from sentinel_tasks.tasks.typed import typed_here
from tests.lab import INV, PATIENCE, Lab, Result, zygote

SLEEPER = {"command": "exec sleep 600", "port": None, "health": None}
FUNCTIONS = ["Config._load_file", "merge_dicts", "Environment._crawl"]
OF_A_PROGRAM = ["Program._make_parser", "Program.parse_tasks", "Program.print_task_help"]
ALIKE = [[name for name in LOSSES if LOSSES[name] == loss] for loss in (LOSES_CHECK, LOSES_NAME)]
ATTRIBUTES = [[name] for name in LOSSES if not any(name in [*FUNCTIONS, *OF_A_PROGRAM, *alike] for alike in ALIKE)]
Run = Callable[..., Result]
"""Types `inv` with these words in a folder of the lab's workspace."""


def test_the_installed_invoke_has_every_private_name_that_the_tasks_use() -> None:
    """The canary: a release of Invoke that lacks one of them fails it by name."""
    assert losses(Config(lazy=True)) == [], f"Invoke {invoke.__version__}"


def copied(folder: Path) -> Path:
    """A copy of the installed Invoke, without what another process has not written whole and named yet."""
    unfinished = shutil.ignore_patterns("*.pyc.*")
    return shutil.copytree(Path(invoke.__file__).parent, folder / "release" / "invoke", ignore=unfinished)


def assert_the_tasks_work_and_doctor_reports(lab: Lab, inv: Run, names: Sequence[str]) -> None:
    lab.configure(dev=SLEEPER, telemetry=SLEEPER)
    (lab.path / "src").mkdir()
    status = inv("dev.status", "--json")
    assert (status.code, status.json["state"], status.json["workspace"]) == (3, "stopped", str(lab.path)), status.said
    doctor = inv("doctor", "--json")
    wrong = [check for check in doctor.json["checks"] if not check["ok"]]
    assert [check["reason"] for check in wrong] == [
        f"Invoke {invoke.__version__} has no {name}: {LOSSES[name]}" for name in names
    ]
    assert {(check["name"], check["severity"]) for check in wrong} == {("invoke", "warning")}
    assert doctor.code == 1


@pytest.mark.parametrize("name", FUNCTIONS)
def test_without_a_function_of_invoke_the_tasks_work_and_doctor_reports_the_loss(
    lab: Lab, tmp_path: Path, name: str
) -> None:
    release, last = copied(tmp_path), name.rpartition(".")[2]
    for module in release.glob("*.py"):
        text = module.read_text()
        module.write_text(re.sub(rf"\b{last}\b", f"{last}_renamed", text))

    def inv(*words: str) -> Result:
        return lab.inv(*words, cwd=lab.path / "src", env={"PYTHONPATH": str(release.parent)})

    assert_the_tasks_work_and_doctor_reports(lab, inv, [name])


@pytest.mark.parametrize("names", [*ATTRIBUTES, *ALIKE], ids=lambda names: names[0])
def test_without_an_attribute_of_invoke_the_tasks_work_and_doctor_reports_the_loss(
    lab: Lab, names: Sequence[str]
) -> None:
    hidden = ",".join(name.removeprefix("Config.") for name in names)

    def inv(*words: str) -> Result:
        argv = ["-m", "tests.tasks.without", hidden, INV, *words]
        return zygote().run(argv, lab.path / "src", lab.environ, PATIENCE)

    assert_the_tasks_work_and_doctor_reports(lab, inv, names)


def test_without_the_parsing_of_tasks_commands_are_named_as_declared(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("invoke.program.Program.parse_tasks")
    assert losses(Config(lazy=True)) == [("Program.parse_tasks", LOSSES["Program.parse_tasks"])]
    assert typed_here({}).task("start", "telemetry") == "inv telemetry.activate"


def test_a_task_that_is_named_twice_gets_the_flags_of_each() -> None:
    """Although the flags of all tasks are copied no more before each call."""
    tasks = Collection(Task(lambda context, lines=1: None, "a"))
    parser = sharing_flags(lambda: Parser(contexts=tasks.to_contexts()))()
    assert copy.deepcopy(parser.contexts) is parser.contexts
    read = parser.parse_argv(["a", "--lines", "2", "a", "--lines=3", "a"])
    assert [context.args["lines"].value for context in read] == [2, 3, 1]


def test_no_other_file_has_a_private_name_of_invoke() -> None:
    functions = [name.rpartition(".")[2] for name in (*FUNCTIONS, "Program._make_parser")]
    private = re.compile(rf"\b[Cc]onfig\._|\b(?:{'|'.join(functions)})\b")
    room = Path(sentinel_tasks.__file__).parent
    found = [path.name for path in room.rglob("*.py") if private.search(path.read_text(encoding="utf-8"))]
    assert found == ["invoke_config.py"]
