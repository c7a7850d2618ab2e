"""A short run of the chaos that `make chaos` runs for minutes."""

from __future__ import annotations

import signal

import pytest

from tests.chaos import Broken, Chaos
from tests.lab import Lab, until


def test_twelve_random_faults_break_no_promise(lab: Lab) -> None:
    chaos = Chaos(lab, seed=20)
    try:
        chaos.run(12)
    finally:
        chaos.clean()
    assert [line.partition(":")[0] for line in chaos.log if line[0] != " "] == [str(number) for number in range(12)]


def test_the_oracle_sees_what_a_task_denies(lab: Lab) -> None:
    chaos = Chaos(lab, seed=1)
    try:
        with pytest.raises(Broken, match="work runs in a window of tmux"):
            chaos.judge_start("work", 0)
        assert lab.inv("up").code == 0
        with pytest.raises(Broken, match="no process of work is left"):
            chaos.judge_stop(0, "work")
        with pytest.raises(Broken, match="can be stopped: exit 1"):
            chaos.judge_stop(1, "work")
        chaos.kill(chaos.oracle.own_pids("web")[0], signal.SIGKILL)
        until(lambda: not chaos.oracle.listeners(chaos.port))
        with pytest.raises(Broken, match="web"):
            chaos.check_running("web")
        chaos.check_neighbours()
        chaos.kill(guest := chaos.guests[0], signal.SIGKILL)
        until(lambda: chaos.oracle.status(guest)[0] in "ZX")
        with pytest.raises(Broken, match="other people's windows are left alone"):
            chaos.check_neighbours()
    finally:
        chaos.clean()
