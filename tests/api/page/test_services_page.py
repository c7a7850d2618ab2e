"""The workspace at a glance, in a real browser: services as they are, their logs, and what they can be told to do."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import Start
from tests.api.page.scenes import NO_SERVICES, cell, opened
from tests.browser import CHROMIUM, sync_api
from tests.lab import Lab, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian package: chromium-headless-shell)"),
    pytest.mark.timeout(600),  # many waits in a row, each of which may take long on a machine with much else to do
]
PRINTS = "touch lines; echo $$ >pid; exec tail -n +1 -f lines"


def test_a_service_without_a_port_crashes_and_is_started_again_from_the_page(page: Page, lab: Lab) -> None:
    """It was dropped from the page as soon as it had crashed."""
    expect, port = sync_api.expect, lab.port()
    web = {"command": lab.server(), "port": lab.port(), "health": "/"}
    lab.configure(telemetry={"port": port}, web=web, worker={"command": PRINTS})
    lab.inv("up", "--except", "dev")
    page.goto(f"http://127.0.0.1:{port}/")
    expect(cell(page, "web", "state")).to_have_text("running")
    expect(cell(page, "web", "health")).to_contain_text("ms")
    expect(cell(page, "web", "port").get_by_role("link")).to_have_text(str(web["port"]))
    expect(cell(page, "worker", "state")).to_have_text("running")
    expect(cell(page, "worker", "cpu")).to_contain_text("%")
    expect(cell(page, "telemetry", "cpu")).to_contain_text("%")
    expect(cell(page, "dev", "state")).to_have_text("stopped")
    expect(cell(page, "dev", "port").get_by_role("link")).to_have_count(0)

    os.kill(int(until(lambda: (lab.path / "pid").exists() and (lab.path / "pid").read_text())), signal.SIGKILL)
    expect(cell(page, "worker", "state")).to_have_text("crashed")
    expect(cell(page, "worker", "cause")).to_contain_text("SIGKILL")
    expect(page.locator("#events")).to_contain_text("crash")

    shown = opened(page, "worker")
    shown.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#told")).to_have_text("start worker: done")
    expect(page.locator("#service-state")).to_have_text("running")
    with open(lab.path / "lines", "a") as lines:
        lines.write("one\n<b>two</b>\nthree\n")
    expect(page.locator("#log")).to_contain_text("<b>two</b>")
    page.get_by_label("Search").fill("TWO")
    expect(page.locator("#log mark")).to_have_count(1)
    expect(page.locator("#log")).not_to_contain_text("three")
    shown.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#told")).to_have_text("stop worker: done")
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    expect(cell(page, "worker", "state")).to_have_text("stopped")
    expect(opened(page, "telemetry")).to_contain_text("serves this page")
    expect(page.locator("#acts")).to_be_hidden()
    lab.inv("telemetry.stop")


def test_what_another_workspace_of_this_user_runs_is_shown(page: Page, lab: Lab, start: Start) -> None:
    expect, other, port = sync_api.expect, lab.workspace("handbook", NO_SERVICES), lab.port()
    lab.configure(other, site={"command": lab.server(), "port": port, "health": "/"})
    assert lab.inv("up", cwd=other).code == 0
    page.goto(start(**{**lab.environ, "SENTINEL_WORKSPACE": str(lab.path)}).url)
    shown = page.locator("#workspaces > li")
    expect(shown.get_by_role("heading")).to_have_text([str(other)])
    expect(shown).to_contain_text("tmux session sentinel-handbook")
    expect(shown.get_by_role("listitem")).to_have_text([f"site: running {port}"])
    expect(shown.get_by_role("button")).to_have_count(0)
    expect(page.locator("#states")).not_to_contain_text("site")
    lab.inv("site.stop", cwd=other)
    expect(shown).to_contain_text("site: stopped")
    lab.inv("down", cwd=other)
    expect(page.locator("#others")).to_be_hidden()
