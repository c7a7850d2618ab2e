"""The dashboard in each of its states, one after the other, of real services and APIs: for axe and for pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from tests.api.conftest import Start
from tests.browser import sync_api
from tests.lab import LONG, Lab, until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TASKS = "from sentinel_tasks import telemetry, workspace\n\nnamespace = workspace(telemetry)\n"
NO_SERVICES = "from sentinel_tasks import workspace\n\nnamespace = workspace()\n"
STATES = {
    "web": "running", "reports": "starting", "search": "unhealthy", "mailer": "crashed", "admin": "conflict",
    "migrate": "completed", "nightly": "stopped", "telemetry": "running",
}  # fmt: skip
WORKERS = (
    {"status": "working", "current_job": "resize 4711.jpg", "queue_depth": 12, "messages_processed": 318},
    {"status": "error", "last_error": "ConnectionError: images:9000 refused", "errors": 3},
)
LOSES_ITS_SERVER = """
echo connected to smtp.example
echo ready
until [ -e ill ]; do sleep 0.1; done
echo sent 12 messages
echo ConnectionError: smtp.example:25 refused
exit 1
"""


def row(page: Page, name: str) -> Locator:
    return page.locator(f'#states tr[data-key="{name}"]')


def cell(page: Page, name: str, column: str) -> Locator:
    return row(page, name).locator(f'[data-column="{column}"]')


def opened(page: Page, name: str) -> Locator:
    """The service's dialog, by keyboard."""
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")
    return page.locator("#service")


def scenes(page: Page, lab: Lab, start: Start, empty: Path) -> Iterator[str]:
    """Brings the page into each of its states, and names it; `empty` is the folder in which `start` starts APIs."""
    expect = sync_api.expect
    port = _with_services_in_every_state(lab)
    page.goto(f"http://127.0.0.1:{port}/")
    for name, state in STATES.items():
        expect(cell(page, name, "state")).to_have_text(state)
    expect(page.locator("#workspaces")).to_contain_text("running")
    expect(page.locator("#workers")).to_contain_text("resize")
    yield "services"
    opened(page, "mailer")
    page.get_by_label("Search").fill("error")
    expect(page.locator("#log mark")).not_to_have_count(0)
    yield "service"
    page.get_by_role("button", name="Close").press("Enter")
    page.get_by_role("button", name="images-1").press("Enter")
    expect(page.locator("#depth-text")).to_contain_text("resize")
    yield "worker"
    page.keyboard.press("Escape")
    lab.inv("telemetry.stop")
    expect(page.locator("#lost")).to_contain_text("inv telemetry.activate")
    yield "lost"
    yield from _without_services(page, start, empty)


def _without_services(page: Page, start: Start, folder: Path) -> Iterator[str]:
    expect = sync_api.expect
    (folder / "tasks.py").write_text(NO_SERVICES)
    shown = start(arguments=["--read-only"])
    page.goto(shown.url)
    expect(page.locator("#states-empty")).to_be_visible()
    expect(page.locator("#states-empty")).to_contain_text("inv init")
    expect(page.locator("#empty")).to_be_visible()
    yield "empty"
    _configure(folder, web={"prot": 3000, "command": "npm run dev"}, jobs={"command": "celery worker"})
    expect(page.locator("#states-problem")).to_contain_text("prot")
    expect(page.locator("#states-problem")).to_contain_text("inv doctor")
    yield "wrong"
    (folder / "invoke.yaml").unlink()
    (folder / "tasks.py").write_text("def (\n")
    expect(page.locator("#states-problem")).to_contain_text("can't be loaded")
    expect(page.locator("#states-problem")).not_to_contain_text("prot")
    yield "broken"
    (folder / "tasks.py").write_text(NO_SERVICES)
    without_tmux = start(PATH=str(folder))
    page.goto(without_tmux.url)
    expect(page.locator("#states-problem")).to_contain_text("can't be told: tmux")
    yield "error"
    without_tmux.end()  # it would ask for the services again and again
    page.goto(shown.url)
    _configure(folder, web={"command": "npm run dev"})
    expect(cell(page, "web", "state")).to_have_text("stopped")
    expect(page.locator("#states-problem")).to_be_hidden()
    expect(opened(page, "web")).to_contain_text("--read-only")
    yield "read-only"
    page.goto(start(TES_DEV_TOKEN="t").url)
    expect(page.locator("#ask")).to_contain_text("TES_DEV_TOKEN")
    yield "token"
    page.get_by_role("textbox", name="Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#ask-problem")).to_be_visible()
    yield "refused"


def _configure(folder: Path, **services: object) -> None:
    (folder / "invoke.yaml").write_text(json.dumps({"sentinel": {"services": services}}))


def _with_services_in_every_state(lab: Lab) -> int:
    """The port of its page."""
    port, admin = lab.port(), lab.port()
    (lab.path / "tasks.py").write_text(TASKS)
    lab.configure(
        web={"command": lab.server(), "port": lab.port(), "health": "/"},
        reports={"command": f"exec sleep {LONG}", "health": {"log": "ready"}, "startup_timeout": LONG},
        search={"command": f"exec sleep {LONG}", "health": {"command": "test ! -e ill"}},
        mailer={"command": LOSES_ITS_SERVER, "health": {"log": "ready"}},
        admin={"command": lab.server(), "port": admin},
        migrate={"command": "echo 3 migrations applied", "health": "exit"},
        nightly={"command": f"exec sleep {LONG}"},
        telemetry={"port": port},
    )
    site = lab.workspace("handbook", NO_SERVICES)
    lab.configure(site, site={"command": lab.server(), "port": lab.port()})
    assert lab.inv("up", cwd=site).code == 0
    said = lab.inv("up", "--only", "web,search,mailer,migrate,telemetry")
    assert said.code == 0, said.said
    lab.listen(admin)
    lab.begin_waiting("reports.start").kill()  # or it would look for their health until the end
    (lab.path / "ill").touch()
    for number, report in enumerate(WORKERS, 1):
        _report(port, f"images-{number}", {**report, "service": "web", "ttl": 3600})
    return port


def _report(port: int, worker_id: str, report: object) -> None:
    url = f"http://127.0.0.1:{port}/api/workers/registry/{worker_id}"
    asked = Request(url, json.dumps(report).encode(), {"Content-Type": "application/json"}, method="PUT")
    until(lambda: urlopen(asked).status == 200, "the report")
