"""What a tool is told becomes the program's words, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sentinel_tasks.cli.words import parsed
from sentinel_tasks.mcp.answers import answer, to_explain, with_last_output
from sentinel_tasks.mcp.arguments import limit, problems, words
from sentinel_tasks.mcp.program import Ran
from sentinel_tasks.mcp.tools import TOOLS, schema_of
from sentinel_tasks.tasks.workspace_tasks import workspace_tasks


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("ps", {}, "ps --json"),
        ("ps", {"all": True}, "ps --all --json"),
        ("up", {"services": ["web", "db"], "timeout": 5}, "up web db --timeout=5 --json"),
        ("up", {"group": ["a", "b"], "dry": True}, "--dry up --group=a,b --json"),
        ("start", {"services": ["web"], "port": "auto", "no_wait": True}, "start web --port=auto --no-wait --json"),
        ("stop", {"services": ["web"], "timeout": 5}, "stop web --json"),
        ("wait", {"for": "completed"}, "wait --for=completed --timeout=45 --json"),
        ("logs", {"grep": "--follow", "field": ["a=1", "b=2"]}, "logs --grep=--follow --field=a=1 --field=b=2 --json"),
        ("gc", {}, "--dry gc --json"),
        ("gc", {"confirm": True, "keep_logs": "0"}, "gc --keep-logs=0 --json"),
        ("env", {"service": "web"}, "env web --json"),
        ("run", {"service": "web", "command": ["ls", "-l"]}, "run web -- ls -l"),
    ],
)
def test_words(tool: str, arguments: dict[str, Any], said: str) -> None:
    assert problems(tool, arguments) == []
    assert words(tool, arguments) == said.split()


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("env", {"service": "--reveal"}, "must match"),
        ("env", {"reveal": True}, "unknown argument"),
        ("start", {}, "services: is needed"),
        ("start", {"services": "web"}, "is no array"),
        ("start", {"services": []}, "must not be empty"),
        ("start", {"services": ["web\n"]}, "must match"),
        ("wait", {"for": "ever"}, "none of"),
        ("ps", {"all": 1}, "is no boolean"),
        ("logs", {"lines": True}, "is no integer"),
        ("logs", {"lines": 10**6}, "not between"),
        ("ps", {"timeout": float("inf")}, "not between"),
    ],
)
def test_what_is_wrong_is_said(tool: str, arguments: dict[str, Any], said: str) -> None:
    (wrong,) = problems(tool, arguments)
    assert said in wrong


@pytest.mark.parametrize("tool", ["status", "ps", "logs", "wait"])
def test_what_is_asked_often_needs_no_invoke(tool: str) -> None:
    assert parsed(words(tool, {"service": "web"} if tool == "status" else {}))


def test_every_flag_is_one_of_the_task() -> None:
    tasks = {task.name: task for task in workspace_tasks()}
    tasks["start"], tasks["stop"] = tasks["up"], tasks["down"]
    for name, tool in TOOLS.items():
        if name in tasks:
            known = {str(argument.name).strip("_").replace("_", "-") for argument in tasks[name].get_arguments()}
            own = {"services", "service", "command", "dry", "confirm"}
            assert {each.replace("_", "-") for each in tool.takes if each not in own} <= known, name


def test_a_call_ends_soon_after_its_timeout() -> None:
    assert all(limit(name, {"timeout": 3}) <= 5 for name in TOOLS)
    assert all(schema_of(name)["properties"]["timeout"]["default"] <= 45 for name in TOOLS)


CRASHED = '{"service": "web", "state": "crashed", "error": "exit 1"}'
SEVERAL = (
    '{"error": "x", "services": [{"service": "app", "error": "waits for web"}, {"service": "web", "error": "exit 1"}]}'
)


@pytest.mark.parametrize(
    ("tool", "arguments", "ran", "call"),
    [
        ("start", {"services": ["web"]}, Ran(1, CRASHED, "", False), ("why", {"service": "web"})),
        ("up", {}, Ran(1, SEVERAL, "", False), ("why", {"service": "web"})),
        ("wait", {"services": ["web"]}, Ran(3, CRASHED, "", False), ("start", {"services": ["web"]})),
        ("logs", {"services": ["web"]}, Ran(3, '{"error": "nothing"}', "", False), ("start", {"services": ["web"]})),
        ("up", {}, Ran(5, '{"error": "no tmux"}', "", False), ("doctor", {})),
        ("up", {"services": ["web"]}, Ran(130, "", "", True), ("wait", {"services": ["web"]})),
        ("up", {}, Ran(2, '{"error": "x", "problems": []}', "", False), ("up", {})),
    ],
)
def test_a_failure_names_the_next_call(tool: str, arguments: dict[str, Any], ran: Ran, call: object) -> None:
    told = answer(tool, arguments, ran)
    assert told.is_error
    assert (told.beside["next_call"]["tool"], told.beside["next_call"]["arguments"]) == call


@pytest.mark.parametrize(
    ("state", "ended", "is_left"), [("gone", True, True), ("gone", False, False), ("moved", False, False)]
)
def test_what_gc_only_told_is_done_by_the_next_call(state: str, ended: bool, is_left: bool) -> None:
    out = json.dumps({"workspaces": [{"state": state, "ended": ended, "removed": False}], "error": None})
    told = answer("gc", {"keep_logs": "1d"}, Ran(0, out, "", False))
    call = {"tool": "gc", "arguments": {"keep_logs": "1d", "confirm": True}}
    assert (told.is_error, told.beside) == (False, {"next_call": call} if is_left else {})
    assert answer("gc", {"confirm": True}, Ran(0, out, "", False)).beside == {}


@pytest.mark.parametrize(("tool", "code"), [("status", 3), ("why", 1), ("doctor", 1)])
def test_a_state_is_no_failure_of_who_tells_it(tool: str, code: int) -> None:
    assert answer(tool, {}, Ran(code, CRASHED, "", False)).is_error is False


def test_what_is_no_document_is_told_as_the_cause() -> None:
    assert answer("ps", {}, Ran(1, "", "it broke\n", False)).document == {"error": "it broke"}


def test_the_last_lines_of_what_failed_are_beside_the_document() -> None:
    told = answer("start", {"services": ["web"]}, Ran(1, CRASHED, "", False))
    assert to_explain(told) == "web"
    explained = with_last_output(told, Ran(1, '{"last_output": ["cause", "end"]}', "", False))
    assert explained.beside["last_output"] == ["cause", "end"]
    assert explained.document == told.document
