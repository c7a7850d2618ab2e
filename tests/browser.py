"""A Chromium, a page on which whatever goes wrong fails the test, and axe."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.lab import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api: Any = pytest.importorskip("playwright.sync_api", reason="playwright is missing")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
MILLISECONDS = 1000 * PATIENCE


@contextmanager
def chromium() -> Iterator[Browser]:
    sync_api.expect.set_options(timeout=MILLISECONDS)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=MILLISECONDS)
        yield browser
        browser.close()


@contextmanager
def watched_page(browser: Browser) -> Iterator[Page]:
    """A page on which anything that goes wrong, or that asks another machine, fails the test."""
    page = browser.new_page(viewport={"width": 1180, "height": 900})
    page.set_default_timeout(MILLISECONDS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if "Content Security" in message.text else None)
    page.on("request", lambda request: problems.append(request.url) if not _is_local(request.url) else None)
    yield page
    page.close()
    assert problems == []


def _is_local(url: str) -> bool:
    return re.match(r"https?://(127\.0\.0\.1|localhost)[:/]|data:", url) is not None


@cache
def _axe() -> str:
    spec = find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-playwright-python is missing")
    return Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8")


Look = tuple[Literal["light", "dark"], int, int]
NARROW: Look = ("light", 320, 640)
WIDE: Look = ("dark", 1280, 800)
"""The second layout, which begins at 1000 pixels; all that is wider only has larger letters."""
CROSSED: tuple[Look, ...] = (("dark", 320, 640), ("light", 1280, 800))
"""The other colour in each layout."""
WIDEST: Look = ("dark", 3840, 2160)
BY_LAYOUT = ["color-contrast", "scrollable-region-focusable"]
"""The rules to which it matters how the page is drawn."""
FOUND = """async ([selector, only]) => {
    const contrast = {id: "color-contrast", selector: selector || "*", enabled: selector !== ""};
    axe.configure({rules: [contrast]});
    const options = {resultTypes: ["violations"], preload: false};
    const told = await axe.run(only.length ? {...options, runOnly: only} : options);
    const found = told.violations.map(each => `${each.id}: ${each.nodes[0].target}`);
    const {scrollWidth, clientWidth} = document.documentElement;
    return scrollWidth > clientWidth ? [...found, `${scrollWidth - clientWidth} px too wide`] : found;
}"""


def with_axe(page: Page) -> None:
    """Has axe in each document that is opened from now on."""
    page.add_init_script(_axe())


def barriers(page: Page, looks: tuple[Look, ...], part: str = "html", by_layout: bool = False) -> list[str]:
    """What axe finds on the page as it is now, in these colours and sizes, and whether anything is beyond the edge.

    The contrast is looked at in a part of the page (`""`: nowhere), since that takes axe four times as long as
    everything else; and what is the same however the page is drawn only unless it is left out.
    """
    selector, found = ", ".join(f"{each}, {each} *" for each in part.split(", ") if each), list[str]()
    for scheme, width, height in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        told = page.evaluate(FOUND, [selector, BY_LAYOUT if by_layout else []])
        found += [f"{scheme} {width}: {each}" for each in told]
    return found
