"""Each row of the contract's table (Start), once, with real windows, processes and ports."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from sentinel_tasks.observation.port_holders import holders_of
from sentinel_tasks.observation.process_table import ProcessTable
from sentinel_tasks.observation.snapshot import Snapshot
from sentinel_tasks.tmux.lookup import Session
from sentinel_tasks.world import World
from tests import facts
from tests.lab import INV, PATIENCE, Lab, Result, free_port, is_open, lives, until, zygote
from tests.packages import copy_packages, is_clone_open_to_others

NOBODY = 65534
Foreign = Callable[..., psutil.Process]

DETACH = "import os, sys; os.fork() and os._exit(0); os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"
"""Away from whatever terminal or tmux the tests themselves run in."""


@pytest.fixture
def foreign(lab: Lab) -> Iterator[Foreign]:
    """Starts a server that no task knows, outside tmux even if the tests run inside it; ends it after the test."""
    listening: list[psutil.Process] = []

    def listen(port: int, *words: str, cwd: Path | None = None) -> psutil.Process:
        before = listener(port)
        command = [sys.executable, "-c", DETACH, *lab.server("--port", str(port), *words)]
        subprocess.run(
            command,
            cwd=cwd or lab.path,
            env=lab.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        listening.append(appears(lambda: listener(port, before)))
        return listening[-1]

    yield listen
    for process in listening:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def listener(port: int, other_than: psutil.Process | None = None) -> psutil.Process | None:
    """The process that listens on the port."""
    rows = [row for row in psutil.net_connections("tcp") if row.status == psutil.CONN_LISTEN and row.pid]
    found = (psutil.Process(row.pid) for row in rows if row.laddr and row.laddr.port == port)
    return next((process for process in found if process != other_than), None)


def appears(found: Callable[[], psutil.Process | None]) -> psutil.Process:
    process: psutil.Process = until(found, "a listener")
    return process


def telemetry(lab: Lab, *words: str, **keys: object) -> int:
    """Configures the workspace's telemetry service on a port of its own: the port."""
    port = lab.port()
    lab.configure(telemetry={"command": lab.server(*words), "port": port, **keys})
    return port


def by_hand(lab: Lab, session: str, port: int, *words: str, socket_name: str = "default") -> psutil.Process:
    """A server that a person started in a session of the given name, made in the workspace."""
    command = lab.server("--port", str(port), *words)
    lab.tmux("new-session", "-d", "-s", session, "-c", str(lab.path), *command, socket_name=socket_name)
    return appears(lambda: listener(port))


# A stray


def test_a_stray_of_the_service_is_stopped_before_the_new_start(lab: Lab) -> None:
    server = shlex.join(lab.server("--ignore", "SIGHUP"))
    lab.configure(telemetry={"command": f"{server} & wait", "port": lab.port(), "health": "tcp"})
    first = lab.inv("telemetry.activate", "--json").json
    stray = psutil.Process(first["listener"]["pid"])
    name, launcher = stray.name(), psutil.Process(psutil.Process(first["pid"]).ppid())
    launcher.kill()
    until(lambda: not lives(launcher))
    second = lab.inv("telemetry.activate")
    assert second.code == 0, second.said
    assert f"stray of this service: {name} (pid {stray.pid})" in second.out
    assert not lives(stray)
    assert lab.sentinel("status", "telemetry", "--json").json["listener"]["relation"] == "ours"


# Started by hand in the workspace's session


def test_a_healthy_server_in_another_window_of_the_session_is_adopted(lab: Lab) -> None:
    port = telemetry(lab)
    server = by_hand(lab, "sentinel-app", port)
    done = lab.inv("telemetry.activate")
    assert done.code == 0, done.said
    assert "started by hand in window 0" in done.out
    assert str(server.pid) in done.out
    assert len(lab.windows()) == 1
    told = lab.sentinel("status", "telemetry", "--json").json
    assert (told["state"], told["listener"]["relation"], told["pid"]) == ("running", "adopted", server.pid)
    assert lab.inv("telemetry.attach").out == "tmux attach-session -t '=sentinel-app:0'\n"
    lab.tmux("new-session", "-d", "-s", "another-view", "-t", "=sentinel-app")
    assert lab.sentinel("status", "telemetry", "--json").json["state"] == "running"


# Another workspace


def test_a_service_of_another_workspace_is_not_stopped_and_of_one_that_was_moved_it_is_told_how_it_ends(
    lab: Lab,
) -> None:
    """After a folder was renamed, start named the old folder as if it were there, and no way to end what runs in it."""
    port = lab.port()
    service = {"command": lab.server(), "port": port}
    (lab.path / "invoke.yaml").write_text(
        json.dumps({"sentinel": {"socket_name": "own", "services": {"telemetry": service}}})
    )
    theirs = psutil.Process(lab.inv("telemetry.activate", "--json").json["pid"])
    other = lab.workspace("other")
    lab.configure(other, telemetry=service)
    refused = lab.inv("telemetry.activate", "--on-conflict", "takeover", cwd=other)
    assert refused.code == 4, refused.said
    assert f"telemetry of the workspace {lab.path}" in refused.err
    assert "--port auto" in refused.err
    assert (lives(theirs), lab.windows()) == (True, [])
    old, lab.path = lab.path, lab.path.rename(lab.path.with_name("renamed"))
    done = lab.inv("telemetry.activate")
    assert done.code == 4, done.said
    assert f"telemetry of the workspace {old}, which is no more" in done.err
    typed = "tmux -L own kill-window -t '=sentinel-app:2'"
    assert f"💡 inv telemetry.activate --port auto or {typed}" in done.err
    subprocess.run(typed, shell=True, env=lab.environ, check=True)
    until(lambda: not is_open(port), "the end of the old one")


# Outside tmux


def test_a_process_run_from_this_workspace_gives_way_also_a_suspended_one_by_one_signal(
    lab: Lab, foreign: Foreign
) -> None:
    holder = foreign(telemetry(lab))
    name = holder.name()
    holder.suspend()
    done = lab.inv("--echo", "telemetry.activate")
    assert done.code == 0, done.said
    assert f"stopped what held the port: {name} (pid {holder.pid})" in done.out
    assert "server.py" in done.out
    signals = [line for line in done.err.splitlines() if line.startswith("kill") and line.endswith(f" {holder.pid}")]
    assert signals == [f"kill -TERM {holder.pid}"], "it had to be killed"
    assert not lives(holder)
    assert '"event": "takeover"' in lab.state("events.jsonl")[0].read_text()


def test_a_refusal_tells_of_the_holder_and_not_of_any_output(lab: Lab, foreign: Foreign) -> None:
    port = telemetry(lab)
    held = foreign(port, cwd=Path("/"))
    done = lab.inv("telemetry.activate", "--json")
    who, command, folder = done.json["notes"]
    assert (done.code, who.partition(",")[0], command[:9], folder) == (4, f"pid {held.pid}", "command: ", "folder: /")
    assert "last output" not in done.said
    assert "last output" not in lab.inv("telemetry.activate").said


# In someone else's pane


@pytest.mark.parametrize("socket_name", ["default", "other"])
def test_a_process_in_a_pane_that_is_not_ours_is_left_alone(lab: Lab, socket_name: str) -> None:
    port = telemetry(lab)
    server = by_hand(lab, "theirs", port, socket_name=socket_name)
    done = lab.inv("telemetry.activate", "--on-conflict", "takeover")
    assert done.code == 4, done.said
    place = "window 0 of session theirs" if socket_name == "default" else "another tmux server"
    assert place in done.err
    assert lives(server)


# Another user's, or unseen


LISTEN_UNTIL_STDIN_CLOSES = """
import ctypes, socket, sys
if "unseen" in sys.argv:
    ctypes.CDLL(None).prctl(4, 0)  # PR_SET_DUMPABLE: to all but root it is as if it were another user's
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
sys.stdin.read()
"""
IS_ROOT = os.geteuid() == 0


def as_nobody(*words: str) -> list[str]:
    """Python with these words as another user runs it; needs root, or a sudo that asks nothing."""
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    become = become if IS_ROOT else ["sudo", "-n", "-u", f"#{NOBODY}"]
    for python in (sys.executable, "/usr/bin/python3"):  # a clone may lie in a folder that nobody else may enter
        tried = [*become, python, "-c", ""]
        if shutil.which(become[0]) and not subprocess.run(tried, cwd="/", capture_output=True, check=False).returncode:
            return [*become, python, *words]
    pytest.skip("this user can't run any Python as nobody")


@contextmanager
def held(port: int, command: list[str]) -> Iterator[None]:
    """Meanwhile this command listens on the port; it ends with its standard input, since we may not signal it."""
    with subprocess.Popen(command, cwd="/", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        try:
            until(lambda: is_open(port) or process.poll() is not None)
            yield
            assert process.poll() is None, "it was ended"
        finally:
            process.stdin.close()


def test_a_process_of_another_user_is_left_alone(lab: Lab) -> None:
    port = telemetry(lab)
    with held(port, as_nobody("-c", LISTEN_UNTIL_STDIN_CLOSES, str(port))):
        done = lab.inv("telemetry.activate", "--on-conflict", "takeover")
        assert done.code == 4, done.said
        assert "of user nobody" in done.err
        told = lab.inv("telemetry.activate", "--on-conflict", "auto", "--json").json
        assert told["state"] == "running"
        assert told["port"] != port


def takes_over_as_nobody(lab: Lab) -> Result:
    """What a start says that nobody makes; in a fork, where that one may read this clone."""
    task = ["telemetry.activate", "--on-conflict", "takeover"]
    if is_clone_open_to_others():
        return zygote().run([INV, *task], lab.path, lab.environ, PATIENCE, user=(NOBODY, NOBODY))
    lib = lab.folder / "lib"
    copy_packages(lib)
    environ = {**lab.environ, "PYTHONPATH": str(lib)}
    command = as_nobody("-m", "invoke", *task)
    done = subprocess.run(command, cwd=lab.path, env=environ, capture_output=True, text=True, check=False)
    return Result(done.returncode, done.stdout, done.stderr, 0.0)


def test_a_process_that_cannot_be_seen_is_left_alone() -> None:
    """Everything here runs as somebody who is not root, to whom a process can be invisible."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        port = telemetry(lab)
        listen = ["-c", LISTEN_UNTIL_STDIN_CLOSES, str(port), "unseen"]
        for path in [Path(folder), *Path(folder).rglob("*")] if IS_ROOT else []:
            os.chown(path, NOBODY, NOBODY)
        with held(port, as_nobody(*listen) if IS_ROOT else [sys.executable, *listen]):
            done = takes_over_as_nobody(lab) if IS_ROOT else lab.inv("telemetry.activate", "--on-conflict", "takeover")
        assert done.code == 4, done.said
        assert f"port {port} is held by a process" in done.err
        assert "that can't be seen" in done.err
        assert lab.close() == []


# Clients, and the two families of addresses


def test_clients_of_the_port_and_an_end_of_a_connection_that_has_its_number_are_nobodys_conflict(lab: Lab) -> None:
    """The end of a connection has the port's number, but it does not listen: a server that is closing, say."""
    port = telemetry(lab)
    pair = (
        "import socket, time; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);"
        f" s.bind(('127.0.0.1', {port})); s.listen(); c = socket.create_connection(('127.0.0.1', {port}));"
        " a, _ = s.accept(); s.close(); print('up', flush=True); time.sleep(600)"
    )
    holder = lab.spawn(sys.executable, "-c", pair)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"up\n"
    done = lab.inv("telemetry.activate", "--on-conflict", "takeover", "--json")
    assert done.code == 0, done.said
    assert done.json["listener"]["relation"] == "ours"
    with socket.create_connection(("127.0.0.1", port)):
        assert lab.inv("telemetry.restart", "--on-conflict", "takeover").code == 0
    assert holder.poll() is None


def test_a_holder_on_the_ipv6_loopback_only_is_seen(lab: Lab, foreign: Foreign) -> None:
    port = telemetry(lab)
    holder = foreign(port, "--host", "::1", cwd=lab.folder)
    done = lab.inv("telemetry.activate")
    assert done.code == 4, done.said
    assert f"pid {holder.pid}" in done.err


def test_a_service_on_another_loopback_address_is_told_with_it_and_what_was_left_there_is_ended(
    lab: Lab, foreign: Foreign
) -> None:
    """A server on 127.0.0.2 was waited for until its time was over: "it listens on 127.0.0.2 instead"."""
    port = telemetry(lab, "--host", "127.0.0.2")
    left = foreign(port, "--host", "127.0.0.2")
    done = lab.inv("telemetry.activate", "--json")
    assert done.code == 0, done.said
    assert not lives(left)
    assert (done.json["listener"]["relation"], done.json["url"]) == ("ours", f"http://127.0.0.2:{port}")
    assert lab.inv("telemetry.url").out.strip() == f"http://127.0.0.2:{port}"
    assert lab.inv("telemetry.status").code == 0


def test_a_foreign_listener_beside_ours_is_a_conflict(lab: Lab, foreign: Foreign) -> None:
    port = telemetry(lab, "--reuse-port", "--host", "0.0.0.0")
    ours = psutil.Process(lab.inv("telemetry.activate", "--json").json["pid"])
    holder = foreign(port, "--reuse-port", cwd=lab.folder)
    told = lab.sentinel("status", "telemetry", "--json")
    assert (told.code, told.json["state"]) == (4, "conflict")
    done = lab.inv("telemetry.activate")
    assert done.code == 4, done.said
    assert f"pid {holder.pid}" in done.err
    assert lives(ours)
    assert lives(holder)


# During the look


def test_a_process_that_ended_during_the_look_holds_no_port() -> None:
    """It was told as one that can't be seen, and the port as taken."""
    port = free_port()
    service = facts.service(port=port)
    world = World(facts.workspace(service), {})
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
        table = ProcessTable(world)
    table.__dict__["_listeners"] = {port: [(ended.pid, "127.0.0.1")]}
    look = Snapshot((), Session(facts.SESSION, False), table)
    assert holders_of(service, world, look, facts.seen(port=port, open_at=("127.0.0.1",))) == ()
