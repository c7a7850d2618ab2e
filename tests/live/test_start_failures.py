"""A start that fails says so at once, with its cause (contract: Start, "while waiting")."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.lab import INV, LONG, PATIENCE, Lab, Result, is_open, until


def failing(lab: Lab, command: object, **keys: object) -> Result:
    """What activate says of a service that runs this and has all the time to come up."""
    lab.configure(telemetry={"command": command, "port": lab.port(), "startup_timeout": LONG, **keys})
    done = lab.inv("telemetry.activate")
    assert done.code == 1, done.said
    return done


def waiting(lab: Lab, *words: str, **keys: object) -> tuple[subprocess.Popen[bytes], int]:
    """An activate that waits for a service that will not be healthy soon; the service's pid."""
    lab.configure(telemetry={"command": lab.server(*words), "port": lab.port(), "startup_timeout": LONG, **keys})
    activate = lab.spawn(INV, "telemetry.activate")
    (service,) = until(lab.services)
    return activate, service.pid


def ends(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=PATIENCE)
    assert b"Traceback" not in err, err.decode()
    return Result(process.returncode, out.decode(), err.decode(), 0.0)


# It cannot be run


def test_a_command_that_is_not_found_in_a_shell(lab: Lab) -> None:
    done = failing(lab, "no-such-program --flag")
    assert "exit 127" in done.err
    assert "no-such-program: not found" in done.err
    told = lab.inv("telemetry.status")
    assert told.code == 3
    assert "Crashed (exit 127)" in told.out
    assert "no-such-program: not found" in told.out


def test_a_command_in_words_that_is_not_found(lab: Lab) -> None:
    done = failing(lab, ["no-such-program", "--flag"])
    assert "exit 127" in done.err
    assert "no-such-program: command not found" in done.err


def test_a_file_that_is_not_executable(lab: Lab) -> None:
    (lab.path / "serve").write_text("#!/bin/sh\n")
    done = failing(lab, ["./serve"])
    assert "exit 126" in done.err
    assert "./serve: Permission denied" in done.err


def test_a_script_whose_interpreter_is_missing(lab: Lab) -> None:
    script = lab.path / "serve"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    assert "exit 127" in failing(lab, ["./serve"]).err


def test_a_folder_that_does_not_exist(lab: Lab) -> None:
    done = failing(lab, lab.server(), cwd="no/such/folder")
    assert f"no such folder: {lab.path}/no/such/folder" in done.err


# It ends


def test_a_crash_at_once_is_told_with_its_output(lab: Lab) -> None:
    done = failing(lab, "echo one; echo two >&2; exit 3")
    assert "exit 3" in done.err
    assert "| one" in done.err
    assert "| two" in done.err


def test_a_crash_after_a_moment_is_told_with_its_last_lines(lab: Lab) -> None:
    says = [word for number in range(30) for word in ("--say", f"line {number}.")]
    done = failing(lab, lab.server("--delay", "60", "--exit-after", "0.3", "--exit-code", "4", *says))
    assert "exit 4" in done.err
    shown = [line for line in done.err.splitlines() if "| line" in line]
    assert [line.split("| ")[1] for line in shown] == [f"line {number}." for number in range(10, 30)]


def test_an_end_by_a_signal_is_told_with_its_name(lab: Lab) -> None:
    assert "killed by SIGKILL" in failing(lab, "kill -9 $$").err


def test_an_end_with_exit_0_is_no_success(lab: Lab) -> None:
    assert "exit 0" in failing(lab, "echo nothing to do").err


def test_a_failure_in_json_is_one_document(lab: Lab) -> None:
    lab.configure(telemetry={"command": "exit 3", "port": lab.port()})
    done = lab.inv("telemetry.activate", "--json")
    assert done.code == 1
    assert (done.json["state"], done.json["exit_code"], done.json["signal"]) == ("crashed", 3, None)
    assert "exit 3" in done.json["error"]


def test_after_a_failure_it_can_be_started_in_the_same_window(lab: Lab) -> None:
    failing(lab, "exit 3")
    port = lab.port()
    lab.configure(telemetry={"command": lab.server(), "port": port})
    assert lab.inv("telemetry.activate").code == 0
    assert len(lab.windows()) == 1


# It never gets healthy


def late(lab: Lab, why: str, *words: str, port: int | None = None) -> Result:
    """What activate says of a service that is not healthy in time, once that is why; it is left running for a look."""
    lab.configure(telemetry={"command": lab.server(*words), "port": port or lab.port(), "startup_timeout": 1})

    def told() -> Result | None:
        done = lab.inv("telemetry.activate")
        assert done.code == 1, done.said
        assert "not healthy after 1 s" in done.err
        assert "left running" in done.err
        assert len(lab.services()) == 1
        return done if why in done.err else None

    done: Result = until(told, why)
    return done


def test_a_server_that_accepts_and_never_answers_is_not_healthy(lab: Lab) -> None:
    late(lab, "answer", "--hang")
    told = lab.inv("telemetry.status", "--json")
    assert (told.code, told.json["state"]) == (1, "unhealthy")


def test_a_server_that_answers_404_is_not_healthy(lab: Lab) -> None:
    done = late(lab, "HTTP 404", "--status", "404", "--say", "I am up")
    assert "| I am up" in done.err


def test_a_server_on_another_port_is_told_where_it_listens(lab: Lab) -> None:
    port, other = lab.port(), lab.port()
    where = f"nothing listens on port {port}; it listens on {other} instead"
    late(lab, where, "--port", str(other), port=port)
    for task in (("telemetry.status",), ("ps",), ("telemetry.status", "--json")):
        assert where in lab.inv(*task).out, "status knew less than start"


def test_a_late_service_that_comes_up_after_all_is_found_running(lab: Lab) -> None:
    port = lab.port()
    lab.configure(telemetry={"command": lab.server("--listen-once", "go"), "port": port})
    assert lab.inv("telemetry.activate", "--timeout", "1").code == 1
    (lab.path / "go").touch()
    until(lambda: is_open(port))
    again = lab.inv("telemetry.activate", "--json").json
    assert (again["state"], again["changed"]) == ("running", False)


RELOADER = """
import os, subprocess, sys, time
while True:
    server = subprocess.Popen(sys.argv[1:])
    while not os.path.exists("changed"):
        time.sleep(0.05)
    os.unlink("changed")
    server.terminate()
    server.wait()
    while not os.path.exists("go"):
        time.sleep(0.05)
"""


def test_a_server_that_reloads_is_waited_for_however_long_it_has_run(lab: Lab) -> None:
    port = lab.port()
    lab.configure(telemetry={"command": [sys.executable, "-c", RELOADER, *lab.server()], "port": port})
    first = lab.inv("telemetry.activate", "--json").json
    (record,) = lab.state("telemetry.run.json")
    run = json.loads(record.read_text())
    record.write_text(json.dumps({**run, "started": run["started"] - LONG}))
    (lab.path / "changed").touch()
    until(lambda: not is_open(port))
    waiting = lab.begin_waiting("telemetry.activate", "--json", "--timeout", str(PATIENCE))
    (lab.path / "go").touch()
    again = json.loads(waiting.communicate(timeout=PATIENCE)[0])
    assert (again["state"], again["pid"], again["changed"]) == ("running", first["pid"], False)
    assert again["uptime_s"] > LONG


# Something happens while it is waited for


def test_a_window_that_is_killed_while_starting(lab: Lab) -> None:
    activate, pid = waiting(lab, "--delay", "60")
    lab.tmux("kill-window", "-t", "=sentinel-app:2")
    done = ends(activate)
    assert done.code == 1
    assert "ended while starting" in done.err
    until(lambda: not psutil.pid_exists(pid), "the hung-up process to be reaped")


def test_a_process_that_is_killed_while_starting(lab: Lab) -> None:
    activate, pid = waiting(lab, "--delay", "60")
    psutil.Process(pid).kill()
    done = ends(activate)
    assert done.code == 1
    assert "killed by SIGKILL" in done.err


@pytest.mark.parametrize("inside", [True, False])
def test_a_port_that_turns_up_in_other_hands_while_starting(lab: Lab, inside: bool) -> None:
    activate, pid = waiting(lab, "--delay", "60")
    port = int(psutil.Process(pid).environ()["PORT"])
    thief = lab.listen(port, cwd=lab.path if inside else lab.folder)
    done = ends(activate)
    assert done.code == 4, done.said
    assert f"pid {thief.pid}" in done.err
    assert thief.poll() is None


def test_stop_from_another_terminal_ends_the_waiting(lab: Lab) -> None:
    activate, pid = waiting(lab, "--delay", "60")
    assert lab.inv("telemetry.stop").code == 0
    done = ends(activate)
    assert done.code == 1
    assert "it was stopped" in done.err
    assert not psutil.pid_exists(pid)


def test_ctrl_c_while_waiting_leaves_the_service_running_and_says_so(lab: Lab) -> None:
    activate, pid = waiting(lab, "--listen-once", "go")
    until(lambda: lab.windows() and lab.state("telemetry.run.json"))
    activate.send_signal(signal.SIGINT)
    done = ends(activate)
    assert done.code == 130
    assert "left as it is: telemetry" in done.err
    assert "inv telemetry.stop" in done.err
    (lab.path / "go").touch()
    again = lab.inv("telemetry.activate", "--json")
    assert (again.code, again.json["changed"], again.json["pid"]) == (0, False, pid)


@pytest.mark.parametrize("moment", [0.2, 0.35, 0.5])
def test_a_start_killed_at_any_moment_blocks_no_later_one(lab: Lab, moment: float) -> None:
    lab.configure(telemetry={"command": lab.server(), "port": lab.port()})
    subprocess.run(
        [sys.executable, "-c", KILL_LATER, str(moment), INV, "telemetry.activate"],
        cwd=lab.path, env=lab.environ, capture_output=True, check=False,
    )  # fmt: skip
    done = lab.inv("telemetry.activate", "--json")
    assert done.code == 0, done.said
    assert done.json["state"] == "running"
    assert len(lab.services()) == 1
    assert len(lab.windows()) == 1


KILL_LATER = """
import subprocess, sys, time
started = subprocess.Popen(sys.argv[2:])
time.sleep(float(sys.argv[1]))
started.kill()
started.wait()
"""


def test_a_health_command_that_hangs_does_not_outlast_the_timeout(lab: Lab) -> None:
    health = {"command": "sleep 600"}
    lab.configure(telemetry={"command": lab.server(), "port": lab.port(), "health": health, "startup_timeout": 1})
    done = lab.inv("telemetry.activate")
    assert done.code == 1
    assert "took more than 2 s" in lab.inv("telemetry.status").out
    until(lambda: not _sleepers(lab), "the health command's end")


def _sleepers(lab: Lab) -> list[Path]:
    return [Path(each.exe()) for each in lab.processes() if shlex.join(each.cmdline()) == "sleep 600"]
