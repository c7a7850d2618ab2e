"""What every step is given: the scene, the judge and the neighbours, and the words in which steps are told."""

from __future__ import annotations

from random import Random

from tests.chaos.flavours import WEB, WORK
from tests.chaos.judge import Judge
from tests.chaos.neighbours import Neighbours
from tests.chaos.scene import Scene
from tests.lab import Result
from tests.oracle import Oracle


class Play:
    """The scene with everybody in it."""

    def __init__(self, scene: Scene, judge: Judge, neighbours: Neighbours) -> None:
        self.scene, self.judge, self.neighbours = scene, judge, neighbours

    @property
    def random(self) -> Random:
        return self.scene.random

    @property
    def oracle(self) -> Oracle:
        return self.scene.oracle

    def start(self, name: str, verb: str = "start") -> None:
        """Starts (or restarts) a service, and judges that."""
        self.judge.started(name, self.scene.inv(f"{name}.{verb}"))

    def stop(self, *names: str) -> None:
        """Stops one service, or with `down` both, and judges that, sometimes by every signal that is told."""
        before = {name: self.oracle.living(name) for name in names}
        ending = [name for name in names if self.oracle.launchers(name) and not self.oracle.in_windows(name)]
        words = ["down"] if len(names) > 1 else [f"{names[0]}.stop"]
        echo = self.scene.chance(0.4)
        done = self.scene.inv(*(["--echo"] if echo else []), *words)
        protected = [*self.neighbours.others, *self.neighbours.guests]
        self.judge.signals(done, [pid for pids in before.values() for pid in pids], protected)
        self.judge.stopped(done, before, *names, ending=ending)

    def down(self) -> None:
        self.stop(WEB, WORK)

    def judged(self, done: Result, verb: str, name: str, before: list[int]) -> None:
        """Judges a command of any verb that was run in another way."""
        if verb in ("start", "restart"):
            self.judge.started(name, done)
        elif verb == "stop":
            self.judge.stopped(done, {name: before}, name)
