"""A service that watches its files: a save, a checkout, a killed watcher, a crash, and what restarts with it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.lab import STAYS, Lab, until


def watching(lab: Lab, **others: Any) -> None:
    """A service that watches `src`, started and healthy."""
    (lab.path / "src").mkdir()
    (lab.path / "src/version").write_text("one")
    web = {**STAYS, "command": f"cat src/version && echo && {STAYS['command']}", "watch": ["src/**"]}
    lab.configure(web=web, **others)
    started = lab.inv("up", "--only", ",".join(["web", *others]))
    assert (started.code, "watch" in started.out) == (0, False), started.said
    until(lambda: any("web" in path.read_text() for path in lab.state("watcher/watching.json")), "the watcher")


def save(lab: Lab, text: str) -> None:
    """In one step, as an editor does; a file that is emptied first may have changed twice on a busy machine."""
    (lab.path / "draft").write_text(text)
    (lab.path / "draft").replace(lab.path / "src/version")


def events(lab: Lab, service: str = "web") -> list[tuple[str, str]]:
    (path,) = lab.state("events.jsonl")
    found = map(json.loads, path.read_text().splitlines())
    return [(each["event"], each["reason"]) for each in found if each["service"] == service]


def restarts(lab: Lab, service: str = "web") -> list[str]:
    return [reason for event, reason in events(lab, service) if event == "restart"]


def watcher(lab: Lab) -> list[psutil.Process]:
    found = []
    for each in lab.processes():
        with suppress(psutil.Error):
            found += (
                [each] if any(Path(word).parts[-2:] == ("watcher", "__main__.py") for word in each.cmdline()) else []
            )
    return found


def test_a_save_restarts_it_with_whatever_restarts_with_it_and_a_checkout_does_so_once(lab: Lab) -> None:
    lab.spawn("git", "init", "--quiet").wait()
    watching(lab, other={**STAYS, "restart_with": "web"})
    save(lab, "two")
    until(lambda: restarts(lab) == ["src/version changed"], "the restart")
    until(lambda: restarts(lab, "other") == ["web restarted"], "the other's restart")
    assert lab.inv("web.wait").code == 0
    told = lab.sentinel("status", "web", "--json").json
    assert (told["reaction"], told["watched"], told["restarts"]) == ("restarted because src/version changed", True, 0)
    assert "restarted because src/version changed" in lab.inv("ps").out
    until(lambda: lab.sentinel("logs", "web", "--json").json["lines"][-2:-1] == ["two"], "the new output")
    lock = lab.path / ".git/index.lock"  # as git has it while it writes files
    lock.touch()
    for number in range(1000):
        (lab.path / f"src/{number}.py").touch()
    lock.unlink()
    until(lambda: len(restarts(lab)) > 1, "the restart")
    assert lab.inv("web.wait").code == 0
    assert restarts(lab)[1:] == ["src/0.py and 999 more changed"]


def test_a_watcher_that_was_killed_is_told_and_started_again(lab: Lab) -> None:
    watching(lab)
    (found,) = watcher(lab)
    found.kill()
    until(lambda: not watcher(lab))
    killed = "its files are not watched: the watcher was killed"
    until(lambda: killed in lab.inv("web.status").out)  # its lock goes last
    checks = {check["name"]: check for check in lab.inv("doctor", "--json").json["checks"]}
    assert not checks["watchers"]["ok"]
    assert "its files are watched again" in lab.inv("up", "--only", "web").out
    assert lab.sentinel("status", "web", "--json").json["watched"]
    save(lab, "two")
    until(lambda: restarts(lab) == ["src/version changed"], "the restart")
    assert lab.inv("web.stop").code == 0
    until(lambda: not watcher(lab), "the watcher's end")
