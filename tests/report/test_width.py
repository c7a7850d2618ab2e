"""Columns of a terminal, whatever script a name is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.report import Style
from sentinel_tasks.report.tables import table
from sentinel_tasks.report.width import columns, cut, fitted, padded
from tests.facts import report, seen, service

SCRIPTS = {
    "web": 3,
    "数据库": 6,
    "ｗｅｂ": 6,
    "데이터": 6,
    "קבצים": 5,
    "خادم": 4,
    "e\u0301te\u0301": 3,
    "📡 telemetry": 12,
    "a\u200db": 2,
    "": 0,
}
TEXTS = st.text("aé漢ｗק📡\u0301\u200d ", max_size=40)


@pytest.mark.parametrize("text", SCRIPTS)
def test_columns_of_names_in_many_scripts(text: str) -> None:
    assert columns(text) == SCRIPTS[text]


@given(TEXTS, st.integers(1, 50))
def test_what_is_cut_or_filled_up_takes_what_it_is_given(text: str, most: int) -> None:
    assert columns(cut(text, most)) <= most
    assert columns(fitted(text, most)) <= most
    assert fitted(text, most) == text or columns(text) > most
    assert columns(padded(text, 80)) == 80


def test_a_table_stays_straight_beside_wide_and_right_to_left_names() -> None:
    names = ("web", "数据库", "קבצים", "e\u0301te\u0301")
    lines = table([report("stopped", seen(), service(name)) for name in names], Style(False, False)).splitlines()
    assert len({columns(line[: line.index("stopped")]) for line in lines[1:]}) == 1
