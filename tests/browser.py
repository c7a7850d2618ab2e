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


def barriers(page: Page) -> list[str]:
    """What axe finds on the page as it is now, and whether anything of it is beyond the edge."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    told = page.evaluate("axe.run({resultTypes: ['violations'], preload: false})")
    found = [f"{each['id']}: {each['nodes'][0]['target']}" for each in told["violations"]]
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"{wider} px too wide"] if wider else [])]


Look = tuple[Literal["light", "dark"], int, int]
SIZES = ((320, 640), (1280, 800), (3840, 2160))
LOOKS: tuple[Look, ...] = tuple((scheme, *size) for size in SIZES for scheme in ("light", "dark"))


EXTREMES: tuple[Look, ...] = (("light", 320, 640), ("dark", 1280, 800))
"""Both colours, and both ends of the layout: the other four looks are for the state that shows most."""


def barriers_in(page: Page, looks: tuple[Look, ...] = LOOKS) -> list[str]:
    """The same in these colours and sizes."""
    found = []
    for scheme, width, height in looks:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        found += [f"{scheme} {width}: {each}" for each in barriers(page)]
    return found
