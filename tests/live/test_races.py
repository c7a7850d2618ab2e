"""Many at once, and callers that are killed or frozen on the way: one process, no lock left, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.begun import Begun
from tests.lab import PATIENCE, STAYS, Lab, until


def configure(lab: Lab, path: Path | None = None, before: str = "") -> None:
    """`dev` and `telemetry` of this workspace, each ready as soon as it runs and has done what comes before."""
    service = {**STAYS, "command": f"{before}{STAYS['command']}"}
    lab.configure(path, dev=service, telemetry=service)


def begin(lab: Lab, verb: str, *words: str, cwd: Path | None = None) -> Begun:
    return lab.begin(verb, *words, "--json", cwd=cwd)


def ended(process: Begun) -> dict[str, Any]:
    """The document of a task that ran in the background, with its exit code."""
    out, err = process.communicate(timeout=2 * PATIENCE)
    assert b"Traceback" not in err, err.decode()
    return {**json.loads(out), "code": process.returncode}


def forget(lab: Lab) -> None:
    """Ends the tmux server and with it all services."""
    lab.tmux("kill-server")
    until(lambda: not lab.processes(), "the end of all that ran")


def test_five_activates_at_once_start_one_process(lab: Lab) -> None:
    configure(lab)
    done = [ended(process) for process in [begin(lab, "telemetry.activate") for _ in range(5)]]
    assert [each["code"] for each in done] == [0] * 5
    assert sorted(each["changed"] for each in done) == [False] * 4 + [True]
    assert {each["state"] for each in done} == {"running"}
    (service,) = lab.services()
    assert {each["pid"] for each in done} == {service.pid}
    assert lab.windows() == ["sentinel-app:2:📡 telemetry"]


def test_two_services_at_once_on_a_fresh_server_twice(lab: Lab) -> None:
    configure(lab)
    for _ in range(2):
        done = [ended(process) for process in [begin(lab, "dev.start"), begin(lab, "telemetry.activate")]]
        assert [(each["code"], each["changed"], each["state"]) for each in done] == [(0, True, "running")] * 2
        assert lab.windows() == ["sentinel-app:1:🚀 main", "sentinel-app:2:📡 telemetry"]
        assert len(lab.services()) == 2
        forget(lab)


def test_two_workspaces_of_one_name_at_once_on_one_server(lab: Lab) -> None:
    other = lab.workspace("elsewhere/app")
    configure(lab)
    configure(lab, path=other)
    for _ in range(2):
        processes = [begin(lab, "telemetry.activate"), begin(lab, "telemetry.activate", cwd=other)]
        here, there = [ended(process) for process in processes]
        assert [(each["code"], each["changed"]) for each in (here, there)] == [(0, True)] * 2
        assert here["workspace"] != there["workspace"]
        assert sorted(each["session"].startswith("sentinel-app-") for each in (here, there)) == [False, True]
        assert len(lab.services()) == 2
        forget(lab)


def test_start_and_stop_at_once_end_in_one_truth(lab: Lab) -> None:
    configure(lab)
    verbs = ["telemetry.activate", "telemetry.stop"]
    for order in (verbs, verbs[::-1]):
        processes = [begin(lab, verb) for verb in order]
        done = {each.args[1]: ended(each) for each in processes}
        assert done["telemetry.stop"]["code"] == 0, done
        assert done["telemetry.activate"]["code"] in (0, 1), done
        seen = lab.sentinel("status", "telemetry", "--json").json
        assert seen["state"] in ("running", "stopped"), seen
        assert len(lab.services()) == (seen["state"] == "running")
        assert lab.inv("telemetry.activate").code == 0
    assert lab.inv("telemetry.stop").code == 0
    assert lab.services() == []


# Killed or frozen on the way


def assert_not_in_the_way(lab: Lab) -> None:
    """The next activate succeeds, and exactly one process runs."""
    following = lab.inv("telemetry.activate", "--json")
    assert following.code == 0, following.said
    assert following.json["state"] == "running"
    (service,) = lab.services()
    assert service.pid == following.json["pid"]
    assert lab.state("*.spec") == []


MOMENTS: dict[str, Callable[[Lab], Any]] = {
    "holds the lock": lambda lab: lab.state("telemetry.lock"),
    "made the FIFO": lambda lab: lab.state("*.spec"),
    "opened the window": lambda lab: lab.windows(),
    "handed over": lambda lab: lab.state("telemetry.run.json"),
    "started it": lambda lab: lab.services(),
}


def test_an_activate_killed_once_it_has_done_this_or_that_blocks_nothing(lab: Lab) -> None:
    configure(lab, before="sleep 0.2; ")
    for moment in MOMENTS:
        killed = begin(lab, "telemetry.activate")
        until(partial(has_come, lab, moment, killed), moment)
        killed.kill()
        killed.wait()
        assert_not_in_the_way(lab)
        forget(lab)
        shutil.rmtree(Path(lab.environ["XDG_STATE_HOME"], "sentinel"))


def has_come(lab: Lab, moment: str, killed: Begun) -> bool:
    return bool(MOMENTS[moment](lab)) or killed.poll() is not None


def test_an_activate_that_is_frozen_while_it_waits_holds_nothing(lab: Lab) -> None:
    configure(lab, before="until [ -e go ]; do sleep 0.05; done; ")
    frozen = lab.begin_waiting("telemetry.activate")
    os.kill(frozen.pid, signal.SIGSTOP)
    (lab.path / "go").touch()
    assert_not_in_the_way(lab)
