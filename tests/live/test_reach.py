"""What a stop can reach: other users, process groups and sessions of their own, chains of forks, and another clock."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from sentinel_tasks.supervisor.ending import TERM_SECONDS
from tests import chain
from tests.lab import STAYS, Lab, is_open, lives, until
from tests.somebody import Somebody, program


def serve(lab: Lab, command: str | list[str], **keys: object) -> int:
    """Starts `telemetry` by this command; its port."""
    port = lab.port()
    lab.configure(telemetry={"command": command, "port": port, "health": "tcp", **keys})
    started = lab.inv("telemetry.activate")
    assert started.code == 0, started.said
    return port


def status(lab: Lab) -> dict[str, Any]:
    document: dict[str, Any] = lab.sentinel("status", "telemetry", "--json").json
    return document


def events(lab: Lab) -> list[str]:
    """The kinds of all events so far, in order."""
    return [json.loads(line)["event"] for path in lab.state("events.jsonl") for line in path.read_text().splitlines()]


def recorded(lab: Lab) -> int | None:
    """The pid that the launcher has on record; it writes that while others see already that the service listens."""
    pid: int | None = json.loads(lab.state("telemetry.run.json")[0].read_text()).get("pid")
    return pid


# Another user's


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_a_service_of_another_user_is_asked_by_root_and_only_sent_signals_are_told(lab: Lab) -> None:
    """`--echo` told of signals that were never sent."""
    port = serve(lab, f"exec setpriv --reuid nobody --clear-groups {shlex.join(lab.server())}")
    told = status(lab)
    assert told["listener"]["relation"] == "ours"
    stopped = lab.inv("--echo", "telemetry.stop")
    assert stopped.code == 0, stopped.said
    assert not is_open(port)
    sent = [line for line in stopped.err.splitlines() if line.startswith("kill")]
    assert [line for line in sent if line.endswith(f" {told['pid']}")] == [f"kill -INT {told['pid']}"]
    assert not any(line.endswith("C-c") for line in stopped.err.splitlines())
    assert status(lab)["state"] == "stopped"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_root_ends_what_its_service_runs_as_another_user_without_a_launcher(lab: Lab) -> None:
    """Workers of an nginx that root had started lived on: the gate refused them."""
    server = shlex.join(lab.server("--ignore", "SIGINT", "--ignore", "SIGHUP", "--ignore", "SIGTERM"))
    port = serve(lab, f"exec setpriv --reuid nobody --clear-groups {server}", stop_timeout=0.2)
    process = psutil.Process(status(lab)["pid"])
    launcher = process.parent()
    assert launcher is not None
    until(lambda: recorded(lab) == process.pid, "the record of it")
    launcher.kill()
    until(lambda: not lives(launcher), "the launcher's end")
    stopped = lab.inv("--echo", "telemetry.stop")
    assert stopped.code == 0, stopped.said
    assert [f"kill -{name} {process.pid}\n" in stopped.err for name in ("INT", "TERM", "KILL")] == [True] * 3
    assert not lives(process)
    assert not is_open(port)
    until(lambda: status(lab)["state"] == "stopped", "the record of its end")


def setuid(somebody: Somebody, *words: str) -> psutil.Process:
    """Somebody's service `dev`, which becomes root and runs these words; its process."""
    program_of_root = Path(shutil.copy(program("setpriv"), somebody.folder / "become"))
    command = [str(program_of_root), "--reuid", "0", *words]
    document = {"sentinel": {"services": {"dev": {"command": command, "port": None, "health": None}}}}
    (somebody.path / "invoke.yaml").write_text(json.dumps(document))
    somebody.own()
    os.chown(program_of_root, 0, 0)
    program_of_root.chmod(0o4755)
    assert somebody.inv("dev.start").code == 0
    process = psutil.Process(somebody.inv("dev.status", "--json").json["pid"])
    until(lambda: process.name() == "sleep", "what it becomes")
    assert process.uids().real == 0
    return process


def test_what_became_root_and_will_not_end_is_told_as_what_cannot_be_signalled(somebody: Somebody) -> None:
    """It was "still there after SIGKILL", though no signal was ever sent to it."""
    process = setuid(somebody, "sh", "-c", "trap '' INT HUP; exec sleep 600")
    stopped = somebody.inv("dev.stop", "--timeout", "0.2")
    assert stopped.code == 1, stopped.said
    assert f"can't be signalled: {process.name()} (pid {process.pid}) of user root" in stopped.err
    assert str(process.pid) not in stopped.said.partition("SIGKILL")[2].partition(";")[0]
    assert "Traceback" not in stopped.said
    process.kill()


def test_a_user_ends_what_became_root_by_c_c(somebody: Somebody) -> None:
    """The launcher died with a PermissionError, and the stop said "still there after SIGKILL"."""
    process = setuid(somebody, "sleep", "600")
    stopped = somebody.inv("--echo", "dev.stop")
    assert stopped.code == 0, stopped.said
    assert not lives(process)
    assert f" {process.pid}\n" not in stopped.err
    assert any(line.startswith("tmux ") and line.endswith("C-c") for line in stopped.err.splitlines())
    assert somebody.inv("dev.status", "--json").json["state"] == "stopped"


def test_a_stop_is_no_crash_although_nothing_can_be_written(somebody: Somebody) -> None:
    """In a state folder that was read-only by then, status told "crashed (its launcher was killed)"."""
    command = "trap '' INT TERM; while :; do sleep 600; done"
    document = {"sentinel": {"services": {"dev": {"command": command, "port": None, "health": None}}}}
    (somebody.path / "invoke.yaml").write_text(json.dumps(document))
    somebody.own()
    assert somebody.inv("dev.start").code == 0
    (record,) = somebody.folder.rglob("dev.run.json")
    record.parent.chmod(0o500)  # from now on no file comes or goes
    for path in record.parent.iterdir():
        path.chmod(0o500)
    assert somebody.inv("dev.stop", "--timeout", "0.2").code == 0
    assert somebody.inv("dev.status", "--json").json["state"] == "stopped"
    for path in (record.parent, *record.parent.iterdir()):
        path.chmod(0o700)


# Groups, sessions and chains


def test_a_process_group_of_its_own_is_a_stop_and_no_crash(lab: Lab) -> None:
    """`bash -ic` puts the server into a group of its own: "Crashed (exit 1)", and an event `crash`."""
    port = serve(lab, ["bash", "-ic", f"{shlex.join(lab.server())}; echo bye"])
    assert lab.inv("telemetry.stop").code == 0
    assert not is_open(port)
    assert status(lab)["state"] == "stopped"
    assert events(lab) == ["start", "stop"]


def test_a_chain_of_forks_is_ended_within_the_stops_own_limits(lab: Lab) -> None:
    """It took 69 s and left processes, which `kill -9` to the group would have ended at once.

    It begins halfway between SIGTERM and SIGKILL: until then it would only keep a processor busy.
    """
    chain_of_forks = f"exec {shlex.quote(sys.executable)} -I -S {shlex.quote(chain.__file__)} sessions"
    forks = f"trap '' INT TERM; sleep {TERM_SECONDS / 2}; touch begun; {chain_of_forks}"
    waits = f"echo up; trap '' INT; trap {shlex.quote(f'({forks}) &')} TERM; while :; do sleep 600 & wait; done"
    lab.configure(telemetry={**STAYS, "command": waits})
    assert lab.inv("telemetry.activate").code == 0
    stopped = lab.inv("telemetry.stop", "--timeout", "0.2")
    assert stopped.code == 0, stopped.said
    until(lambda: not lab.commands(), "the end of the log writer at the latest")
    assert status(lab)["state"] == "stopped"
    assert (lab.path / "begun").exists()
    assert not (lab.path / chain.RAN_AWAY).exists()


def test_a_service_whose_first_thread_has_ended_is_alive_and_ours(lab: Lab) -> None:
    """It was "a process of user root that can't be seen", with exit 4."""
    port = serve(lab, lab.server("--leave-main-thread"))
    told = status(lab)
    assert (told["state"], told["listener"]["relation"], told["pid"]) == ("running", "ours", told["listener"]["pid"])
    assert lab.inv("telemetry.stop").code == 0
    assert not is_open(port)


# The clock


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount")
def test_a_clock_that_is_set_back_while_a_stop_waits_ends_nothing_early(lab: Lab) -> None:
    """psutil's start times move with the boot time in /proc/stat: "stopped", exit 0, and the service lived."""
    port = serve(lab, lab.server("--ignore", "SIGINT"))
    before = Path("/proc/stat").read_text()
    fake = lab.folder / "stat"
    fake.write_text(before)
    mount = f"mount --bind {fake} /proc/stat && exec inv telemetry.stop --timeout 2"
    stopping = lab.spawn("unshare", "--mount", "sh", "-c", mount)
    assert stopping.stderr is not None
    assert b"stopping" in stopping.stderr.readline()
    (booted,) = [line for line in before.splitlines() if line.startswith("btime")]
    with fake.open("r+") as told:  # never empty: whoever reads it meanwhile would find no boot time
        told.write(before.replace(booted, f"btime {int(booted.split()[1]) - 1}"))
    out, err = stopping.communicate()
    assert stopping.returncode == 0, err
    assert b"it needed SIGTERM" in out
    assert not is_open(port)
    assert lab.services() == []
