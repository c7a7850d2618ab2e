"""What people and scripts read: two streams, one document, colours and signs where they can be shown, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.forked import typed
from tests.lab import INV, LONG, PATIENCE, STAYS, Lab, Result, is_traceback, on_terminal, zygote

UP: str = STAYS["command"]
ONCE_IT_MAY = f"echo warming; until [ -e go ]; do sleep 0.05; done; {UP}"


def configure(lab: Lab, command: str = UP, **keys: Any) -> None:
    """`dev` and `telemetry` as two services that are ready by their logs, each with a port of its own."""
    service = {"command": command, "health": {"log": "up"}, **keys}
    lab.configure(dev={**service, "port": lab.port()}, telemetry={**service, "port": lab.port()})


def document(result: Result, code: int) -> Any:
    """The one document on stdout of a task that ended with this code."""
    assert result.code == code, result.said
    return json.loads(result.out)


def shown_on_terminal(lab: Lab, *words: str, once: Sequence[str] = ()) -> tuple[str, int | None]:
    """What a terminal received, and the exit code; `once` all this was shown there is the file `go`."""
    with on_terminal(lab, INV, *words) as shown:
        said = ""
        for text in once:
            shown.expect_exact(text)
            said += f"{shown.before}{text}"
        if once:
            (lab.path / "go").touch()
        said += shown.read()
        shown.close()
    return said, shown.exitstatus


# One document, two streams


def test_json_is_exactly_one_document_whatever_happens(lab: Lab) -> None:
    configure(lab)
    assert document(lab.inv("telemetry.status", "--json"), 3)["state"] == "stopped"
    assert document(lab.inv("telemetry.activate", "--json"), 0)["changed"] is True
    assert document(lab.inv("telemetry.restart", "--json"), 0)["changed"] is True
    assert document(lab.inv("ps", "--json"), 0)["workspaces"][0]["services"][1]["state"] == "running"
    down = document(lab.inv("down", "--json"), 0)
    assert ([service["changed"] for service in down["services"]], down["error"]) == ([True, False], None)
    configure(lab, "exit 9")
    crashed = document(lab.inv("telemetry.activate", "--json"), 1)
    assert (crashed["state"], crashed["exit_code"]) == ("crashed", 9)
    assert "exit 9" in crashed["error"]
    together = document(lab.inv("up", "--json"), 1)
    assert [service["state"] for service in together["services"]] == ["crashed", "crashed"]
    assert "exit 9" in together["error"]


def test_a_refusal_is_a_document_too(lab: Lab) -> None:
    port = lab.port()
    lab.configure(telemetry={"command": lab.server(), "port": port, "health": "tcp", "on_conflict": "fail"})
    theirs = lab.listen(port)
    refused = document(lab.inv("telemetry.activate", "--json"), 4)
    assert (refused["state"], refused["changed"]) == ("conflict", False)
    assert refused["listener"]["pid"] == theirs.pid
    assert str(port) in refused["error"]


def test_results_go_to_stdout_and_diagnostics_to_stderr(lab: Lab) -> None:
    lab.configure(telemetry={"command": lab.server("--listen-once", "go"), "port": lab.port(), "health": "tcp"})
    starting = lab.begin("telemetry.activate")
    err = starting.stderr.readline().decode()
    (lab.path / "go").touch()
    out, more = (said.decode() for said in starting.communicate(timeout=PATIENCE))
    assert out.startswith("✅ telemetry: started on port ")
    assert ("for up to 30 s" in err, more) == (True, "")
    assert "\x1b" not in out + err
    lab.inv("telemetry.stop")
    configure(lab, "echo cannot go on; exit 2")
    failed = lab.inv("telemetry.activate")
    assert (failed.code, failed.out) == (1, "")
    assert "exit 2" in failed.err
    assert "| cannot go on" in failed.err


# Streams that lead nowhere


def without_a_reader(lab: Lab, *words: str) -> int:
    """The exit code of a task whose stdout and stderr nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as gone:
        return subprocess.run(
            [typed(lab), *words], cwd=lab.path, env=lab.environ, stdout=gone, stderr=gone, timeout=PATIENCE, check=False
        ).returncode


def test_a_reader_that_has_gone_changes_nothing_of_what_a_task_does(lab: Lab) -> None:
    configure(lab, "trap '' INT; echo up; while :; do sleep 0.1; done", stop_timeout=0.2)
    lab.inv("telemetry.activate")
    assert without_a_reader(lab, "telemetry.stop") == 0
    assert without_a_reader(lab, "telemetry.status", "--json") == 3
    configure(lab, "exec sleep 600", startup_timeout=0.3)
    assert without_a_reader(lab, "telemetry.activate") == 1


def test_a_closed_stream_is_no_error(lab: Lab) -> None:
    configure(lab)
    for words, closed, code in (("telemetry.activate", "<&- >&- 2>&-", 0), ("dev.status", "2>&-", 3)):
        task = lab.spawn("sh", "-c", f"exec {INV} {words} {closed}")
        out, err = task.communicate(timeout=PATIENCE)
        assert (task.returncode, is_traceback(err.decode())) == (code, False), (words, closed, err)
        assert bool(out) == (">&-" not in closed.split()), (words, closed)
    attached = zygote().run([INV, "telemetry.attach"], lab.path, lab.environ, PATIENCE, without_stdin=True)
    assert (attached.code, attached.err) == (0, "")


def test_a_full_disk_under_stdout_is_told_once(lab: Lab) -> None:
    for words in ("telemetry.status", "telemetry.status --json"):
        asked = lab.spawn("sh", "-c", f"exec {typed(lab)} {words} > /dev/full")
        _, err = asked.communicate(timeout=PATIENCE)
        assert (asked.returncode, err.decode().splitlines()[0]) == (1, "❌ <stdout>: No space left on device"), words
        assert "Exception" not in err.decode()
    assert lab.spawn("sh", "-c", f"exec {typed(lab)} up --only x --json > /dev/full").wait(PATIENCE) == 2


# What can be shown where


def test_colour_is_for_terminals_unless_it_was_asked_for(lab: Lab) -> None:
    configure(lab)
    assert "\x1b" not in lab.inv("ps").out
    assert "\x1b[3" in lab.inv("ps", env={"FORCE_COLOR": "1"}).out
    assert "\x1b" not in lab.inv("ps", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out
    assert "\x1b[3" in shown_on_terminal(lab, "ps")[0]


def test_a_terminal_sees_a_live_line_that_leaves_no_trace(lab: Lab) -> None:
    configure(lab, ONCE_IT_MAY)
    said, code = shown_on_terminal(lab, "telemetry.activate", once=["starting", *["of 30 s"] * 4, "warming"])
    assert code == 0
    after = said.rpartition("\x1b[K")[2]
    assert "starting" not in after
    assert "telemetry: started" in after


def test_a_sign_that_the_terminal_lacks_is_no_error(lab: Lab) -> None:
    command = "echo 'naïve 日本 📡'; exit 4"
    lab.configure(telemetry={"title": "日本 é API", "command": command, "port": None, "health": "exit"})
    told = lab.inv("telemetry.activate", env={"PYTHONIOENCODING": "latin-1"})
    assert (told.code, "na" in told.err) == (1, True), told.said


# Dry and echo


def everything(lab: Lab) -> tuple[list[str], list[int], dict[str, bytes]]:
    """Windows, processes and files."""
    return lab.windows(), sorted(p.pid for p in lab.services()), {p.name: p.read_bytes() for p in lab.state()}


def test_dry_tells_the_plan_beside_one_true_document_and_changes_nothing(lab: Lab) -> None:
    configure(lab, depends_on=[])
    before = everything(lab)
    assert "would start telemetry" in lab.inv("--dry", "telemetry.activate").out
    up = lab.inv("--dry", "up").out
    assert up.index("would start dev") < up.index("would start telemetry")
    assert everything(lab) == before == ([], [], {})

    lab.inv("telemetry.activate")
    before = everything(lab)
    (pid,) = before[1]
    stop = lab.inv("--dry", "telemetry.stop").out
    assert "would stop telemetry" in stop
    assert str(pid) in stop
    other = str(lab.port())
    moved = lab.inv("--dry", "telemetry.restart", env={"WORKER_API_PORT": other}).out
    assert moved.index("would stop telemetry") < moved.index(f"would start telemetry on port {other}")
    for verb in ("telemetry.activate", "telemetry.stop"):
        planned = lab.inv("--dry", verb, "--json")
        told = document(planned, 0)
        assert (told["state"], told["changed"]) == ("running", False)
        assert ("would" in planned.err) is (verb == "telemetry.stop")
    assert everything(lab) == before


def test_echo_tells_every_tmux_command_and_signal(lab: Lab) -> None:
    configure(lab)
    started = lab.inv("--echo", "telemetry.activate", "--json")
    assert document(started, 0)["changed"] is True
    told = started.err.splitlines()
    assert any(line.startswith("tmux") and "new-session" in line for line in told)
    assert any(line.startswith("tmux") and "list-panes" in line for line in told)
    stopped = lab.inv("--echo", "telemetry.stop")
    assert f"kill -INT {started.json['pid']}" in stopped.err.splitlines()


# tmux missing or too old


def only(lab: Lab, *names: str) -> str:
    """A PATH with nothing but these programs."""
    folder = lab.folder / "bin"
    folder.mkdir(exist_ok=True)
    for name in names:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    return str(folder)


def test_without_tmux_all_tasks_say_so(lab: Lab) -> None:
    configure(lab)
    path = {"PATH": only(lab, "sh")}
    for words in ("telemetry.activate", "telemetry.status", "telemetry.stop", "up", "telemetry.attach"):
        missing = lab.inv(words, env=path)
        assert (missing.code, missing.out) == (5, ""), missing.said
        assert "tmux is not installed" in missing.err
    assert "tmux" in document(lab.inv("telemetry.activate", "--json", env=path), 5)["error"]


def test_a_tmux_that_is_too_old_starts_nothing(lab: Lab) -> None:
    configure(lab)
    path = only(lab, "sh")
    old = Path(path) / "tmux"
    old.write_text(f'#!/bin/sh\ncase "$*" in *-V) echo "tmux 3.1"; exit;; esac\nexec {shutil.which("tmux")} "$@"\n')
    old.chmod(0o755)
    refused = lab.inv("telemetry.activate", env={"PATH": path})
    assert refused.code == 5, refused.said
    assert "3.1 is too old" in refused.err
    assert "3.2" in refused.err
    assert lab.windows() == []


# What is wrong, in one line each


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["telemetry.activate", "--port", "zero"], "--port"),
        (["telemetry.stop", "--timeout", "0"], "--timeout"),
        (["telemetry.logs", "--lines", "-1"], "--lines"),
        (["up", "--only", "devv"], "--only"),
    ],
)
def test_a_wrong_flag_is_named_and_nothing_starts(lab: Lab, words: list[str], flag: str) -> None:
    wrong = lab.inv(*words)
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.count("\n") == 1
    assert flag in wrong.err
    assert words[-1] in wrong.err
    assert lab.processes() == []


WRONG = {
    "telemetry": {"port": 70000, "healthh": "/", "stop_timeout": "never", "depends_on": ["dve"]},
    "dev": {"on_conflict": "maybe", "index": -1},
}


def test_everything_wrong_with_the_configuration_is_told_at_once(lab: Lab) -> None:
    lab.configure(**WRONG)
    wrong = lab.inv("telemetry.activate")
    assert (wrong.code, wrong.out) == (2, "")
    lines = wrong.err.splitlines()
    assert len(lines) == 6
    for key in ("telemetry.port", "telemetry.healthh", "telemetry.stop_timeout", "dev.on_conflict", "dev.index"):
        assert any(f"sentinel.services.{key}" in line for line in lines), key
    assert any("did you mean health" in line for line in lines)
    assert any("70000" in line and "65535" in line for line in lines)
    found = document(lab.inv("telemetry.status", "--json"), 2)
    assert {*found} == {"error", "problems"}
    assert {*found["problems"][0]} == {"key", "value", "reason"}
    assert len(found["problems"]) == 6
    assert lab.processes() == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("INVOKE_SENTINEL_SERVICES_TELEMETRY_PORT", "x"),
        ("WORKER_API_PORT", "0"),
        ("WORKSPACE_FOLDER", "/nowhere/at/all"),
    ],
)
def test_a_wrong_variable_is_named(lab: Lab, variable: str, value: str) -> None:
    wrong = lab.inv("telemetry.activate", env={variable: value})
    assert (wrong.code, wrong.out) == (2, ""), wrong.said
    assert value in wrong.err
    assert variable in wrong.err or variable.lower().replace("invoke_sentinel_", "sentinel.") in wrong.err


def test_a_configuration_file_that_cannot_be_read_is_no_traceback(lab: Lab) -> None:
    (lab.path / "invoke.yaml").write_text("sentinel: [not, a, mapping]\n")
    assert lab.inv("telemetry.activate").code == 2
    (lab.path / "invoke.yaml").write_text("sentinel: {services: [dev]}\n")
    assert lab.inv("telemetry.activate").code == 2


# From inside


def test_a_service_cannot_restart_itself_from_its_own_window(lab: Lab) -> None:
    said = lab.path / "said"
    configure(lab, f"{INV} telemetry.restart > {said} 2>&1; echo code $? >> {said}; {UP}")
    assert lab.inv("telemetry.activate").code == 0
    text = said.read_text()
    assert text.endswith("code 1\n"), text
    assert "can't be started or stopped from inside its own window" in text
    assert "Traceback" not in text
    assert len(lab.services()) == 1


def test_a_command_that_is_missing_is_told_at_once_with_its_name(lab: Lab) -> None:
    command = {"command": ["no-such-program"], "startup_timeout": LONG}
    lab.configure(telemetry={**command, "port": lab.port(), "health": "tcp"})
    missing = lab.inv("telemetry.activate")
    assert (missing.code, missing.out) == (1, "")
    assert "no-such-program: command not found" in missing.err
    assert "exit 127" in missing.err
    assert sys.executable not in missing.err


def test_the_same_task_of_two_services_runs_for_both(lab: Lab) -> None:
    said = lab.inv("dev.stop", "telemetry.stop").out
    assert "dev: not running" in said
    assert "telemetry: not running" in said


# Watching


def test_who_watches_sees_a_crash_and_ctrl_c_leaves_the_terminal_as_it_was(lab: Lab) -> None:
    lab.configure(worker=STAYS)
    lab.inv("worker.start")
    with on_terminal(lab, INV, "ps", "--watch", NO_COLOR="1") as shown:
        shown.expect(r"worker +running")
        os.kill(lab.sentinel("status", "worker", "--json").json["pid"], signal.SIGKILL)
        shown.expect(r"worker +crashed")
        shown.sendintr()
        said = shown.read()
        shown.close()
    assert shown.exitstatus == 130
    assert said.endswith("\x1b[J")
    assert "\x1b[?" not in said
    assert not is_traceback(said)
