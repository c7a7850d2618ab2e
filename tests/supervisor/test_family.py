"""What a service starts stays below its launcher, whatever it does to itself, and ends with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sentinel_tasks.supervisor.ending import TERM_SECONDS
from sentinel_tasks.supervisor.watch import look_after_an_end
from tests.lab import until

from .launched import KEEPS_RECORDS, READY, InPane, Piped, command_of, end, is_alive, named

DAEMON = f"{sys.executable} -I -S -c import time; time.sleep(1234)"
BARE = f"env -i {sys.executable} -I -S -c"
"""A process with nothing of ours in its environment."""
DEAF = "trap '' INT TERM HUP; while :; do sleep 0.05; done"
GRACEFUL = """
import signal, time
def leave(*_):
    time.sleep(1)
    print("done", flush=True)
    raise SystemExit
signal.signal(signal.SIGINT, leave)
signal.signal(signal.SIGTERM, lambda *_: print("cut short", flush=True))
print("ready", flush=True)
while True:
    time.sleep(0.1)  # a signal right before a wait is heard at its end
"""
needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server")


# Below the launcher


def test_daemon_stays_below_its_launcher(launched: Piped) -> None:
    """A server that a service had sent out of its session was ended as a stray, and the start timed out."""
    launched.give(f"setsid -f {BARE} 'import time; time.sleep(1234)'; {READY}exec sleep 1000")
    launched.wait_for(b"ready")
    daemon = named(launched.pid, DAEMON)
    assert daemon.session != launched.pid
    assert daemon.parent == launched.pid
    until(lambda: daemon.pid in dict(launched.told.family), "the daemon in the record")


def test_fork_after_fork_stays_below_its_launcher(launched: Piped) -> None:
    fork = "import os, time\nfor _ in range(3):\n  os.fork() and os._exit(0)\n  os.setsid()\ntime.sleep(1234)"
    launched.give(["sh", "-c", f"{BARE} '{fork}'; {READY}exec sleep 1000"])
    launched.wait_for(b"ready")
    python = f"{sys.executable} -I -S -c import os, time"

    def parents() -> list[int]:
        return [each.parent for each in launched.below() if command_of(each.pid).startswith(python)]

    until(lambda: parents() == [launched.pid])


def test_terminal_server_that_a_service_starts_is_none_of_it(launched: Piped, tmp_path: Path) -> None:
    """All sessions of a person's tmux server were ended with the service that it had first been started from."""
    socket = str(tmp_path / "precious")
    launched.give(f"tmux -S {socket} -f /dev/null new-session -d -s precious sleep 1000; {READY}exec sleep 1000")
    launched.wait_for(b"ready")
    try:
        os.kill(launched.pid, signal.SIGTERM)
        assert launched.end() == 128 + signal.SIGTERM
        assert subprocess.run(["tmux", "-S", socket, "has-session", "-t", "precious"], check=False).returncode == 0
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], check=True)


def test_terminal_server_does_not_keep_a_run_alive(launched: Piped, tmp_path: Path) -> None:
    socket = str(tmp_path / "precious")
    try:
        code, run = launched.run(f"tmux -S {socket} -f /dev/null new-session -d -s precious sleep 1000")
        assert (code, run.is_over, run.backgrounded) == (0, True, None)
    finally:
        subprocess.run(["tmux", "-S", socket, "kill-server"], check=True)


# Into the background


def test_service_that_goes_into_the_background_runs_on(launched: Piped) -> None:
    launched.give(f"setsid -f {BARE} 'import time; time.sleep(1234)'")
    until(lambda: launched.told.backgrounded)
    daemon = named(launched.pid, DAEMON)
    until(lambda: launched.told.family == ((daemon.pid, daemon.ticks),), "what is left of it in the record")
    assert (launched.told.ended, launched.told.is_over) == (None, False)
    os.kill(launched.pid, signal.SIGTERM)
    launched.end()
    assert not is_alive(daemon.pid)
    assert (launched.told.signal, launched.told.interrupted) == ("SIGTERM", True)
    assert launched.events() == ["start", "stop"]


@pytest.mark.parametrize(("has_a_known_one", "seconds"), [(True, 5.0), (False, 0.05)])
def test_processes_are_looked_for_at_once_where_none_of_those_on_record_lives(
    has_a_known_one: bool, seconds: float
) -> None:
    """For up to five seconds a program that had forked twice was a stranger if its launcher was killed."""
    assert look_after_an_end(100.0, has_a_known_one) == 100.0 + seconds


def test_daemon_of_a_daemon_comes_on_record(launched: Piped) -> None:
    """A program that forked twice on its way into the background was a stranger once its launcher was killed."""
    launched.give(["setsid", "-f", "sh", "-c", "sleep 0.1; sleep 1000 &"])
    daemon = named(launched.pid, "sleep 1000")
    until(lambda: launched.told.family == ((daemon.pid, daemon.ticks),), "the last one in the record")
    os.kill(launched.pid, signal.SIGTERM)
    launched.end()


@pytest.mark.parametrize(("end", "code", "event"), [("exit 0", 0, "stop"), ("exit 3", 3, "crash")])
def test_run_in_the_background_ends_as_its_last_process_does(launched: Piped, end: str, code: int, event: str) -> None:
    daemon = f"until [ -e go ]; do sleep 0.02; done; {end}"
    launched.give(["setsid", "-f", "sh", "-c", daemon])
    until(lambda: launched.told.backgrounded)
    (launched.folder / "go").touch()
    launched.end()
    assert (launched.told.exit_code, launched.told.interrupted) == (code, False)
    assert launched.events() == ["start", event]


def test_daemon_that_is_killed_is_a_crash_and_is_started_again(launched: Piped) -> None:
    launched.give("setsid -f sleep 1000", restart="on-failure")
    until(lambda: launched.told.backgrounded)
    end(named(launched.pid, "sleep 1000").pid)
    until(lambda: launched.told.restarts and launched.told.ended is None and launched.told.backgrounded)
    assert launched.told.last_exit == "killed by SIGKILL"
    os.kill(launched.pid, signal.SIGTERM)
    launched.end()
    assert launched.events() == ["start", "crash", "restart", "stop"]


def test_c_c_in_the_window_ends_what_went_into_the_background(pane: InPane) -> None:
    pane.give("echo ready; setsid -f sleep 1000")
    until(lambda: pane.told.backgrounded)
    pane.press("C-c")
    pane.wait_for_end()
    until(lambda: not pane.marked())
    assert (pane.told.signal, pane.told.interrupted) == ("SIGINT", True)


@needs_redis
@pytest.mark.parametrize("way", ["window", "TERM", "C-c"])
def test_redis_in_the_background_ends_with_its_launcher(pane: InPane, way: str) -> None:
    """It rewrites its title and its environment with it, and `stop` left it as "outside tmux"."""
    redis = "redis-server --port 0 --unixsocket redis.sock --daemonize yes --save '' --dir ."
    pane.give(redis)
    until(lambda: pane.told.backgrounded and (pane.folder / "redis.sock").exists())
    server = named(pane.pid, "redis-server")
    if way == "window":
        pane.tmux("kill-session", "-t", "=s")
    elif way == "TERM":
        os.kill(pane.pid, signal.SIGTERM)
    else:
        pane.press("C-c")
    pane.wait_for_end()
    assert not is_alive(server.pid)
    assert (pane.told.exit_code, pane.told.interrupted) == (0, True)


# What is left behind


@pytest.mark.parametrize("launched", [KEEPS_RECORDS], indirect=True, ids=["every record is kept"])
def test_end_is_told_at_once_and_what_is_left_is_ended_then(launched: Piped) -> None:
    launched.give(f"trap '' TERM; ({DEAF}) & exit 3")  # deaf from its first moment, however late that comes
    launched.end()
    run = next(each for each in launched.records() if each.ended)
    assert (run.exit_code, run.is_over, run.ended) == (3, True, launched.told.ended)
    assert run.family, "what is left is told, while it lives"
    assert set(launched.events()) == {"start", "crash", "stray"}
    until(lambda: not launched.marked())
    assert launched.told.family == ()


def test_what_a_crash_leaves_is_ended_before_the_next_run(launched: Piped) -> None:
    """It held the port, and every next run failed on it."""
    check = "[ -e left ] && kill -0 $(cat left) 2>&-"
    script = f"if {check}; then echo still there; fi; ({DEAF}) & echo $! >left; {READY}exit 3"
    launched.give(script, restart="on-failure")
    launched.wait_for(b"ready")
    launched.wait_for(b"ready")
    os.kill(launched.pid, signal.SIGTERM)
    launched.end()
    assert b"still there" not in launched.said
    until(lambda: not launched.marked())


def test_what_ends_gracefully_after_c_c_is_given_the_time(launched: Piped) -> None:
    """The main process often ends before its children have: `npm run` and many others."""
    (launched.folder / "child.py").write_text(GRACEFUL)
    launched.give(f"trap 'exit 0' INT; {sys.executable} child.py & wait")
    launched.wait_for(b"ready")
    os.killpg(launched.pid, signal.SIGINT)
    launched.end()
    assert b"done" in launched.said
    assert b"cut short" not in launched.said


def test_one_shot_is_completed_though_something_of_it_lives(launched: Piped) -> None:
    launched.give("setsid -f sleep 1000", one_shot=True)
    run = until(lambda: launched.told.ended and launched.told)
    assert (run.exit_code, run.is_over, run.backgrounded) == (0, True, None)
    assert is_alive(named(launched.pid, "sleep 1000").pid)
    os.kill(launched.pid, signal.SIGTERM)
    launched.end()
    until(lambda: not launched.marked())
    assert (launched.told.exit_code, launched.told.interrupted) == (0, False)


def test_what_left_the_terminals_session_is_spared_if_it_may_be_left(launched: Piped) -> None:
    launched.give(f"setsid -f sleep 1234 >&- 2>&-; ({DEAF}) & {READY}exec sleep 1000", detached="leave")
    launched.wait_for(b"ready")
    browser = named(launched.pid, "sleep 1234")
    try:
        os.kill(launched.pid, signal.SIGTERM)
        launched.end()
        until(lambda: [each.pid for each in launched.marked()] == [browser.pid], "the end of all others")
    finally:
        end(browser.pid)


def test_what_left_the_terminals_session_does_not_keep_a_run_alive_if_it_may_be_left(launched: Piped) -> None:
    leaves = "setsid -f sh -c 'touch left; exec sleep 1234' >&- 2>&-; until test -e left; do sleep 0.02; done; exit 0"
    code, run = launched.run(leaves, detached="leave")
    assert (code, run.is_over, run.backgrounded) == (0, True, None)
    end(*(each.pid for each in launched.marked()))


LEAVES_LATE = """
import os, time
if os.fork():
    while not os.path.exists("left"):
        time.sleep(0.02)
    raise SystemExit
os.closerange(0, 3)
while not os.path.exists("go"):
    time.sleep(0.02)
os.setsid()
open("left", "w").close()
time.sleep(1234)
"""


def test_what_leaves_the_terminals_session_after_a_look_does_not_keep_a_run_alive_either(launched: Piped) -> None:
    """A service that ended while its browser started was told as one in the background."""
    launched.give([sys.executable, "-I", "-S", "-c", LEAVES_LATE], detached="leave")
    until(lambda: len(launched.told.family) == 2, "a look at its processes")
    (launched.folder / "go").touch()
    assert launched.end() == 0
    assert (launched.told.is_over, launched.told.backgrounded) == (True, None)
    end(*(each.pid for each in launched.marked()))


def test_service_that_does_not_end_on_term_is_killed(launched: Piped) -> None:
    launched.give(f"trap '' TERM; {READY}{DEAF}", stop_timeout=0.2)
    launched.wait_for(b"ready")
    os.kill(launched.pid, signal.SIGTERM)
    assert launched.end() == 128 + signal.SIGKILL
    assert launched.told.ended is not None
    assert launched.told.asked is not None
    assert launched.told.ended - launched.told.asked >= TERM_SECONDS
