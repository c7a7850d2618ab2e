"""Stop, as the contract promises it: gentle first, firmer then, nothing left, nothing foreign touched."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from typing import Any

import psutil

from tests.lab import LONG, STAYS, Lab, Result, is_open, lives, until


def serve(lab: Lab, *words: str, **keys: Any) -> int:
    """Starts `telemetry` as the configurable server; its port."""
    port = lab.port()
    lab.configure(telemetry={"command": lab.server(*words), "port": port, "health": "tcp", **keys})
    started = lab.inv("telemetry.activate")
    assert started.code == 0, started.said
    return port


def status(lab: Lab) -> dict[str, Any]:
    """The status document of `telemetry`, with its exit code."""
    result = lab.sentinel("status", "telemetry", "--json")
    return {**result.json, "code": result.code}


def stop(lab: Lab, *words: str) -> Result:
    """Stops `telemetry`; says so if that failed."""
    result = lab.inv("telemetry.stop", *words)
    assert result.code == 0, result.said
    return result


def window(lab: Lab) -> str:
    """The id of the window that carries telemetry's mark."""
    return lab.tmux("list-windows", "-a", "-f", "#{==:#{@sentinel_service},telemetry}", "-F", "#{window_id}")


def assert_nothing_left(lab: Lab, port: int, but: str = "") -> None:
    """No process of the service, no launcher, no log writer, and the port can be bound."""
    until(lambda: not [each for each in lab.commands() if each != but], "the end of the log writer at the latest")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_the_window_stays_dead_with_its_output_readable_and_is_used_again(lab: Lab) -> None:
    port = serve(lab, "--say", "hello from the service", stop_timeout=LONG)
    before = window(lab)
    stopped = stop(lab, "--json").json
    assert (stopped["state"], stopped["changed"]) == ("stopped", True)
    assert_nothing_left(lab, port)
    assert window(lab) == before
    assert lab.tmux("list-panes", "-t", before, "-F", "#{pane_dead}") == "1"
    assert "hello from the service" in lab.tmux("capture-pane", "-p", "-t", before, "-S", "-")
    until(lambda: "hello from the service" in lab.sentinel("logs", "telemetry").out)
    serve(lab, "--say", "second life")
    assert (window(lab), len(lab.windows())) == (before, 1)
    screen = lab.tmux("capture-pane", "-p", "-t", before, "-S", "-")
    assert ("hello from the service" in screen, "second life" in screen) == (True, True)


def test_a_service_is_asked_by_its_stop_command(lab: Lab) -> None:
    """`pg_ctl stop` and its kin, where a signal means something else."""
    command = "trap 'echo by signal' INT; echo up; while [ ! -e ended ]; do sleep 0.05; done; echo by command"
    lab.configure(telemetry={**STAYS, "command": command, "stop_command": "touch ended"})
    assert lab.inv("telemetry.activate").code == 0
    stop(lab)
    until(lambda: lab.sentinel("logs", "telemetry").out.splitlines() == ["up", "by command"])


def test_children_daemons_and_the_reparented_end_too(lab: Lab) -> None:
    port = lab.port()
    children = "sleep 600 & setsid sh -c 'trap \"\" INT; sleep 601; true' &"
    orphan = "(setsid sh -c 'trap \"\" INT HUP; sleep 602; true' >/dev/null 2>&1 &)"
    command = f"{orphan}; {children} exec {shlex.join(lab.server())}"
    lab.configure(telemetry={"command": command, "port": port, "health": "tcp"})
    assert lab.inv("telemetry.activate").code == 0
    until(lambda: len(lab.services()) >= 6)
    stop(lab, "--timeout", str(LONG))
    assert_nothing_left(lab, port)


def test_a_pane_in_copy_mode_does_not_swallow_the_signal(lab: Lab) -> None:
    port = serve(lab)
    lab.tmux("copy-mode", "-t", window(lab))
    assert lab.tmux("display-message", "-p", "-t", window(lab), "#{pane_in_mode}") == "1"
    assert "SIGTERM" not in stop(lab).said
    assert_nothing_left(lab, port)


def test_a_service_whose_window_was_closed_beside_others_is_ended(lab: Lab) -> None:
    """Its launcher still waited for it below the tmux server: it passed for a person's own, and was left running."""
    port = serve(lab, "--ignore", "SIGHUP", "--ignore", "SIGINT", stop_timeout=30)
    service = status(lab)["pid"]
    lab.tmux("new-window", "-d", "-t", "=sentinel-app:", "sleep 600")
    lab.tmux("kill-window", "-t", window(lab))
    assert lives(service)
    told = status(lab)
    assert (told["state"], told["listener"]["relation"]) == ("unhealthy", "ours"), told
    assert told["error"] == f"runs without its window (pid {service}), which was closed; it is being ended"
    assert lab.inv("telemetry.activate").code == 0
    assert not lives(service)
    stop(lab, "--timeout", "1")
    assert_nothing_left(lab, port, but="sleep 600")


def test_what_a_service_has_opened_goes_on_if_it_may(lab: Lab) -> None:
    lab.own_default_ports()
    command = f"setsid -f sleep 4711; {STAYS['command']}"
    lab.configure(telemetry={**STAYS, "command": command, "detached": "leave"})
    assert lab.inv("telemetry.activate").code == 0
    until(lambda: lab.running("sleep", "4711"))
    stop(lab)
    assert lab.inv("doctor", "--fix").code == 0
    assert lab.inv("telemetry.activate").code == 0
    for each in until(lambda: len(found := lab.running("sleep", "4711")) == 2 and found):
        each.kill()
    stop(lab)


def test_ctrl_c_typed_in_the_window_is_a_stop_and_no_crash(lab: Lab) -> None:
    port = serve(lab)
    lab.tmux("send-keys", "-t", window(lab), "C-c")
    until(lambda: not is_open(port))
    ended = until(lambda: (seen := status(lab))["state"] not in ("running", "unhealthy") and seen)
    assert (ended["state"], ended["code"]) == ("stopped", 3)


def test_a_window_that_a_person_took_over_is_left_alone(lab: Lab) -> None:
    serve(lab)
    lab.tmux("respawn-pane", "-k", "-t", window(lab), "sleep 603")
    theirs = int(lab.tmux("list-panes", "-t", window(lab), "-F", "#{pane_pid}"))
    until(lambda: not [each for each in lab.commands() if "launch.py" in each], "the launcher's end")
    assert (status(lab)["state"], lab.services()) == ("stopped", [])
    assert lab.inv("telemetry.stop", "--json").json["changed"] is False
    assert lives(theirs)
    assert lab.inv("telemetry.activate").code == 0
    assert lives(theirs)
    assert len(lab.windows()) == 2
    stop(lab)
    assert lives(theirs)


# States and exit codes of the contract (Tasks, Documents)


def suspend(lab: Lab) -> None:
    service = psutil.Process(status(lab)["pid"])
    service.suspend()
    until(lambda: service.status() == psutil.STATUS_STOPPED)


def test_a_suspended_service_is_unhealthy_and_ended_at_once(lab: Lab) -> None:
    port = serve(lab)
    suspend(lab)
    hung = lab.sentinel("status", "telemetry", "--json")
    assert (hung.json["state"], hung.code) == ("unhealthy", 1), hung.said
    (way_on,) = re.findall(r"it is suspended; (kill -CONT -- -\d+) lets it go on", hung.json["error"])
    subprocess.run(way_on.split(), check=True)
    until(lambda: status(lab)["state"] == "running")
    suspend(lab)
    stop(lab, "--timeout", str(LONG))
    assert_nothing_left(lab, port)
