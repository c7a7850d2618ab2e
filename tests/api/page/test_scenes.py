"""No barrier in any state of the dashboard, in any colours and at any width."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import Start
from tests.api.page.scenes import scenes
from tests.browser import CHROMIUM, CROSSED, NARROW, WIDE, WIDEST, barriers, with_axe
from tests.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian package: chromium-headless-shell)"),
    pytest.mark.timeout(600),
]


MOST = "services"
"""The state that shows most."""
DRAWN_OTHERWISE = "#workers"
"""What has other borders and backgrounds in a narrow window."""
OTHERS = {
    "service": "#service", "worker": "#depth", "lost": "header, #lost", "empty": "#states-empty, #events-empty, #empty",
    "wrong": "#states-problem", "broken": "#states-problem", "error": "#states-problem", "read-only": "#service",
    "token": "#ask", "refused": "#ask",
}  # fmt: skip
"""What else there is in the other states."""


def test_each_state_says_what_to_do_and_has_no_barrier_in_any_colour_and_width(
    page: Page, lab: Lab, start: Start, tmp_path: Path
) -> None:
    found, seen = list[str](), list[str]()
    with_axe(page)
    for name in scenes(page, lab, start, tmp_path):
        seen.append(name)
        if name == MOST:
            told = barriers(page, (NARROW, WIDE))
            told += barriers(page, CROSSED, DRAWN_OTHERWISE, by_layout=True) + barriers(page, (WIDEST,), "")
        else:
            told = barriers(page, (NARROW,), OTHERS[name]) + barriers(page, (WIDE,), OTHERS[name], by_layout=True)
        found += [f"{name}: {each}" for each in told]
    assert found == []
    assert seen == [MOST, *OTHERS]
