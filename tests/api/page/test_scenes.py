"""No barrier in any state of the dashboard, in any colours and at any width."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import Start
from tests.api.page.scenes import scenes
from tests.browser import CHROMIUM, EXTREMES, LOOKS, WIDEST, barriers, barriers_in
from tests.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian package: chromium-headless-shell)"),
    pytest.mark.timeout(600),
]


MOST = "services"
"""The state that shows most."""
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
    for name in scenes(page, lab, start, tmp_path):
        seen.append(name)
        told = barriers_in(page, LOOKS) if name == MOST else barriers_in(page, EXTREMES, OTHERS[name])
        if name == MOST:
            page.set_viewport_size({"width": WIDEST[0], "height": WIDEST[1]})
            told += barriers(page)
        found += [f"{name}: {each}" for each in told]
    assert found == []
    assert seen == [MOST, *OTHERS]
