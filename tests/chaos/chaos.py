"""The rounds: one random step after the other, each judged."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from tests.chaos import elsewhere, faults, files, holders, marks, tasks, windows
from tests.chaos.judge import Judge
from tests.chaos.neighbours import Neighbours
from tests.chaos.play import Play
from tests.chaos.scene import Scene
from tests.lab import Lab
from tests.watch import Watch

Step = Callable[[Play], None]


def steps() -> dict[Step, int]:
    """Every step with how often it is drawn."""
    every: dict[Step, int] = {**tasks.STEPS, **faults.STEPS, **windows.STEPS, **elsewhere.STEPS, **marks.STEPS}
    every |= {**files.STEPS, **holders.STEPS}
    if os.geteuid() == 0:
        every |= {**tasks.STEPS_OF_ROOT, **files.STEPS_OF_ROOT}
    return every


class Chaos:
    """One workspace under fault, from its first configuration to its end."""

    def __init__(self, lab: Lab, seed: int, watch: Watch) -> None:
        self.scene = Scene(lab, seed, watch)
        self.neighbours = Neighbours(self.scene)
        self.judge = Judge(self.scene)
        self.play = Play(self.scene, self.judge, self.neighbours)

    def run(self, rounds: int) -> None:
        """That many random steps, each judged; Broken if a promise does not hold."""
        every = steps()
        for number in range(rounds):
            step = self.scene.random.choices([*every], [*every.values()])[0]
            self.scene.log.append(f"{number}: {step.__name__}")
            step(self.play)
            self.neighbours.check()
            self.judge.holders()
            self.judge.status()
            self.neighbours.welcome()
        holders.give_port_back(self.play)
        tasks.down(self.play)

    def clean(self) -> list[str]:
        """Ends what is left, continuing what was suspended."""
        for name in self.scene.names:
            for pid in self.judge.everything(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        holders.give_port_back(self.play)
        self.neighbours.clean()
        return self.scene.lab.close()
