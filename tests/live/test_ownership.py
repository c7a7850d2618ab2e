"""Whose a process is and who may be signalled, with real programs: a person's own tmux server above all."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.lab import INV, STAYS, Lab, is_open, lives, until

SERVICES = "from sentinel_tasks import service, workspace\nnamespace = workspace(service('ide'), service('web'))\n"
IS_WEBS = "#{==:#{@sentinel_service},web}"
NAME = psutil.Process().name()
LISTENS_AND_RUNS = """
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.set_inheritable(True)
subprocess.run(sys.argv[2:], close_fds=False, check=False)
"""


def events(lab: Lab) -> list[str]:
    """The kinds of all events so far, in order."""
    return [json.loads(line)["event"] for path in lab.state("events.jsonl") for line in path.read_text().splitlines()]


class Precious:
    """A person's own tmux server, with an editor in a window of it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        until(lambda: lab.tmux("list-panes", "-a", "-F", "#{pane_pid}", socket_name="precious"), "the precious server")
        told = lab.tmux("list-panes", "-a", "-F", "#{pid} #{pane_pid}", socket_name="precious").split()
        self.processes = [psutil.Process(int(pid)) for pid in told]

    def check(self) -> None:
        """It is still there, with all that is in it."""
        assert all(map(lives, self.processes))
        assert self.lab.tmux("list-sessions", "-F", "#{session_name}", socket_name="precious") == "precious"


@pytest.fixture
def workspace(lab: Lab) -> Lab:
    """Two services, `ide` and `web`, the second of which serves on a port."""
    (lab.path / "tasks.py").write_text(SERVICES)
    lab.configure(ide=STAYS, web={"command": lab.server(), "port": lab.port(), "health": "tcp"})
    return lab


def port_of(lab: Lab) -> int:
    told: int = lab.sentinel("status", "web", "--json").json["port"]
    return told


# A person's tmux server that was started from a marked environment


@pytest.fixture
def marked(workspace: Lab) -> Iterator[Precious]:
    """Started from the terminal of an editor that is a service of the workspace."""
    tags = [f"SENTINEL_WORKSPACE={workspace.path}", "SENTINEL_SERVICE=ide"]
    command = ["tmux", "-L", "precious", "new-session", "-d", "-s", "precious", "sleep 3600"]
    workspace.spawn("env", *tags, *command).wait()
    precious = Precious(workspace)
    yield precious
    precious.check()
    workspace.tmux("kill-server", socket_name="precious")


def test_a_tmux_server_that_carries_our_tags_lives_with_all_its_sessions(workspace: Lab, marked: Precious) -> None:
    """It was killed: "mended: tmux: server has no window any more"."""
    for task in ("ide.start", "doctor --fix", "ide.stop"):
        done = workspace.inv(*task.split())
        assert done.code == 0, done.said
        assert "tmux: server" not in done.said
        marked.check()
    assert "stray" not in events(workspace)


@pytest.mark.parametrize("is_killed", [False, True], ids=["launcher lives", "launcher killed"])
def test_a_tmux_server_below_a_service_lives_on_with_what_its_windows_left_behind(
    workspace: Lab, is_killed: bool
) -> None:
    """An editor that is a service opened a terminal with tmux in it.

    A launcher inherits what ends below it: it was ended as a part of the service.
    """
    leaves = "setsid --fork sleep 3601; exec sleep 3600"
    opens = f"tmux -L precious new-session -d -s precious {shlex.quote(leaves)}"
    workspace.configure(ide={**STAYS, "command": f"unset TMUX; {opens}; {STAYS['command']}"}, web=STAYS)
    assert workspace.inv("ide.start").code == 0
    precious = Precious(workspace)
    (left,) = until(lambda: workspace.running("sleep", "3601"))
    until(lambda: left.ppid() == precious.processes[0].ppid(), "its parent's end")
    if is_killed:
        psutil.Process(workspace.sentinel("status", "ide", "--json").json["pid"]).parent().kill()  # type: ignore[union-attr]
    for task in ("ide.stop", "doctor --fix"):
        workspace.inv(*task.split())
        assert lives(left)
        precious.check()
    left.kill()
    workspace.tmux("kill-server", socket_name="precious")


# Whoever holds the port and is not to be touched


def test_a_tmux_server_that_holds_the_port_is_named_and_not_touched(workspace: Lab) -> None:
    """It had inherited the listening socket below a dev server: "stopped what held the port: tmux: server"."""
    port = port_of(workspace)
    command = ["tmux", "-L", "precious", "new-session", "-d", "-s", "precious", "sleep 3600"]
    workspace.spawn(sys.executable, "-c", LISTENS_AND_RUNS, str(port), *command).wait()
    precious = Precious(workspace)
    refused = workspace.inv("web.start", "--on-conflict", "takeover")
    assert refused.code == 4, refused.said
    holder = f"tmux: server (pid {precious.processes[0].pid}), which holds a person's terminals"
    assert f"port {port} is held by {holder}\n" in refused.err
    assert "--on-conflict takeover" not in refused.said
    precious.check()
    assert is_open(port)
    assert events(workspace) == []
    workspace.tmux("kill-server", socket_name="precious")


def test_whoever_started_this_very_task_keeps_the_port_and_its_other_children(workspace: Lab) -> None:
    """A runner that listens and calls `inv web.start` was spared, but its editor was ended, after 9 s of trying."""
    port, editor = port_of(workspace), workspace.folder / "editor"
    inv = shlex.join([INV, "web.start", "--on-conflict", "takeover"])
    script = f"sleep 3600 & echo $! >{editor}; {inv}; echo said $?; read -r _"
    runner = workspace.spawn("sh", "-c", f"exec {shlex.join([sys.executable, '-c', LISTENS_AND_RUNS])} {port} sh -c "
                             f"{shlex.quote(script)}")  # fmt: skip
    assert runner.stdout is not None
    assert runner.stdout.readline() == b"said 4\n"
    child = psutil.Process(int(editor.read_text()))
    assert lives(child)
    assert is_open(port)
    assert events(workspace) == []
    os.killpg(runner.pid, signal.SIGKILL)
    said = runner.communicate()[1].decode()
    assert said.splitlines()[0] == f"❌ web: port {port} is held by {NAME} (pid {runner.pid}), which started this task"
    assert said.splitlines()[-1].endswith("inv web.start --port auto")


# A launcher that was killed


def serve(lab: Lab, *words: str, command: str = "{}", **keys: object) -> int:
    """Starts `web` as this server, run by this command; its port."""
    port = lab.port()
    server = command.format(shlex.join(lab.server(*words)))
    lab.configure(ide=STAYS, web={"command": server, "port": port, "health": "tcp", **keys})
    started = lab.inv("web.start")
    assert started.code == 0, started.said
    return port


def status(lab: Lab) -> dict[str, Any]:
    """The status document of `web`, with its exit code."""
    done = lab.sentinel("status", "web", "--json")
    return {**done.json, "code": done.code}


def kill_launcher(lab: Lab) -> None:
    """With -9, once it has the service on record, and waits until that is seen."""
    (record,) = lab.state("web.run.json")
    until(lambda: "pid" in json.loads(record.read_text()), "the record")
    launcher = psutil.Process(int(lab.tmux("list-panes", "-a", "-F", "#{pane_pid}", "-f", IS_WEBS)))
    launcher.kill()
    until(lambda: not lives(launcher), "the launcher's end")


def orphaned(lab: Lab) -> psutil.Process:
    """What listens for `web`, once its launcher was killed, its shell has ended and a status has told so."""
    told = status(lab)
    left = psutil.Process(told["listener"]["pid"])
    kill_launcher(lab)
    until(lambda: not lives(told["pid"]), "the shell's end")
    until(lambda: status(lab)["state"] == "unhealthy", "what is left")
    return left


def test_what_a_killed_launcher_left_is_told_with_its_pid_and_ended(workspace: Lab) -> None:
    """No event was written, and status did not mention what lived on."""
    port = serve(workspace, "--ignore", "SIGHUP", command="{} & wait")
    left = orphaned(workspace)
    told = status(workspace)
    assert (told["code"], told["pid"], told["listener"]["relation"]) == (1, left.pid, "stray")
    assert told["error"] == f"runs without its window (pid {left.pid})"
    assert f"(pid {left.pid})" in workspace.inv("ps").out
    page = workspace.inv("web.status").out
    assert "inv web.start  - Start the Web in its place" in page or "inv web.start" in page
    assert f"Process is running without its window (pid {left.pid}" in page
    strays = {check["name"]: check for check in workspace.inv("doctor", "--json").json["checks"]}["strays"]
    assert not strays["ok"]
    assert f"(pid {left.pid}) of web has no window any more" in strays["reason"]
    assert events(workspace) == ["start", "crash"]
    assert workspace.inv("doctor", "--fix").code == 0
    assert not lives(left)
    assert not is_open(port)
    ended = status(workspace)
    assert (ended["state"], ended["error"].startswith("its launcher was killed")) == ("crashed", True)
    assert events(workspace) == ["start", "crash"]


def test_redis_and_other_title_setters_are_ours_also_without_their_launcher(workspace: Lab) -> None:
    """Its environment was gone with its title: "not running … held by redis, outside tmux, left alone"."""
    stubborn = [word for name in ("SIGHUP", "SIGINT", "SIGTERM") for word in ("--ignore", name)]
    port = serve(workspace, *stubborn, "--rewrite-title", command="exec {}")
    redis = psutil.Process(status(workspace)["pid"])
    kill_launcher(workspace)
    told = until(lambda: (seen := status(workspace))["state"] == "unhealthy" and seen, "what is left")
    assert (told["pid"], told["listener"]["relation"]) == (redis.pid, "stray")
    stopped = workspace.inv("web.stop", "--timeout", "0.2")
    assert stopped.code == 0, stopped.said
    assert "it needed SIGKILL" in stopped.out
    assert not lives(redis)
    assert not is_open(port)
    assert status(workspace)["state"] == "stopped"


# Records that tell something else than what lives


def test_a_record_that_others_could_have_written_is_not_believed_and_the_doctor_tells(workspace: Lab) -> None:
    serve(workspace)
    (record,) = workspace.state("web.run.json")

    def told_of() -> bool:
        """Its launcher may write it anew, and closes it to others, until it has seen all its processes."""
        record.write_text(json.dumps({**json.loads(record.read_text()), "ended": 1.0, "error": "nothing runs here"}))
        record.chmod(0o666)
        assert status(workspace)["state"] == "running"
        checks = {check["name"]: check for check in workspace.inv("doctor", "--json").json["checks"]}
        return str(record) in checks["state-folder"]["reason"] and not checks["state-folder"]["ok"]

    until(told_of)
