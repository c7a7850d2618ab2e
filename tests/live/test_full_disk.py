"""A state folder on a disk without room: what runs is told as running, what ends is told with its cause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentinel_tasks.supervisor import capture, log_probe
from tests.lab import LONG, Lab, until

SIZE, PAGE = 64 << 10, 4096

TELLS = r"""
import os, socket, time
bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
bell.sendto(b"READY=1\nSTATUS=3 users", "\0" + os.environ["NOTIFY_SOCKET"][1:])
time.sleep(600)
"""
Fill = Callable[[int], None]


@pytest.fixture
def fill(lab: Lab) -> Iterator[Fill]:
    """Moves the state folder to a disk on which so many pages are left."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = lab.folder / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk], check=True)
    lab.environ["XDG_STATE_HOME"] = str(disk)

    def leave(pages: int) -> None:
        Path(disk / "filler").write_bytes(b"x" * (SIZE - pages * PAGE))

    yield leave
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.fixture
def read_only(lab: Lab, fill: Fill) -> Iterator[str]:
    """A state folder that can't be written to, not even by root."""
    disk = lab.environ["XDG_STATE_HOME"]
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    yield disk
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)


def test_a_service_that_runs_is_started_and_stopped(lab: Lab, fill: Fill) -> None:
    fill(0)
    lab.configure(telemetry={"command": "exec sleep 600", "port": None, "health": {"command": "true"}})
    assert lab.inv("telemetry.activate").code == 0
    assert {path.name for path in lab.state("*.run.json*")} <= {"telemetry.run.json"}, "a draft was left"
    assert lab.inv("telemetry.status").code == 0
    assert lab.inv("telemetry.activate", "--json").json["changed"] is False
    assert lab.inv("telemetry.stop").code == 0
    assert lab.services() == []


@pytest.mark.parametrize("pages", [0, 1])
def test_a_service_that_ends_is_told_at_once_with_its_cause(lab: Lab, fill: Fill, pages: int) -> None:
    """Where its record had no room, "how could not be written down" was all that was told."""
    fill(pages)
    lab.configure(telemetry={"command": "sleep 0.3; exit 3", "port": None, "health": {"command": "false"}})
    done = lab.inv("telemetry.activate", "--timeout", str(LONG))
    assert done.code == 1
    assert "ended while starting: exit 3" in done.err
    assert lab.sentinel("status", "telemetry", "--json").json["exit_code"] == 3
    assert {path.name for path in lab.state("*.run.json*")} <= {"telemetry.run.json"}, "a draft was left"


def test_a_service_says_that_it_is_ready_though_no_record_can_be_written(lab: Lab, fill: Fill) -> None:
    """The start waited for 30 s and told that no READY=1 had come, which its launcher had heard at once."""
    fill(0)
    (lab.path / "tell.py").write_text(TELLS)
    keys = {"command": [sys.executable, "tell.py"], "port": None, "health": "notify"}
    document = {"sentinel": {"window_state": False, "services": {"web": keys}}}
    (lab.path / "invoke.yaml").write_text(json.dumps(document))
    done = lab.inv("web.start", "--timeout", str(LONG))
    assert done.code == 0, done.said
    assert "3 users" in lab.inv("ps").out
    assert lab.inv("web.stop").code == 0
    assert lab.sentinel("status", "web", "--json").json["state"] == "stopped"


def test_a_full_disk_is_told_where_health_is_a_line_of_the_log(lab: Lab, fill: Fill) -> None:
    """It said "no line matches 'listening on' yet" alone, though the service had printed that."""
    fill(0)
    command = "echo listening on 80; exec sleep 600"
    lab.configure(telemetry={"command": command, "port": None, "health": {"log": "listening on"}})
    cause = f"no line matches 'listening on' yet: the disk of {lab.environ['XDG_STATE_HOME']}"

    def told() -> str:
        done = lab.inv("telemetry.activate", "--timeout", "0.5")
        assert done.code == 1
        return done.err if cause in done.err else ""

    assert " is full, and lines of the log are lost" in until(told, cause)


def test_no_service_is_ended_for_lines_that_a_full_disk_has_lost(lab: Lab, fill: Fill) -> None:
    """Its `liveness: {log: …}` called it silent."""
    log = capture.Log(f"{lab.environ['XDG_STATE_HOME']}/web.log", 1000, 1)
    assert log_probe.main(log.path, "tick", "10") == 1
    fill(0)
    assert log_probe.main(log.path, "tick", "10") == 0
    os.close(log.file)
    os.close(log.times)


def test_the_doctor_tells_of_a_full_disk(lab: Lab, fill: Fill) -> None:
    fill(0)
    done = lab.inv("doctor")
    assert done.code == 1
    assert "is full" in done.said


def test_a_disk_without_room_for_another_file_is_told(lab: Lab, fill: Fill) -> None:
    """`start` could not say what had no room, and sent people to a doctor who found nothing."""
    lab.configure(telemetry={"command": "exec sleep 600", "port": None, "health": {"command": "true"}})
    disk = Path(lab.environ["XDG_STATE_HOME"])
    assert lab.inv("telemetry.activate").code == 0
    assert lab.inv("telemetry.stop").code == 0
    subprocess.run(["mount", "-o", f"remount,nr_inodes={1 + len([*disk.rglob('*')])}", disk], check=True)
    refused = lab.inv("telemetry.activate")
    assert refused.code == 1
    assert f"the state folder {disk}" in refused.err
    assert "No space left on device" in refused.err
    assert "no room for more files" in lab.inv("doctor").said


def test_a_read_only_state_folder_stops_nothing_and_is_told(lab: Lab, read_only: str, tmp_path: Path) -> None:
    lab.configure(telemetry={"command": "exec sleep 600", "port": None, "health": {"command": "true"}})
    elsewhere = {"XDG_STATE_HOME": str(tmp_path / "state")}
    assert lab.inv("telemetry.activate", env=elsewhere).code == 0
    for verb in ("restart", "activate"):
        done = lab.inv(f"telemetry.{verb}")
        assert (done.code, "Read-only" in done.err) == ((1, True) if verb == "restart" else (0, False))
    assert "can't be written to" in lab.inv("doctor").said
    assert lab.inv("telemetry.stop").code == 0
    assert lab.services() == []
    refused = lab.inv("telemetry.activate")
    assert refused.code == 1
    assert "Read-only file system" in refused.err
