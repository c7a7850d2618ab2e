"""What can be seen of a process, whose it is, and that no signal hits the wrong one: real processes."""

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

from sentinel_tasks.lineage import proc, table
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.lineage.reach import Claim
from sentinel_tasks.model import Identity, identity_of
from sentinel_tasks.system import processes
from sentinel_tasks.system.processes import age, began, describe, is_alive, kill, rss_bytes, send, tags
from tests.lab import PATIENCE, Lab, until

Spawn = Callable[..., "subprocess.Popen[bytes]"]
SLEEP = "import time; time.sleep(60)"
NOBODY = 0x3FFFFF
TICK = 1 / os.sysconf("SC_CLK_TCK")
"""Seconds, the unit in which the kernel tells when a process began."""
WITH_CHILD = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-S', '-c', {SLEEP!r}]); p.wait()"


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
        for each in family_of(process):
            each.kill()
        process.communicate()


@pytest.fixture(params=["as /proc tells it", "without /proc"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to learn of a process; the second is the only one on macOS."""
    if "without" in request.param:
        monkeypatch.setattr(proc, "ON_LINUX", False)


def known(pid: int) -> Process:
    found = proc.one(pid)
    assert found is not None
    return found


def family_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Told by psutil: where there is no /proc, our own table asks for hundreds of processes one by one."""
    if process.returncode is not None:
        return []
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def holder(process: subprocess.Popen[bytes]) -> Identity:
    return identity_of(known(process.pid))


def claim(*whom: Identity) -> Claim:
    return Claim(holders=frozenset(whom))


# Who is it


def test_a_process_is_alive_until_it_ends_or_its_pid_is_another_processs(spawn: Spawn) -> None:
    process = spawn()
    who = holder(process)
    assert is_alive(who)
    assert not is_alive(who._replace(ticks=who.ticks - 1))
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert not is_alive(who)


def test_a_look_at_some_and_what_is_below_them_finds_nobody_else(spawn: Spawn) -> None:
    above, beside = spawn(WITH_CHILD), spawn()
    (child,) = until(lambda: [*proc.children(above.pid)])
    assert {*processes.below([child, above.pid])} == {above.pid, child}
    assert {*processes.below([child, beside.pid])} == {child, beside.pid}
    assert {above.pid, child, beside.pid, os.getpid()} <= {*processes.pids()}
    assert not proc.kernel_threads().intersection(processes.pids())


def test_a_look_below_what_has_ended_finds_nobody(spawn: Spawn) -> None:
    """It was one at all processes: a stop makes it as soon as one of its own is gone."""
    process = spawn()
    process.kill()
    process.wait()
    assert processes.below([process.pid]) == {}


@pytest.mark.usefixtures("source")
def test_memory_of_several_processes_is_told_together(spawn: Spawn) -> None:
    parent = spawn(WITH_CHILD)
    child = until(lambda: family_of(parent)[1:])[0]
    until(lambda: (rss_bytes([child.pid]) or 0) > 1_000_000, "the child in memory")
    assert (rss_bytes([parent.pid, child.pid]) or 0) > (rss_bytes([child.pid]) or 0)
    assert rss_bytes([NOBODY]) is None


def test_a_process_that_has_just_begun_is_not_a_second_old() -> None:
    """On a full disk a service counted as up for one second, at once: its start was told up to a second too early."""
    before = time.monotonic()
    with subprocess.Popen(["sleep", "60"]) as process:
        told = age(known(process.pid))
        assert 0 <= told <= time.monotonic() - before + TICK
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is one clock")
@pytest.mark.parametrize("stalls", [(0.3, 0.0), (0.0, 0.3)])
def test_when_a_process_began_is_told_though_the_look_is_held_up(
    monkeypatch: pytest.MonkeyPatch, stalls: tuple[float, float]
) -> None:
    """A launcher whose window had just been closed seemed to have begun during the look: it was told as running."""
    of_each_look, now = iter(stalls), [1000.0]

    def since_boot(which: int) -> float:
        now[0] += next(of_each_look)
        return now[0] + 50.0

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "clock_gettime", since_boot)
    ticks = 900 * os.sysconf("SC_CLK_TCK")
    assert began(Process(NOBODY, ticks, 1, 1, 1, 1)) == pytest.approx(850.0)


# Signals


def test_whom_a_signal_reached_is_told(spawn: Spawn) -> None:
    process = spawn()
    who = holder(process)
    assert send(claim(who), [who], signal.SIGTERM) == [who]
    assert process.wait(PATIENCE) == -signal.SIGTERM
    assert send(claim(who), [who], signal.SIGTERM) == []


def test_nobody_but_those_that_were_asked_for_is_signalled(spawn: Spawn) -> None:
    asked, spared = spawn(), spawn()
    both = claim(holder(asked), holder(spared))
    assert send(both, [holder(asked)], signal.SIGTERM) == [holder(asked)]
    assert asked.wait(PATIENCE) == -signal.SIGTERM
    assert spared.poll() is None
    assert kill(both, frozenset({holder(spared)})) == []
    assert spared.poll() is None


def test_a_pid_that_was_reused_since_is_not_signalled(spawn: Spawn) -> None:
    process = spawn()
    other = holder(process)._replace(ticks=holder(process).ticks - 1)
    assert send(claim(other), [other], signal.SIGKILL) == kill(claim(other)) == []
    assert process.poll() is None


def test_neither_ourselves_nor_those_above_us_nor_pid_1_are_signalled() -> None:
    above = [identity_of(known(each.pid)) for each in [psutil.Process(), *psutil.Process().parents()]]
    assert send(claim(*above), above, signal.SIGCONT) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_another_users_process_is_not_signalled(spawn: Spawn) -> None:
    other = spawn(f"import os; os.setgid(65534); os.setuid(65534); print(flush=True); {SLEEP}")
    assert other.stdout is not None
    other.stdout.readline()
    who = holder(other)
    assert send(claim(who), [who], signal.SIGTERM) == kill(claim(who)) == []
    assert other.poll() is None
    told = describe(known(other.pid), "127.0.0.1")
    assert (told.own_user, told.user) == (False, psutil.Process(other.pid).username())


def test_suspended_process_goes_on_so_that_it_can_answer_the_signal(spawn: Spawn) -> None:
    process = spawn()
    os.kill(process.pid, signal.SIGSTOP)
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
    send(claim(holder(process)), [holder(process)], signal.SIGTERM)
    assert process.wait(PATIENCE) == -signal.SIGTERM


def test_a_chain_of_forks_is_ended_for_good(spawn: Spawn) -> None:
    """Each process forked once and ended: for a minute the next one was always out of reach of the last KILL."""
    chain = spawn("import os\nos.setsid()\nprint(flush=True)\nwhile not os.fork(): pass\nos.wait()")
    assert chain.stdout is not None
    chain.stdout.readline()
    reached = kill(claim(holder(chain)))
    assert holder(chain) in reached
    until(lambda: not [each for each in table.read().values() if each.group == chain.pid and each.is_alive])


# Tags, and telling of it


@pytest.mark.usefixtures("source")
def test_tags(spawn: Spawn) -> None:
    assert tags(spawn(SENTINEL_WORKSPACE="/w", SENTINEL_SERVICE="web").pid) == ("/w", "web", None)
    assert tags(spawn(SENTINEL_WORKSPACE="", TMUX="/tmp/a,b/default,4711,0").pid) == ("", None, 4711)
    assert tags(spawn(NOT_SENTINEL_SERVICE="web", TMUX="").pid) == (None, None, None)
    assert tags(NOBODY) == (None, None, None)


@pytest.mark.usefixtures("source")
def test_describe(spawn: Spawn, tmp_path: Path) -> None:
    process = spawn(SLEEP, "--password", "hunter2", SENTINEL_WORKSPACE="/w", SENTINEL_SERVICE="web")
    told = describe(known(process.pid), "127.0.0.1")
    assert (told.identity, told.pid) == (holder(process), process.pid)
    assert (told.address, told.own_user, told.user) == ("127.0.0.1", True, psutil.Process().username())
    assert (told.workspace, told.service, told.cwd) == ("/w", "web", str(tmp_path))
    assert told.name == psutil.Process(process.pid).name()
    assert told.command is not None
    assert told.command.endswith("--password ***")


def test_a_long_name_is_told_whole(lab: Lab) -> None:
    program = lab.folder / "a-program-with-a-long-name"
    program.symlink_to("/bin/sleep")
    process = lab.spawn(str(program), "60")
    until(lambda: processes.name(known(process.pid)) == program.name)


def test_a_working_directory_that_is_gone_is_told_as_it_was(lab: Lab) -> None:
    gone = lab.folder / "gone"
    gone.mkdir()
    process = lab.spawn("sleep", "60", cwd=gone)
    gone.rmdir()
    assert describe(known(process.pid), "").cwd == str(gone)


def test_describe_whoever_can_not_be_seen() -> None:
    unseen = describe(None, "127.0.0.1")
    assert (unseen.identity, unseen.user, unseen.own_user) == (None, None, False)
    known_user = describe(None, "127.0.0.1", os.getuid())
    assert (known_user.user, known_user.own_user) == (psutil.Process().username(), True)
    assert describe(None, "127.0.0.1", 4_000_000).user == "4000000"
