"""The last lines of any number."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.text.annotations import begin_annotation
from sentinel_tasks.text.latest import MOST_BYTES, MOST_PADDING, Elsewhere, Latest

BEGIN, CLEAR = begin_annotation("L"), b"\x1b[2J\x1b[H"


def latest(count: int, lines: list[bytes]) -> list[bytes]:
    seen = Latest(count)
    for line in lines:
        seen.add(0.0, line)
    return [line for _, line in seen.lines()]


@given(st.lists(st.sampled_from([b"a", b"b", BEGIN])), st.integers(0, 5))
def test_so_many_lines_are_kept_with_the_runs_between_them(lines: list[bytes], count: int) -> None:
    kept, printed = latest(count, lines), [line for line in lines if line != BEGIN]
    assert [line for line in kept if line != BEGIN] == printed[max(0, len(printed) - count) :]
    assert not kept or (kept[0] != BEGIN and lines[-len(kept) :] == kept)


def test_blank_lines_before_a_cleared_screen_do_not_count() -> None:
    assert latest(3, [b"one", b"two", *[b""] * MOST_PADDING, CLEAR, b"three"]) == [b"two", CLEAR, b"three"]


def test_only_so_much_is_held() -> None:
    seen = Latest(2)
    for _ in range(MOST_PADDING):
        seen.add(0.0, b"x" * MOST_BYTES)
    assert len(seen._lines) == 2


def test_line_that_is_elsewhere_is_not_held() -> None:
    seen = Latest(2)
    for line in (b"one", b"  ", b"  "):
        seen.add(0.0, line, Elsewhere(not line.strip(), partial(bytes.__add__, line, b"!")))
    assert [line for _, line in seen.lines()] == [b"  !", b"  !"]
    seen.add(0.0, CLEAR)
    assert [line for _, line in seen.lines()] == [b"one!", CLEAR]
