"""Times as a person types them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.text.duration import timestamp
from sentinel_tasks.text.moments import moment_of

NOW = 1_795_667_733.5


@pytest.fixture(autouse=True)
def _berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "before"),
    [("10m", 600), ("2h", 7200), ("1d", 86_400), ("45s", 45), ("1h30m", 5400), ("0s", 0), ("1d2h3m4s", 93_784)],
)
def test_so_long_ago(text: str, before: int) -> None:
    assert moment_of(text, NOW) == NOW - before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("14:30", "2026-11-26T14:30:00.000+01:00"),
        ("14:30:05.25", "2026-11-26T14:30:05.250+01:00"),
        ("2026-07-01", "2026-07-01T00:00:00.000+02:00"),
        ("2026-11-26 14:30", "2026-11-26T14:30:00.000+01:00"),
        ("2026-11-26T14:30:05Z", "2026-11-26T15:30:05.000+01:00"),
        ("2026-11-26T14:30:05.125+0530", "2026-11-26T10:00:05.125+01:00"),
        ("14:30Z", "2026-11-26T15:30:00.000+01:00"),
    ],
)
def test_local_time_of_day_or_date(text: str, shown: str) -> None:
    found = moment_of(text, NOW)
    assert found is not None
    assert timestamp(found) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "m",
        "10",
        "10 m",
        "-5m",
        "yesterday",
        "26:00",
        "2026-13-01",
        "2026-11-26T",
        "T14:30",
        "Z",
        "+01:00",
        "1.5h",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert moment_of(text, NOW) is None


@given(st.floats(1e9, 2e9))
def test_what_logs_show_can_be_typed(when: float) -> None:
    found = moment_of(timestamp(when), NOW)
    assert found is not None
    assert abs(found - when) <= 0.0006
