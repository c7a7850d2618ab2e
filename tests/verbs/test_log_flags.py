"""What is wanted of logs by what a person typed, and what is wrong with it."""

from __future__ import annotations

import pytest

from sentinel_tasks.errors import ConfigurationError
from sentinel_tasks.logs.wanted import Asked, Wanted
from sentinel_tasks.verbs.log_flags import MOST_UNSEEN, ROUNDED, Wish, wanted_by

NOW = 1_795_667_733.5


def problems(wish: Wish) -> list[tuple[str, object, str]]:
    with pytest.raises(ConfigurationError) as raised:
        wanted_by(wish, NOW, is_seen=True)
    return [(each.key, each.value, each.reason) for each in raised.value.problems]


@pytest.mark.parametrize(
    ("wish", "most", "most_unseen"),
    [
        (Wish(), 50, 50),
        (Wish(follow=True), 50, 50),
        (Wish(lines="3"), 3, 3),
        (Wish(grep="a"), None, MOST_UNSEEN),
        (Wish(level="warn"), None, MOST_UNSEEN),
        (Wish(field=["a=b"]), None, MOST_UNSEEN),
        (Wish(since="10m"), None, MOST_UNSEEN),
        (Wish(until="10m"), None, MOST_UNSEEN),
        (Wish(cursor="c"), None, MOST_UNSEEN),
        (Wish(grep="a", follow=True), 50, 50),
        (Wish(since="10m", follow=True), None, None),
        (Wish(grep="a", lines="7"), 7, 7),
        (Wish(grep="a", lines="20000"), 20_000, 20_000),
        (Wish(stats=True), None, None),
    ],
)
def test_how_many_lines_are_wanted(wish: Wish, most: int | None, most_unseen: int | None) -> None:
    assert wanted_by(wish, NOW, is_seen=True).most == most
    assert wanted_by(wish, NOW, is_seen=False).most == most_unseen


def test_everything_at_once() -> None:
    wish = Wish("9", False, True, "10m", "5m", "a|b", True, "warning", ["a=b=c", "d="])
    asked = Asked("a|b", True, "warn", (("a", "b=c"), ("d", "")))
    assert wanted_by(wish, NOW, is_seen=False) == Wanted(asked, NOW - 600 - ROUNDED, NOW - 300 + ROUNDED, None, 9)


@pytest.mark.parametrize(
    ("wish", "flag", "reason"),
    [
        (Wish(grep="a(b"), "--grep", "at position 1"),
        (Wish(since="soon"), "--since", "must be as 10m"),
        (Wish(until="25:00"), "--until", "must be as 10m"),
        (Wish(since="1m", until="2m"), "--until", "must not be before --since"),
        (Wish(level="loud"), "--level", "trace, debug, info, warn, error or fatal"),
        (Wish(field=["status"]), "--field", "name=value"),
        (Wish(field=["=1"]), "--field", "name=value"),
        (Wish(invert=True), "--invert", "needs --grep"),
        (Wish(follow=True, until="1m"), "--until", "--follow"),
        (Wish(follow=True, stats=True), "--follow", "--stats"),
        (Wish(lines="5", stats=True), "--lines", "--stats"),
        (Wish(lines="-1"), "--lines", "a number from 0"),
    ],
)
def test_what_is_wrong_is_told_with_the_flag(wish: Wish, flag: str, reason: str) -> None:
    ((key, _, why),) = problems(wish)
    assert key == flag
    assert reason in why


def test_all_that_is_wrong_is_told_together() -> None:
    told = problems(Wish(grep="(", level="loud", since="soon", field=["x"]))
    assert [key for key, _, _ in told] == ["--since", "--grep", "--level", "--field"]
