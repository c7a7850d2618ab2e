"""Whose a process is and who may be signalled, with real programs: a person's own tmux server above all."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.lab import INV, Lab, is_open, until

SERVICES = "from sentinel_tasks import service, workspace\nnamespace = workspace(service('ide'), service('web'))\n"
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


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


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
def workspace(lab: Lab) -> Iterator[Lab]:
    """Two services, `ide` and `web`, the second of which serves on a port."""
    (lab.path / "tasks.py").write_text(SERVICES)
    lab.configure(ide={"command": "exec sleep 600"}, web={"command": lab.server(), "port": lab.port(), "health": "tcp"})
    yield lab
    lab.inv("down")


def port_of(lab: Lab) -> int:
    told: int = lab.inv("web.status", "--json").json["port"]
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


@pytest.mark.parametrize("task", ["doctor --fix", "ide.start", "ide.stop", "ide.restart", "up", "down"])
def test_a_tmux_server_that_carries_our_tags_lives_with_all_its_sessions(
    workspace: Lab, marked: Precious, task: str
) -> None:
    """It was killed: "mended: tmux: server has no window any more"."""
    done = workspace.inv(*task.split())
    assert done.code == 0, done.said
    assert "tmux: server" not in done.said
    marked.check()
    assert "stray" not in events(workspace)


def test_a_tmux_server_below_a_service_lives_on_when_the_service_is_stopped(workspace: Lab) -> None:
    """An editor that is a service opened a terminal with tmux in it."""
    opens = "tmux -L precious new-session -d -s precious 'sleep 3600'; exec sleep 600"
    workspace.configure(ide={"command": f"unset TMUX; {opens}"}, web={"command": "exec sleep 600"})
    assert workspace.inv("ide.start").code == 0
    precious = Precious(workspace)
    for task in ("ide.stop", "doctor --fix", "ide.start", "ide.restart", "down"):
        done = workspace.inv(*task.split())
        assert done.code == 0, done.said
        precious.check()
    workspace.tmux("kill-server", socket_name="precious")


# Whoever holds the port and is not to be touched


@pytest.mark.parametrize("conflict", ["stop", "takeover"])
def test_a_tmux_server_that_holds_the_port_is_named_and_not_touched(workspace: Lab, conflict: str) -> None:
    """It had inherited the listening socket below a dev server: "stopped what held the port: tmux: server"."""
    port = port_of(workspace)
    command = ["tmux", "-L", "precious", "new-session", "-d", "-s", "precious", "sleep 3600"]
    workspace.spawn(sys.executable, "-c", LISTENS_AND_RUNS, str(port), *command).wait()
    precious = Precious(workspace)
    refused = workspace.inv("web.start", "--on-conflict", conflict)
    assert refused.code == 4, refused.said
    holder = f"tmux: server (pid {precious.processes[0].pid}), which holds a person's terminals"
    assert f"port {port} is held by {holder}\n" in refused.err
    assert "--on-conflict takeover" not in refused.said
    precious.check()
    assert is_open(port)
    assert events(workspace) == []
    workspace.tmux("kill-server", socket_name="precious")


@pytest.mark.parametrize("conflict", ["stop", "takeover"])
def test_whoever_started_this_very_task_keeps_the_port_and_its_other_children(workspace: Lab, conflict: str) -> None:
    """A runner that listens and calls `inv web.start` was spared, but its editor was ended, after 9 s of trying."""
    port, editor = port_of(workspace), workspace.folder / "editor"
    inv = shlex.join([INV, "web.start", "--on-conflict", conflict])
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
