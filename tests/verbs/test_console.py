"""What a verb prints with --json: one document, whatever happens while it is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sentinel_tasks.report import dumps_in_pieces
from sentinel_tasks.verbs.boundary import exit_code_of
from sentinel_tasks.verbs.console import AT_ONCE, Console

from .test_first_files import Somebody


def lines(count: int) -> Iterator[str]:
    yield from ["x" * 1000] * count
    raise OSError(5, "Input/output error", "web.log")


def failing(count: int) -> int:
    def verb(console: Console) -> int:
        console.document_in_pieces(dumps_in_pieces({"service": "web"}, "lines", lines(count), dict))
        return 0

    return exit_code_of(Somebody(as_json=True), verb)


def test_document_that_can_not_be_ended_tells_why_and_is_one_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """It broke off in the midst of its lines, and no program could read it."""
    assert failing(AT_ONCE // 500) == 1
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert [*told] == ["service", "lines", "error"]
    assert told["error"] == "web.log: Input/output error"
    assert {*told["lines"]} == {"x" * 1000}
    assert "web.log: Input/output error" in err


def test_failure_before_anything_was_printed_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(AT_ONCE // 2000) == 1
    assert json.loads(capsys.readouterr().out) == {"error": "web.log: Input/output error"}


def test_document_that_was_printed_whole_is_the_only_one(capsys: pytest.CaptureFixture[str]) -> None:
    def verb(console: Console) -> int:
        console.document_in_pieces(dumps_in_pieces({}, "lines", iter(["a"]), lambda: {"cut": 0}))
        raise OSError(5, "Input/output error", "web.log")

    assert exit_code_of(Somebody(as_json=True), verb) == 1
    assert json.loads(capsys.readouterr().out) == {"lines": ["a"], "cut": 0}
