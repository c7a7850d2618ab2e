"""The look at one process's descendants tells what the look at the whole machine does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from sentinel_tasks.lineage import proc, reach, table
from sentinel_tasks.lineage.process import Process
from tests.lab import until

TREE = "(setsid sleep 86400 & sleep 86400 & wait) & exec sleep 86400"
FROM_A_THREAD = """
import subprocess, threading, time
thread = threading.Thread(target=lambda: (subprocess.Popen(["sleep", "86400"]), time.sleep(86400)))
thread.start()
"""


def family_of(pid: int, told: table.Table) -> set[int]:
    process = told[pid]
    return {each.pid for each in reach.family(told, (pid, process.ticks))}


def end_all(root: int) -> None:
    for pid in sorted(family_of(root, table.read()), reverse=True):
        os.kill(pid, signal.SIGKILL)


def test_what_is_below_a_process_is_seen_without_looking_at_the_machine() -> None:
    with subprocess.Popen(["sh", "-c", TREE]) as root:
        try:
            until(lambda: len(family_of(root.pid, table.read())) == 4)
            assert family_of(root.pid, table.below(root.pid)) == family_of(root.pid, table.read())
            assert len(table.below(root.pid)) < 6
        finally:
            end_all(root.pid)


def test_a_child_that_a_thread_has_begun_is_seen() -> None:
    with subprocess.Popen([sys.executable, "-c", FROM_A_THREAD]) as root:
        try:
            until(lambda: len(family_of(root.pid, table.below(root.pid))) == 2)
        finally:
            end_all(root.pid)


def test_a_process_that_has_ended_has_nothing_below_it() -> None:
    with subprocess.Popen(["true"]) as root:
        root.wait()
    assert root.pid not in table.below(root.pid)


def test_a_launcher_that_ends_while_it_is_looked_at_is_no_other_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two files that tell of it: a one-shot that had ended well was told as "ended while starting"."""
    look = proc.command_line

    def look_later(pid: int) -> tuple[str, ...]:
        process.kill()
        until(lambda: not any(look(pid)))
        return look(pid)

    with subprocess.Popen(["sleep", "86400"], start_new_session=True) as process:
        until(lambda: any(look(process.pid)))  # Popen returns before the kernel has put the program in place
        monkeypatch.setattr(proc, "command_line", look_later)
        found = proc.one(process.pid)
    assert found is not None
    assert found.is_ending


def test_the_kernels_own_threads_are_not_looked_at() -> None:
    """They were half of what every look at an idle machine read."""
    told = table.read()
    kthreadd = proc.one(proc.KTHREADD)
    assert os.getpid() in told
    if kthreadd and kthreadd.name == "kthreadd":
        assert not [each for each in told.values() if each.parent == kthreadd.pid]


def test_the_real_user_is_looked_up_when_it_is_asked_for_and_once() -> None:
    answers = iter((33, 0))
    process = Process(5, 5, 1, group=5, session=5, uid=lambda: next(answers))
    assert process.replaced(state="Z") == Process(5, 5, 1, group=5, session=5, uid=33, state="Z")
    assert process.uid == 33
    assert next(answers) == 0


def test_what_is_above_a_process_is_seen_without_looking_at_the_machine() -> None:
    told = table.above([os.getpid()])
    assert [*told] == reach.line_of(table.read(), os.getpid())
    assert told[os.getpid()].parent == os.getppid()
