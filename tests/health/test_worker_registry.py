"""How many workers: every shape of answer that the contract (Tasks) knows, and every other that a server may send."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.health.worker_registry import count, parsed, summary, workers

ONE, TWO = {"id": "w1", "status": "idle"}, {"id": "w2", "status": "working"}


@pytest.mark.parametrize(
    ("document", "number"),
    [
        ({"total": 47}, 47),
        ({"total": 0}, 0),
        ({"summary": {"total": 47}}, 47),
        ({"total": 3, "summary": {"total": 47}}, 3),
        ({"total": None, "summary": {"total": 47}}, 47),
        ({"workers": {"w1": ONE, "w2": TWO}}, 2),
        ({"workers": [ONE, TWO]}, 2),
        ({"workers": []}, 0),
        ({"workers": {}}, 0),
        ({"total": "many", "workers": [ONE]}, 1),
        ({"total": -1, "workers": [ONE]}, 1),
        ({"total": True, "workers": [ONE, TWO]}, 2),
        ({"total": 1.5, "workers": [ONE]}, 1),
        ({"w1": ONE, "w2": TWO}, 2),
        ({"summary": {}, "workers": [ONE]}, 1),
        ([ONE, TWO], 2),
        ([], 0),
        ({}, 0),
        ({"status": "ok"}, None),
        ({"workers": 5}, None),
        ({"workers": "many"}, None),
        ("47", None),
        (47, None),
        (None, None),
        (True, None),
    ],
)
def test_count(document: Any, number: int | None) -> None:
    assert count(document) == number
    assert count(parsed(json.dumps(document).encode())) == number


@pytest.mark.parametrize(
    "body", [b"", b"{", b"<html>", b"\xff\xfe", b"[" * 200_000, b"1" * 100_000, b"NaN", b'{"a": 1', b"\x00"]
)
def test_body_that_is_no_document_counts_nobody(body: bytes) -> None:
    assert count(parsed(body)) is None


def test_summary() -> None:
    told = {"summary": {"total": 3, "idle": 2, "working": 1, "error": 0, "total_queue_depth": 5}}
    assert summary(told) == (("idle", 2), ("working", 1), ("error", 0))
    assert summary({"summary": {"idle": "x", "working": -1}}) == ()
    assert summary({"total": 3}) == summary([ONE]) == summary(None) == ()


def test_workers_with_their_ids() -> None:
    assert workers({"workers": {"w1": {"status": "idle"}}}) == [{"id": "w1", "status": "idle"}]
    assert workers({"workers": [ONE, "x"]}) == [ONE]
    assert workers([ONE, TWO]) == [ONE, TWO]
    assert workers({"w1": {"status": "idle"}}) == [{"id": "w1", "status": "idle"}]
    assert workers({"total": 3, "summary": {"total": 3}}) == [], "a summary is no worker"
    assert workers(None) == workers("x") == workers({"workers": 5}) == []


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["total", "summary", "workers", "idle", "w1", ""]), inner, max_size=5)
    ),
)


@given(DOCUMENTS)
def test_no_document_is_a_traceback(document: Any) -> None:
    number = count(document)
    assert number is None or number >= 0
    assert all(each >= 0 for _, each in summary(document))
    assert all(isinstance(each, dict) for each in workers(document))


@given(st.binary())
def test_no_body_is_a_traceback(body: bytes) -> None:
    assert count(parsed(body)) is None or count(parsed(body)) >= 0  # type: ignore[operator]
