"""Who a process is, what belongs to it, and that no signal hits the wrong one: real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from sentinel_tasks.model import Identity
from sentinel_tasks.system import processes
from sentinel_tasks.system.processes import (
    age,
    ancestors,
    describe,
    foreground,
    identity,
    is_alive,
    resume,
    rss_bytes,
    send,
    strays,
    tags,
    tree,
)
from tests import facts
from tests.lab import PATIENCE, Lab, until

Spawn = Callable[..., "subprocess.Popen[bytes]"]
SLEEP = "import time; time.sleep(60)"
TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds, the unit in which the kernel tells when a process began."""


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """Starts Python with this code, and ends it; `env` is added to ours."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str = SLEEP, *words: str, **env: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-S", "-c", f"print(flush=True)\n{code}", *words]
        process = subprocess.Popen(command, env={**os.environ, **env}, stdin=-1, stdout=-1, cwd=tmp_path)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in started:
        for each in tree(process.pid):
            os.kill(each.pid, signal.SIGKILL)
        process.communicate()


def known(pid: int) -> Identity:
    found = identity(pid)
    assert found is not None
    return found


# Who is it


def test_identity_is_pid_and_start(spawn: Spawn) -> None:
    process = spawn()
    who = known(process.pid)
    assert who.pid == process.pid
    assert abs(who.started - time.time()) < 60
    assert identity(process.pid) == who
    assert is_alive(who)


def test_reused_pid_is_somebody_else(spawn: Spawn) -> None:
    who = known(spawn().pid)
    assert not is_alive(replace(who, started=who.started - 1))


def test_zombie_has_ended(spawn: Spawn) -> None:
    process = spawn()
    who = known(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert identity(process.pid) is None
    assert not is_alive(who)


def test_nobody_has_nothing() -> None:
    assert identity(0x3FFFFF) is None
    assert tree(0x3FFFFF) == []
    assert ancestors(0x3FFFFF) == ()
    assert tags(0x3FFFFF) == (None, None)


def test_tree_and_ancestors(spawn: Spawn) -> None:
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-S', '-c', {SLEEP!r}]); p.wait()"
    parent = spawn(code)
    child = until(lambda: tree(parent.pid)[1:])[0]
    assert [who.pid for who in tree(parent.pid)] == [parent.pid, child.pid]
    assert ancestors(child.pid)[:2] == (parent.pid, os.getpid())
    until(lambda: (rss_bytes([child]) or 0) > 1_000_000, "the child in memory")
    assert (rss_bytes(tree(parent.pid)) or 0) > (rss_bytes([child]) or 0)
    assert rss_bytes([Identity(0x3FFFFF, 1.0)]) is None


# Signals


def test_send(spawn: Spawn) -> None:
    process = spawn()
    assert send(known(process.pid), signal.SIGTERM)
    assert process.wait(PATIENCE) == -signal.SIGTERM


def test_send_refuses_a_pid_that_was_reused_since(spawn: Spawn) -> None:
    process = spawn()
    who = known(process.pid)
    assert not send(replace(who, started=who.started - 0.01), signal.SIGKILL)
    assert is_alive(who)


def test_send_refuses_ourselves_and_those_above_us_and_pid_1() -> None:
    for pid in (os.getpid(), *ancestors(os.getpid()), 1, 0, -1):
        who = identity(pid) if pid > 0 else Identity(pid, 0.0)
        assert who is not None
        assert not send(who, signal.SIGCONT)


def test_send_to_nobody() -> None:
    assert not send(Identity(0x3FFFFF, 1.0), signal.SIGTERM)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_send_refuses_another_users_process(spawn: Spawn) -> None:
    other = spawn(f"import os; os.setgid(65534); os.setuid(65534); print(flush=True); {SLEEP}")
    assert other.stdout is not None
    other.stdout.readline()
    who = known(other.pid)
    assert not send(who, signal.SIGTERM)
    assert is_alive(who)
    told = describe(other.pid, "127.0.0.1")
    assert (told.own_user, told.user) == (False, psutil.Process(other.pid).username())


def test_suspended_process_is_resumed(spawn: Spawn) -> None:
    process = spawn()
    who = known(process.pid)
    os.kill(process.pid, signal.SIGSTOP)
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    resume(who)
    until(lambda: psutil.Process(process.pid).status() != psutil.STATUS_STOPPED)
    resume(Identity(0x3FFFFF, 1.0))


def test_without_a_terminal_nobody_is_in_the_foreground_or_all_are(spawn: Spawn) -> None:
    process = spawn()
    assert set(foreground(process.pid)) <= set(tree(process.pid))


# Marks and strays


def test_tags(spawn: Spawn) -> None:
    marked = spawn(SENTINEL_WORKSPACE="/w", SENTINEL_SERVICE="web")
    assert tags(marked.pid) == ("/w", "web")
    assert tags(spawn().pid) == (None, None)


def test_strays_are_the_marked_ones_of_this_workspace_by_service(spawn: Spawn, tmp_path: Path) -> None:
    own, other = str(tmp_path), str(tmp_path / "other")
    web = spawn(SENTINEL_WORKSPACE=own, SENTINEL_SERVICE="web")
    api = spawn(SENTINEL_WORKSPACE=own, SENTINEL_SERVICE="api")
    spawn(SENTINEL_WORKSPACE=other, SENTINEL_SERVICE="web")
    spawn(SENTINEL_SERVICE="web")
    assert strays(own, []) == {"web": [known(web.pid)], "api": [known(api.pid)]}


def test_process_under_a_live_pane_is_no_stray(spawn: Spawn, tmp_path: Path) -> None:
    own = str(tmp_path)
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-S', '-c', {SLEEP!r}]); p.wait()"
    pane = spawn(code, SENTINEL_WORKSPACE=own, SENTINEL_SERVICE="web")
    until(lambda: len(tree(pane.pid)) == 2)
    assert len(strays(own, [])["web"]) == 2
    assert strays(own, [facts.pane(pid=pane.pid)]) == {}


def test_neither_we_nor_those_above_us_are_strays(tmp_path: Path) -> None:
    code = "from sentinel_tasks.system.processes import strays; import sys; print(strays(sys.argv[1], []))"
    environ = {**os.environ, "SENTINEL_WORKSPACE": str(tmp_path), "SENTINEL_SERVICE": "web"}
    command = [
        sys.executable,
        "-c",
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}, sys.argv[1]])",
    ]
    said = subprocess.run([*command, str(tmp_path)], env=environ, capture_output=True, text=True, check=True)
    assert said.stdout == "{}\n"


def test_process_under_another_tmux_server_is_no_stray(lab: Lab) -> None:
    own = str(lab.path)
    marked = f"exec env SENTINEL_WORKSPACE={own} SENTINEL_SERVICE=web sleep 60"
    lab.tmux("new-session", "-d", "-s", "by-hand", marked, socket_name="other")
    pane = int(lab.tmux("list-panes", "-a", "-F", "#{pane_pid}", socket_name="other"))
    until(lambda: tags(pane) == (own, "web"))
    assert strays(own, []) == {}
    assert describe(pane, "127.0.0.1").tmux == psutil.Process(pane).ppid()


# Telling of it


def test_describe(spawn: Spawn, tmp_path: Path) -> None:
    process = spawn(SLEEP, "--password", "hunter2", SENTINEL_WORKSPACE="/w", SENTINEL_SERVICE="web")
    told = describe(process.pid, "127.0.0.1")
    assert told.identity == known(process.pid)
    assert (told.pid, told.address, told.own_user) == (process.pid, "127.0.0.1", True)
    assert (told.workspace, told.service, told.cwd) == ("/w", "web", str(tmp_path))
    assert told.ancestors[0] == os.getpid()
    assert told.name == psutil.Process(process.pid).name() == processes.name(process.pid)
    assert told.command is not None
    assert told.command.endswith("--password ***")


def test_describe_whoever_can_not_be_seen() -> None:
    unseen = describe(None, "127.0.0.1")
    assert (unseen.identity, unseen.user, unseen.own_user) == (None, None, False)
    known_user = describe(None, "127.0.0.1", os.getuid())
    assert (known_user.user, known_user.own_user) == (psutil.Process().username(), True)
    assert describe(None, "127.0.0.1", 4_000_000).user == "4000000"
    assert describe(0x3FFFFF, "127.0.0.1").identity is None


def test_a_process_that_has_just_begun_is_not_a_second_old() -> None:
    """On a full disk a service counted as up for one second, at once: its start was told up to a second too early."""
    before = time.monotonic()
    with subprocess.Popen(["sleep", "60"]) as process:
        told = age(known(process.pid))
        assert 0 <= told <= time.monotonic() - before + TICK
        process.kill()
