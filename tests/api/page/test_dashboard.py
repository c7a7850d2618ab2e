"""The page in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import RunningApi, Spawn, Start
from tests.browser import CHROMIUM, sync_api
from tests.lab import LONG, free_port, until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian package: chromium-headless-shell)"),
]


def put(api: RunningApi, worker_id: str, **fields: object) -> None:
    assert api.http.put(f"/api/workers/registry/{worker_id}", json={"ttl": 3600, **fields}).status_code == 200


def row(page: Page, worker_id: str) -> Locator:
    return page.locator(f'tr[data-key="{worker_id}"]')


def in_depth(page: Page, worker_id: str) -> str:
    """What the page tells of the worker if it is asked now."""
    page.get_by_role("button", name=worker_id).click()
    sync_api.expect(page.locator("#depth-text")).not_to_have_text("…")
    told = page.locator("#depth-text").text_content()
    page.get_by_role("button", name="Close").click()
    return told or ""


def test_a_worker_appears_is_seen_in_depth_works_fails_and_leaves(page: Page, api: RunningApi, spawn: Spawn) -> None:
    expect = sync_api.expect
    page.goto(api.url)
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#empty")).to_be_visible()
    dev = spawn("dev", ["sleep", str(LONG)])
    expect(row(page, f"dev-{dev.pid}")).to_contain_text("idle")
    expect(page.locator("#empty")).to_be_hidden()
    assert '"sleep"' in in_depth(page, f"dev-{dev.pid}")
    until(lambda: "one snapshot a worker in 10 seconds; again in" in in_depth(page, f"dev-{dev.pid}"))
    put(api, "w1", status="working", current_job="<b>resize</b>", queue_depth=3, service="queue")
    expect(row(page, "w1")).to_contain_text("<b>resize</b>")
    expect(page.locator('#services li[data-key="queue"]')).to_contain_text("1 working")
    expect(page.locator('#summary [data-status="total_queue_depth"]')).to_have_text("3")
    put(api, "w1", status="error", current_job=None, last_error="boom")
    expect(row(page, "w1")).to_contain_text("boom")
    expect(page.locator('#summary [data-status="error"]')).to_have_text("1")
    dev.kill()
    expect(row(page, f"dev-{dev.pid}")).to_have_count(0)
    api.http.delete("/api/workers/registry/w1")
    expect(page.locator("#empty")).to_be_visible()
    assert len(page.locator("#charts polyline").first.get_attribute("points") or "") > 10


def test_rows_are_sorted_and_found_by_keyboard_and_not_cut_off_on_a_phone(page: Page, api: RunningApi) -> None:
    expect = sync_api.expect
    for worker_id, depth in (("a", 2), ("b", 10), ("c", 1)):
        put(api, worker_id, queue_depth=depth)
    page.goto(api.url)
    expect(page.locator("#workers tbody tr")).to_have_count(3)
    page.get_by_role("button", name="Queue").focus()
    page.keyboard.press("Enter")
    until(lambda: shows(page, "b", "a", "c"))
    page.keyboard.press("Enter")
    until(lambda: shows(page, "c", "a", "b"))
    expect(page.locator('th[data-column="queue"]')).to_have_attribute("aria-sort", "ascending")
    page.get_by_label("Find").fill("b")
    until(lambda: shows(page, "b"))
    page.get_by_label("Find").fill("nobody")
    expect(page.locator("#nothing-found")).to_be_visible()
    page.get_by_label("Find").fill("")
    put(api, "worker-with-quite-a-long-name-" + "x" * 60, status="working", current_job="a long job " * 20)
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator("#workers tbody tr")).to_have_count(4)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def shows(page: Page, *ids: str) -> bool:
    """True while exactly these rows are there, in this order."""
    found: list[str] = page.locator("#workers tbody tr").evaluate_all("rows => rows.map(row => row.dataset.key)")
    return found == [*ids]


def test_a_lost_connection_is_told_and_found_again(page: Page, start: Start) -> None:
    expect = sync_api.expect
    port = ["--port", str(free_port())]  # a free one of those for connections could be taken meanwhile
    first = start(arguments=port)
    put(first, "w1", status="working")
    page.goto(first.url)
    expect(row(page, "w1")).to_be_visible()
    first.end()
    expect(page.get_by_role("alert")).to_contain_text("Lost the connection")
    expect(row(page, "w1")).to_be_visible()
    start(arguments=port)
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("#empty")).to_be_visible()


def test_the_token_is_asked_for_once(page: Page, start: Start) -> None:
    expect = sync_api.expect
    api = start(TES_DEV_TOKEN="pässword")
    page.goto(api.url)
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-problem")).to_be_visible()
    page.get_by_role("textbox", name="Token").fill("pässword")
    page.keyboard.press("Enter")
    expect(page.locator("#connection")).to_have_text("live")
    page.reload()
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#ask")).to_be_hidden()


def test_the_page_may_not_be_framed_or_fetch_from_elsewhere(api: RunningApi) -> None:
    policy = api.http.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
