"""The workspace at a glance, in a real browser: services as they are, their logs, and what they can be told to do."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.api.conftest import Start
from tests.browser import CHROMIUM, EVERY_LOOK, barriers_in, sync_api
from tests.lab import Lab, free_port

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing (Debian package: chromium)"),
    pytest.mark.xdist_group("browser"),
    pytest.mark.timeout(600),  # many waits in a row, each of which may take long on a machine with much else to do
]
PRINTS = "touch lines; echo $$ >pid; exec tail -n +1 -f lines"
NO_SERVICES = "from sentinel_tasks import workspace\n\nnamespace = workspace()\n"


def row(page: Page, name: str) -> Locator:
    return page.locator(f'#states tr[data-key="{name}"]')


def cell(page: Page, name: str, column: str) -> Locator:
    return row(page, name).locator(f'[data-column="{column}"]')


def opened(page: Page, name: str) -> Locator:
    """The service's dialog, by keyboard."""
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")
    return page.locator("#service")


def test_a_service_without_a_port_crashes_and_is_started_again_from_the_page(page: Page, lab: Lab) -> None:
    """It was dropped from the page as soon as it had crashed."""
    lab.own_default_ports()
    expect, port = sync_api.expect, lab.port()
    web = {"command": lab.server(), "port": lab.port(), "health": "/"}
    lab.configure(telemetry={"port": port}, web=web, worker={"command": PRINTS})
    lab.inv("up", "--except", "dev")
    page.goto(f"http://127.0.0.1:{port}/")
    expect(cell(page, "web", "state")).to_have_text("running")
    expect(cell(page, "web", "health")).to_contain_text("ms")
    expect(cell(page, "web", "port").get_by_role("link")).to_have_text(str(web["port"]))
    expect(cell(page, "worker", "state")).to_have_text("running")
    expect(cell(page, "dev", "state")).to_have_text("stopped")
    expect(cell(page, "dev", "port").get_by_role("link")).to_have_count(0)

    os.kill(int((lab.path / "pid").read_text()), signal.SIGKILL)
    expect(cell(page, "worker", "state")).to_have_text("crashed")
    expect(cell(page, "worker", "cause")).to_contain_text("SIGKILL")
    expect(page.locator("#events")).to_contain_text("crash")
    assert barriers_in(page, EVERY_LOOK) == []

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
    assert barriers_in(page) == []
    shown.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator("#told")).to_have_text("stop worker: done")
    page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    expect(cell(page, "worker", "state")).to_have_text("stopped")
    expect(opened(page, "telemetry")).to_contain_text("serves this page")
    expect(page.locator("#acts")).to_be_hidden()
    page.keyboard.press("Escape")

    lab.inv("telemetry.stop")
    expect(page.locator("#lost")).to_contain_text("inv telemetry.activate")
    assert barriers_in(page) == []


def test_empty_wrong_and_closed_say_what_to_do(page: Page, start: Start, tmp_path: Path) -> None:
    expect, port = sync_api.expect, free_port()
    (tmp_path / "tasks.py").write_text(NO_SERVICES)
    page.goto(start(arguments=["--read-only"]).url)
    expect(page.locator("#states-empty")).to_contain_text("inv init")
    assert barriers_in(page) == []
    (tmp_path / "invoke.yaml").write_text("sentinel: {services: {web: {prot: 3000, command: sleep 9}}}\n")
    expect(page.locator("#states-problem")).to_contain_text("prot")
    expect(page.locator("#states-problem")).to_contain_text("inv doctor")
    assert barriers_in(page) == []
    (tmp_path / "tasks.py").write_text("def (\n")
    expect(page.locator("#states-problem")).to_contain_text("can't be loaded")
    (tmp_path / "tasks.py").write_text(NO_SERVICES)
    (tmp_path / "invoke.yaml").write_text(f"sentinel: {{services: {{web: {{port: {port}, command: sleep 9}}}}}}\n")
    expect(cell(page, "web", "state")).to_have_text("stopped")
    expect(opened(page, "web")).to_contain_text("--read-only")
    page.goto(start(TES_DEV_TOKEN="t").url)
    expect(page.locator("#ask")).to_contain_text("TES_DEV_TOKEN")
    assert barriers_in(page) == []
