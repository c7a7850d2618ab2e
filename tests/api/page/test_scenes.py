"""No barrier in any state of the dashboard, in any colours and at any width."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import Start
from tests.api.page.scenes import scenes
from tests.browser import CHROMIUM, EXTREMES, LOOKS, barriers_in
from tests.lab import Lab

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian package: chromium-headless-shell)"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(600),
]


def test_each_state_says_what_to_do_and_has_no_barrier_in_any_colour_and_width(
    page: Page, lab: Lab, start: Start, tmp_path: Path
) -> None:
    found = []
    for name in scenes(page, lab, start, tmp_path):
        looks = LOOKS if name == "services" else EXTREMES
        found += [f"{name}: {each}" for each in barriers_in(page, looks)]
    assert found == []
