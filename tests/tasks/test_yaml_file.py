"""What YAML 1.1 would change without a word: kept as it was written, or refused by key, file and line."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.vendor import yaml

from sentinel_tasks.config.schema import takes_text
from sentinel_tasks.errors import Problem
from sentinel_tasks.tasks.yaml_file import read
from tests.lab import Lab


@pytest.fixture(autouse=True, params=["with PyYAML", "without it"])
def _with_and_without_a_reader_in_c(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML is there for a test; whoever installs the tasks alone may not have it."""
    assert getattr(yaml, "__with_libyaml__", False)
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param == "with PyYAML")


def section(folder: Path, text: str) -> tuple[Any, list[Problem]]:
    path = folder / "invoke.yaml"
    path.write_text(text, encoding="utf-8")
    content, problems = read(str(path), takes_text)
    return content.get("sentinel"), problems


def env(folder: Path, text: str) -> Any:
    found, problems = section(folder, f"sentinel: {{services: {{web: {{env: {{V: {text}}}}}}}}}\n")
    assert problems == []
    return found["services"]["web"]["env"]["V"]


@pytest.mark.parametrize(
    "text",
    [
        "1.10",
        "0123",
        "12:30",
        "0x1F",
        "1_000",
        "yes",
        "no",
        "on",
        "off",
        "2024-01-01",
        "1e3",
        "true",
        ".5",
        "+1",
        "0o7",
    ],
)
def test_a_variable_is_what_was_written(tmp_path: Path, text: str) -> None:
    assert env(tmp_path, text) == text
    assert env(tmp_path, f"'{text}'") == text


@pytest.mark.parametrize("text", ["", "null", "~"])
def test_a_variable_without_a_value_is_none(tmp_path: Path, text: str) -> None:
    assert env(tmp_path, text) is None


@pytest.mark.parametrize(
    ("key", "text", "reading"),
    [("port", "22:22", "1342"), ("port", "0123", "83"), ("index", "0x1F", "31"), ("startup_timeout", "1_000", "1000")],
)
def test_a_number_that_yaml_reads_as_another_is_refused(tmp_path: Path, key: str, text: str, reading: str) -> None:
    _, (problem,) = section(tmp_path, f"sentinel:\n  services:\n    web:\n      {key}: {text}\n")
    assert problem.key == f"sentinel.services.web.{key}"
    assert problem.value == text
    assert f"reads {text} as {reading}" in problem.reason
    assert "(invoke.yaml, line 4)" in problem.reason


def test_texts_and_names_stay_what_they_are(tmp_path: Path) -> None:
    text = "sentinel: {services: {on: {command: 12:30, title: 2024-01-01, restart: no, env: {NO: 1, y: n}}}}\n"
    found, problems = section(tmp_path, text)
    own = {"command": "12:30", "title": "2024-01-01", "restart": "no", "env": {"NO": "1", "y": "n"}}
    assert (found, problems) == ({"services": {"on": own}}, [])


@pytest.mark.parametrize("key", ["port", "env", "command"])
def test_a_key_that_is_there_twice_is_refused(tmp_path: Path, key: str) -> None:
    value = "{A: 1}" if key == "env" else "1"
    twice = f"      {key}: {value}\n      {key}: {value}\n"
    _, (problem,) = section(tmp_path, f"sentinel:\n  services:\n    web:\n{twice}")
    assert (problem.key, "line 5" in problem.reason) == (f"sentinel.services.web.{key}", True)


def test_merged_keys_may_be_overruled(tmp_path: Path) -> None:
    text = "sentinel:\n  services:\n    a: &a {command: x, port: 1}\n    b: {<<: *a, port: 2}\n"
    found, problems = section(tmp_path, text)
    assert (found["services"]["b"], problems) == ({"command": "x", "port": 2}, [])


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.booleans(), st.text(max_size=8), st.none())))
def test_other_sections_are_read_as_before(tmp_path_factory: pytest.TempPathFactory, other: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("other") / "invoke.yaml"
    path.write_text(json.dumps({"run": other, "sentinel": {"socket_name": "x"}}), encoding="utf-8")
    content, _ = read(str(path), takes_text)
    plainly: Any = yaml.safe_load(path.read_text(encoding="utf-8"))  # type: ignore[no-untyped-call]
    assert content["run"] == plainly["run"]


@pytest.mark.parametrize("command", ["sleep 1", "is it?"])
def test_a_file_may_be_one_that_is_read_only_once(tmp_path: Path, command: str) -> None:
    """`inv -f` of a FIFO: nobody can go back to its beginning."""
    path = tmp_path / "invoke.yaml"
    os.mkfifo(path)
    writer = threading.Thread(
        target=path.write_text, args=[f"sentinel: {{services: {{web: {{command: '{command}'}}}}}}"]
    )
    writer.start()
    content, problems = read(str(path), takes_text)
    writer.join()
    assert (content["sentinel"]["services"], problems) == ({"web": {"command": command}}, [])


def test_two_keys_of_a_name_are_told_before_anything_starts(lab: Lab) -> None:
    (lab.path / "invoke.yaml").write_text("sentinel:\n  services:\n    dev: {port: 1}\n    dev: {port: 2}\n")
    told = lab.inv("dev.start")
    assert told.code == 2
    assert "sentinel.services.dev" in told.err
    assert "is there twice (invoke.yaml, line 4)" in told.err
