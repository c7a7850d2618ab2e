"""A short run of the chaos that `make chaos` runs for minutes, and the judges judged."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.chaos import Broken, Chaos, tasks
from tests.chaos.flavours import WEB, WORK
from tests.lab import Lab, Result, until
from tests.oracle import still_living
from tests.watch import Watch


@pytest.fixture
def chaos(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Chaos]:
    with Watch(lab.folder) as watch:
        made = Chaos(lab, getattr(request, "param", 1), watch)
        yield made
        made.clean()


@pytest.mark.parametrize("chaos", [22], indirect=True)
@pytest.mark.timeout(180)
def test_a_random_fault_breaks_no_promise(chaos: Chaos) -> None:
    chaos.run(1)
    steps = [line.partition(":")[0] for line in chaos.scene.log if line[0] != " "]
    assert steps == ["0"]


def test_the_judge_sees_what_a_task_denies_and_what_is_done_to_neighbours(
    chaos: Chaos, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    well, badly = Result(0, "", "", 0.0), Result(1, "", "", 0.0)
    with pytest.raises(Broken, match="work runs in one window of tmux"):
        chaos.judge.started(WORK, well)
    tasks.up(chaos.play)
    with pytest.raises(Broken, match="no process of work is left"):
        chaos.judge.stopped(well, {WORK: []}, WORK)
    with pytest.raises(Broken, match="can be stopped: exit 1"):
        chaos.judge.stopped(badly, {WORK: []}, WORK)
    with pytest.raises(Broken, match="runs as"):
        chaos.judge.state(WEB, {"state": "running", "pid": os.getpid()}, *chaos.judge.look(WEB))
    with pytest.raises(Broken, match="there is nothing"):
        chaos.judge.state(WEB, {"state": "unhealthy", "pid": None}, [], [])
    chaos.judge.state(WEB, {"state": "unhealthy", "pid": None}, [], [1])
    editor = chaos.neighbours.others[0]
    with pytest.raises(Broken, match="signals were told for neighbours"):
        chaos.judge.signals(Result(0, "", f"kill -TERM {editor}\n", 0.0), [], chaos.neighbours.others)
    looks = iter([[], [], [7]])
    with monkeypatch.context() as of_a_chain:
        of_a_chain.setattr(chaos.scene, "flavour", replace(chaos.scene.flavour, name="plain, fork chain"))
        of_a_chain.setattr(chaos.judge.oracle, "living", lambda name: next(looks))
        assert chaos.judge.left(WORK) == [7]
    chaos.neighbours.check()
    os.kill(editor, signal.SIGTERM)
    until(lambda: not still_living([editor]))
    with pytest.raises(Broken, match="neighbours live"):
        chaos.neighbours.check()
    guest = chaos.neighbours.guests[0]
    os.kill(guest, signal.SIGKILL)
    chaos.neighbours.others.remove(editor)
    until(lambda: not still_living([guest]))
    with pytest.raises(Broken, match="other people's windows are left alone"):
        chaos.neighbours.check()
