"""Programs that do to themselves what real ones do, and are the service's all the same."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from tests.lab import Lab, is_open, until
from tests.watch import is_living

CLEARED = "env -i"


def serve(lab: Lab, command: object, **keys: Any) -> int:
    """Starts `dev` with this command (`PORT` in it is the port); its port."""
    port = lab.port()
    if isinstance(command, str):
        command = command.replace("PORT", str(port))
    lab.configure(dev={"command": command, "port": port, "health": "tcp", "stop_timeout": 2, **keys})
    started = lab.inv("dev.start")
    assert started.code == 0, started.said
    return port


def server(lab: Lab, *words: str) -> str:
    return shlex.join(lab.server("--port", "PORT", *words))


def holder(lab: Lab) -> int:
    """The pid that the status tells of the first listener, which must be ours."""
    listener = lab.sentinel("status", "dev", "--json").json["listener"]
    assert listener["relation"] == "ours", listener
    assert isinstance(listener["pid"], int)
    return listener["pid"]


def close_window(lab: Lab) -> None:
    lab.tmux("kill-session", "-t", "=sentinel-app:")


def assert_ended(port: int, *pids: int) -> None:
    assert [pid for pid in pids if is_living(pid)] == []
    assert not is_open(port)


def test_one_that_writes_over_its_environment_ends_with_its_window(lab: Lab) -> None:
    port = serve(lab, lab.server("--rewrite-title", "--ignore", "SIGHUP"))
    pid = holder(lab)
    assert Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0") == b""
    close_window(lab)
    stopped = lab.inv("dev.stop")
    assert stopped.code == 0
    assert "outside tmux" not in stopped.said
    assert_ended(port, pid)


def test_a_daemon_without_our_tags_is_ended_by_a_stop_and_not_before(lab: Lab) -> None:
    lab.own_default_ports()
    note = lab.path / "daemon"
    daemon = f"setsid -f {CLEARED} sh -c 'echo $$ >{note}; exec sleep 4002'"
    port = serve(lab, f"{daemon}; exec {server(lab)}")
    pid = int(until(lambda: note.exists() and note.read_text()))
    assert lab.inv("doctor", "--fix").code == 0
    assert is_living(pid), "it is no stray while its service runs"
    assert lab.inv("dev.stop").code == 0
    assert_ended(port, pid)


def test_one_that_goes_into_the_background_is_ours_and_is_ended(lab: Lab) -> None:
    port = serve(lab, lab.server("--background", "--rewrite-title"))
    pid = holder(lab)
    until(lambda: is_told(lab, pid), "the note, once its launcher has seen that it went")
    assert lab.inv("dev.start", "--json").json["changed"] is False
    assert lab.inv("down").code == 0
    assert_ended(port, pid)
    assert lab.sentinel("status", "dev", "--json").json["state"] == "stopped"


def is_told(lab: Lab, pid: int) -> bool:
    """True if it is told to run on in the background as this process."""
    told = lab.sentinel("status", "dev", "--json").json
    assert told["state"] == "running"
    return any("background" in note and str(pid) in note for note in told["notes"])


def events(lab: Lab) -> list[tuple[str, str]]:
    lines = [line for path in lab.state("events.jsonl") for line in path.read_text().splitlines()]
    return [(each["event"], each["reason"]) for each in map(json.loads, lines)]


def test_until_it_has_ended_the_truth_is_told_of_a_service_without_window(lab: Lab) -> None:
    """Status said that it had crashed, while it and its launcher lived and held the port."""
    port = serve(lab, f"trap '' HUP; exec {server(lab, '--stop-delay', '1')}", restart="always")
    close_window(lab)
    told = lab.sentinel("status", "dev", "--json").json
    assert told["state"] != "crashed"
    assert "launcher was killed" not in str(told["error"])
    until(lambda: not is_open(port) and not lab.services(), "the end of the service")
    assert "its window was closed" in until(lambda: events(lab)[-1][0] == "stop" and events(lab)[-1][1])
    assert [event for event, _ in events(lab)] == ["start", "stop"]
