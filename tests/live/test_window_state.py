"""The window tells what its service is doing, as a person sees it in a list of windows."""

from __future__ import annotations

import os
import signal

from tests.lab import Lab, until

SLEEPS = {"command": "echo up; exec sleep 600", "port": None, "health": {"log": "up"}}


def shown(lab: Lab) -> str:
    """What the window of `dev` tells, and the style of its own."""
    rows = lab.tmux("list-windows", "-a", "-F", "#{@sentinel_service} #{@sentinel_status} #{window-status-style}")
    (row,) = (row.removeprefix("dev ") for row in rows.splitlines() if row.startswith("dev"))
    return row.removesuffix("default").strip()


def test_a_window_tells_that_its_service_runs_has_crashed_and_runs_again(lab: Lab) -> None:
    lab.configure(dev=SLEEPS)
    assert lab.inv("dev.start").code == 0
    assert shown(lab) == "running"
    os.kill(lab.sentinel("status", "dev", "--json").json["pid"], signal.SIGKILL)
    until(lambda: shown(lab) == "crashed fg=red")
    assert lab.inv("dev.start").code == 0
    assert shown(lab) == "running"
    assert lab.inv("dev.stop").code == 0
    assert shown(lab) == "stopped"
