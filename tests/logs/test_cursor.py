"""Cursors: what was given out comes back as it was, and nothing else is one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.logs.cursor import cursor_of, places_of
from sentinel_tasks.logs.wanted import Place

PLACES = st.dictionaries(
    st.text(min_size=1, max_size=9),
    st.builds(Place, st.integers(0, 1 << 63), st.floats(-2e9, 2e9), st.integers(0, 1 << 50)),
    max_size=4,
)


@given(PLACES, st.text())
def test_cursor_comes_back_as_the_places_that_it_was_given_for(places: dict[str, Place], workspace: str) -> None:
    cursor = cursor_of(workspace, places)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert places_of(workspace, cursor) == places


@given(PLACES, st.data())
def test_cursor_that_was_changed_is_none(places: dict[str, Place], data: st.DataObject) -> None:
    cursor = cursor_of("/a", places)
    place = data.draw(st.integers(0, len(cursor) - 2))  # some bits of the last character mean nothing
    other = data.draw(st.sampled_from("Ab0-_\né").filter(lambda letter: letter != cursor[place]))
    assert places_of("/a", cursor[:place] + other + cursor[place + 1 :]) is None
    assert places_of("/a", cursor[:place]) is None
    assert places_of("/b", cursor) is None


@given(st.text())
def test_any_other_word_is_none(word: str) -> None:
    assert places_of("/a", word) is None
