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
LOOKS: tuple[Look, ...] = (("light", 320, 640), ("dark", 320, 640), ("light", 1280, 800), ("dark", 1280, 800))
"""Each colour in each layout: the second one begins at 1000 pixels, and all that is wider only has larger letters."""
EXTREMES: tuple[Look, ...] = (LOOKS[0], LOOKS[-1])
WIDEST = (3840, 2160)
CONTRAST = "color-contrast"


def barriers_in(page: Page, looks: tuple[Look, ...] = LOOKS, part: str = "body") -> list[str]:
    """What axe finds on the page as it is now, in these colours and sizes.

    The contrast is looked at in a part of the page, since that takes axe four times as long as everything else; and
    everything else once in each size, since it does not depend on the colours.
    """
    found, sizes = list[str](), set[tuple[int, int]]()
    for scheme, *size in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        told = _violations(page, part, {"runOnly": [CONTRAST]})
        if (size[0], size[1]) not in sizes:
            told += barriers(page)
        sizes.add((size[0], size[1]))
        found += [f"{scheme} {size[0]}: {each}" for each in told]
    return found


def barriers(page: Page) -> list[str]:
    """What axe finds on the whole page as it is now but for its contrast, and whether anything is beyond the edge."""
    found = _violations(page, "html", {"rules": {CONTRAST: {"enabled": False}}})
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"{wider} px too wide"] if wider else [])]


def _violations(page: Page, part: str, options: dict[str, Any]) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    asked = [part, {**options, "resultTypes": ["violations"], "preload": False}]
    told = page.evaluate("([part, options]) => axe.run(part, options)", asked)
    return [f"{each['id']}: {each['nodes'][0]['target']}" for each in told["violations"]]
