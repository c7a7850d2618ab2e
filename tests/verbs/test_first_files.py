"""`init`: what it writes, what it leaves alone, and when it asks (contract: Tasks, Init)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sentinel_tasks.errors import Problem
from sentinel_tasks.model import Typed, Workspace
from sentinel_tasks.tasks.yaml_file import plain_content
from sentinel_tasks.verbs.boundary import exit_code_of
from sentinel_tasks.verbs.console import Console
from sentinel_tasks.verbs.first_files import write_first_files
from tests.lab import Lab


class Somebody(Console):
    """A console in a folder, with or without somebody to ask."""

    typed = Typed()
    project = "."
    can_ask = False

    def workspace_and_problems(
        self, flags: Mapping[str, Mapping[str, Any]] | None = None
    ) -> tuple[Workspace, list[Problem]]:
        """It asks for no workspace."""
        raise AssertionError

    def remember(self, workspace: Workspace) -> None:
        """It has none."""
        raise AssertionError


def init(yes: bool = False, dry: bool = False, answer: str | None = None) -> int:
    console = Somebody(False, dry)
    console.can_ask = answer is not None
    return exit_code_of(console, lambda console: write_first_files(console, plain_content, yes))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(("answer", "code", "written"), [("y\n", 0, True), ("\n", 1, False), ("", 1, False)])
def test_a_person_is_asked_once_after_seeing_both_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int,
    written: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    assert init(answer=answer) == code
    said = capsys.readouterr()
    assert f"==> {folder}/tasks.py <==" in said.out
    assert said.err.startswith("Write tasks.py and invoke.yaml? [y/N] ")
    assert files(folder) == ({"tasks.py", "invoke.yaml"} if written else set())


def test_without_anybody_to_ask_nothing_is_written_and_the_flag_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init() == 2
    assert "--yes" in capsys.readouterr().err
    assert init(dry=True) == 0
    assert files(folder) == set()


def test_what_is_there_stays_and_what_to_add_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tasks.py").symlink_to("nowhere")
    (folder / "invoke.json").write_text("{}")
    (folder / "Procfile").write_text("web: serve\n")
    assert init(yes=True) == 0
    said = capsys.readouterr().out
    assert "tasks.py is there and stays as it is" in said
    assert "invoke.json is there" in said
    assert "namespace = workspace(*from_procfile()" in said
    assert "written" not in said
    assert files(folder) == {"tasks.py", "invoke.json", "Procfile"}
    assert (folder / "invoke.json").read_text() == "{}"


def test_only_what_is_missing_is_written(folder: Path) -> None:
    (folder / "tasks.py").write_text("mine")
    assert init(yes=True) == 0
    assert (folder / "tasks.py").read_text() == "mine"
    assert "dev:" in (folder / "invoke.yaml").read_text()


@pytest.mark.parametrize("code", [0, 1])
def test_docker_without_its_compose_plugin_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    """What docker itself said of it later was that --no-deps is an unknown flag."""
    (folder / "docker").write_text(f"#!/bin/sh\nexit {code}\n")
    (folder / "docker").chmod(0o755)
    (folder / "compose.yaml").write_text("services: {db: {image: postgres}}\n")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert init(dry=True) == 0
    assert ("compose plugin" in capsys.readouterr().err) == bool(code)


def test_it_answers_where_invoke_finds_no_tasks_file(lab: Lab) -> None:
    (lab.path / "tasks.py").unlink()
    command = [sys.executable, "-m", "sentinel_tasks", "init", "--yes", "--json"]
    done = subprocess.run(command, cwd=lab.path, env=lab.environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["written"] == ["tasks.py", "invoke.yaml"]
    assert "dev.start" in lab.inv("--list").out
