"""What a verb prints with --json: one document, whatever happens while it is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sentinel_tasks.verbs.boundary import exit_code_of
from sentinel_tasks.verbs.console import AT_ONCE, Console

from .test_first_files import Somebody


def pieces(size: int) -> Iterator[str]:
    yield '{"line": "'
    yield "x" * size
    raise OSError(5, "Input/output error", "web.log")


def failing(size: int) -> int:
    def verb(console: Console) -> int:
        console.document_in_pieces(pieces(size))
        return 0

    return exit_code_of(Somebody(as_json=True), verb)


def test_no_other_document_follows_one_that_could_not_be_ended(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(AT_ONCE) == 1
    out, err = capsys.readouterr()
    assert out == '{"line": "' + "x" * AT_ONCE
    assert "web.log: Input/output error" in err


def test_failure_before_anything_was_printed_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(AT_ONCE // 2) == 1
    assert json.loads(capsys.readouterr().out) == {"error": "web.log: Input/output error"}
