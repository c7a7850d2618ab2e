"""Services whose windows are on a tmux server that this call does not reach: they are ours, and told as that."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any, NamedTuple

import psutil
import pytest

from tests.lab import STAYS, Lab, is_open, lives, until

SERVICES = "from sentinel_tasks import service, workspace\nnamespace = workspace(service('web'), service('job'))\n"


def status(lab: Lab, name: str = "web") -> dict[str, Any]:
    """The service's document, with its exit code."""
    done = lab.sentinel("status", name, "--json")
    return {**done.json, "code": done.code}


class Hidden(NamedTuple):
    """The tmux server that is not reached any more, and how a person reaches it."""

    server: int
    way: str


def lose_socket(lab: Lab, server: int) -> Hidden:
    """Somebody cleans up /tmp; the way on is to have the server open its socket again."""
    for path in lab.folder.glob("tmux/tmux-*/default"):
        path.unlink()
    return Hidden(server, f"kill -USR1 {server} makes that server open its socket again")


def take_another_folder(lab: Lab, server: int) -> Hidden:
    """A shell with another TMUX_TMPDIR; the way on is the socket's path."""
    (path,) = lab.folder.glob("tmux/tmux-*/default")
    (lab.folder / "tmux-elsewhere").mkdir(mode=0o700)
    lab.environ["TMUX_TMPDIR"] = str(lab.folder / "tmux-elsewhere")
    return Hidden(server, f"tmux -S {path} attach-session shows it")


@pytest.fixture
def running(lab: Lab) -> Iterator[Lab]:
    """`web` serves on a port, `job` has none; both run."""
    (lab.path / "tasks.py").write_text(SERVICES)
    lab.configure(web={"command": lab.server(), "port": lab.port(), "health": "tcp"}, job=STAYS)
    assert lab.inv("up").code == 0
    server = psutil.Process(server_of(lab))
    yield lab
    server.kill()


def server_of(lab: Lab) -> int:
    return int(lab.tmux("display-message", "-p", "#{pid}"))


def test_windows_on_a_server_that_is_not_reached_are_told_as_ours_never_doubled_and_ended(running: Lab) -> None:
    """They were "held by python in another tmux server", and the doctor said nothing; one without a port ran twice."""
    hidden = lose_socket(running, server_of(running))
    before = told_as_ours(running, hidden)
    for task in ("job.start", "up"):
        done = running.inv(task)
        assert done.code == 0, done.said
        assert "already running" in done.out
        assert hidden.way in done.out
    assert {name: status(running, name)["pid"] for name in ("web", "job")} == before
    assert len([each for each in running.services() if "sleep" in each.cmdline()]) == 1
    moved = running.inv("web.restart", "--json")
    assert moved.code == 0, moved.said
    assert (moved.json["state"], moved.json["notes"], moved.json["pid"] != before["web"]) == ("running", [], True)
    assert running.inv("web.attach").code == 0
    assert_ended(running, "down")


def told_as_ours(running: Lab, hidden: Hidden) -> dict[str, int]:
    """Every task that only looks says so, with the way on; the pids of what runs."""
    told = status(running)
    assert (told["code"], told["state"], told["listener"]["relation"]) == (0, "running", "ours")
    place = f"on a tmux server that is not reached from here (pid {hidden.server})"
    assert told["notes"] == [f"its window is {place}: {hidden.way}"]
    assert hidden.way in running.inv("web.status").out
    assert hidden.way in running.inv("ps").out
    attach = running.inv("web.attach")
    assert (attach.code, hidden.way in attach.err) == (3, True), attach.said
    checks = [check for check in running.inv("doctor", "--json").json["checks"] if check["name"] == "windows"]
    assert [check["ok"] for check in checks] == [False, False]
    assert all(hidden.way in check["remedy"] for check in checks)
    pids = {name: status(running, name)["pid"] for name in ("web", "job")}
    assert all(map(psutil.pid_exists, pids.values()))
    return pids


def assert_ended(running: Lab, *tasks: str) -> None:
    port = status(running)["port"]
    for task in tasks:
        done = running.inv(task, "--json")
        assert done.code == 0, done.said
        assert all(each["changed"] for each in done.json.get("services", [done.json]))
    assert not is_open(port)
    assert running.services() == []
    assert [status(running, name)["state"] for name in ("web", "job")] == ["stopped", "stopped"]


def test_the_way_that_is_told_leads_there_and_a_stop_ends_what_runs_on_a_server_that_is_not_reached(
    running: Lab,
) -> None:
    """It said "not running", with exit 0."""
    hidden = lose_socket(running, server_of(running))
    assert status(running)["window"] is None
    os.kill(int(hidden.way.split()[2]), signal.SIGUSR1)
    until(running.windows, "the server at its socket")
    told = status(running)
    assert (told["state"], told["notes"], told["window"]["name"]) == ("running", [], "web")
    hidden = take_another_folder(running, server_of(running))
    assert [hidden.way in note for note in status(running)["notes"]] == [True]
    assert_ended(running, "web.stop", "job.stop")


def test_what_the_configuration_forgot_is_ended_also_there(running: Lab) -> None:
    lose_socket(running, 0)
    job = psutil.Process(status(running, "job")["pid"])
    (running.path / "tasks.py").write_text(SERVICES.replace(", service('job')", ""))
    document = json.loads((running.path / "invoke.yaml").read_text())
    del document["sentinel"]["services"]["job"]
    (running.path / "invoke.yaml").write_text(json.dumps(document))
    assert "job" in running.inv("ps").out
    (check,) = (each for each in running.inv("doctor", "--json").json["checks"] if each["name"] == "unconfigured")
    assert (check["reason"].partition(" ")[0], check["remedy"]) == ("job", "inv down")
    assert running.inv("down").code == 0
    assert not lives(job)
