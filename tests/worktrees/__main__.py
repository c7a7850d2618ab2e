"""`python -m tests.worktrees gc|leases|starts ROUNDS [SEED]`: prints a line a round, and which one failed."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.lab import Lab

from .leases import Owners
from .play import Failed, Play
from .starts import Starts

AT_ONCE = 40


class Rounds(Protocol):
    """What is played."""

    def round(self) -> str: ...
    def close(self) -> None: ...


@contextmanager
def playing(what: str, lab: Lab, seed: int) -> Iterator[Rounds]:
    chance = random.Random(seed)
    made: Rounds
    if what == "gc":
        made = Play(lab, chance)
    elif what == "leases":
        made = Owners(lab, chance)
    else:
        made = Starts(lab, AT_ONCE)
    try:
        yield made
    finally:
        made.close()


def main(what: str, rounds: int, seed: int) -> int:
    """The exit code; the seed makes a run the same again, as far as the machine does."""
    print(f"{what}: {rounds} rounds, seed {seed}", flush=True)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="worktrees") as folder,
        playing(what, Lab(Path(folder).resolve()), seed) as play,
    ):
        for number in range(1, rounds + 1):
            try:
                said = play.round()
            except (Failed, AssertionError) as reason:
                print(f"round {number}: FAILED: {reason}", flush=True)
                return 1
            print(f"round {number}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
        told = [f"{name} {value}" for name in ("told", "count", "slowest", "reused") if (value := vars(play).get(name))]
        print(f"every promise held; {', '.join(told)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())))
