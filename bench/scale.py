"""Many services, and many workspaces on one tmux server: `python -m bench.scale [RUNS [SERVICES [SECONDS]]]`.

SERVICES (100) is the smaller of two sizes, the larger one is five times that; SECONDS (60) is how long the idle ones
are looked at. Limits are for 100 and 500 on a machine with two cores; what else runs there shows in the load.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.lab import Lab, Result

from . import own_processes
from .rows import Row, at_most, ratio

TASKS = "from sentinel_tasks import workspace\n\nnamespace = workspace()\n"
FEW = 2
TIMES = 5
LONG = 600.0
UP, DOWN = 3.0, 2.0
"""Seconds for 100 services."""
LINEAR = 1.1
"""The larger size beside as many services in workspaces of the smaller one, one after the other: the machine has as
many processes at the end of both. Whichever comes first has to find the memory, which is a tenth of its time."""


def workspace(lab: Lab, number: int, name: str = "") -> Path:
    """A workspace of so many services that do nothing."""
    path = lab.workspace(name or f"of{number}", TASKS)
    lab.configure(path, **{f"s{each}": {"command": "exec sleep 1000000"} for each in range(number)})
    return path


def timed(lab: Lab, path: Path, *words: str) -> float:
    """Seconds of a task, which must have gone well."""
    done: Result = lab.inv(*words, cwd=path, timeout=LONG)
    assert done.code == 0, done.said
    return done.seconds


class Scale:
    """Sizes of one workspace in turn, beside one of two services."""

    def __init__(self, folder: Path, runs: int, many: int, idle: float) -> None:
        self.lab, self.runs, self.many, self.idle = _lab(folder / "scale"), runs, many, idle
        self.folder = folder
        self.few = workspace(self.lab, FEW)
        self.spent: dict[str, dict[int, float]] = {"up --no-wait": {}, "down": {}}

    def rows(self) -> Iterator[Row]:
        """Every limit in turn, as it is measured."""
        timed(self.lab, self.few, "up")
        alone = [timed(self.lab, self.few, "ps") for _ in range(self.runs + 1)][1:]
        yield Row(f"ps of {FEW}, nothing else runs", "", f"{median(alone):.3f} s")
        yield from self._of(self.many, 1.3)
        yield from self._of(self.many * TIMES, 2.0)
        apart = self._apart()
        for verb, limit in (("up --no-wait", UP), ("down", DOWN)):
            few, most = self.spent[verb].values()
            yield at_most(f"{verb} of {self.many} services", few, limit * self.many / 100, "s")
            larger = f"{verb} of {self.many * TIMES}"
            yield Row(f"{larger}, to that of {self.many}", "", f"{most / few:.3g} x ({most:.2f} s)")
            yield ratio(f"{larger} / of {TIMES} times {self.many}", [most], [apart[verb]], LINEAR)
        timed(self.lab, self.few, "down")

    def _apart(self) -> dict[str, float]:
        """Seconds for the larger number of services in workspaces of the smaller one, one after the other."""
        paths = [workspace(self.lab, self.many, f"apart{number}") for number in range(TIMES)]
        spent = {"up --no-wait": sum(timed(self.lab, path, "up", "--no-wait") for path in paths)}
        own_processes.wait_for_quiet(own_processes.found(self.lab))
        spent["down"] = sum(timed(self.lab, path, "down") for path in paths)
        return spent

    def _of(self, number: int, limit: float) -> Iterator[Row]:
        path = workspace(self.lab, number)
        ups, downs = [], []
        for _ in range(self.runs if number == self.many else 1):  # the larger one takes its time
            ups.append(timed(self.lab, path, "up", "--no-wait"))
            own_processes.wait_for_quiet(own_processes.found(self.lab))
            downs.append(timed(self.lab, path, "down"))
        ups.append(timed(self.lab, path, "up", "--no-wait"))
        own_processes.wait_for_quiet(own_processes.found(self.lab))
        pairs = [(timed(self.lab, path, "ps"), timed(self.lab, self.few, "ps")) for _ in range(self.runs + 1)][1:]
        yield ratio(f"ps of {number} services / of {FEW}", [a for a, _ in pairs], [b for _, b in pairs], limit)
        yield from self._resting(number)
        downs.append(timed(self.lab, path, "down"))
        self.spent["up --no-wait"][number], self.spent["down"][number] = median(ups), median(downs)

    def _resting(self, number: int) -> Iterator[Row]:
        own, total = own_processes.found(self.lab), number + FEW
        size = own_processes.megabytes(own) / total
        yield at_most(f"PSS of ours for each of {number}", size, 7, "MB")
        if number != self.many:
            return
        own_processes.wait_for_quiet(own, own_processes.SETTLED)
        busy = own_processes.over(own, own_processes.processor_seconds, self.idle) / self.idle * 100
        yield at_most(f"CPU of ours, {total} idle for {self.idle:g} s", busy, 0.1, "% of a core")
        woken = own_processes.over(own, own_processes.wakeups, self.idle)
        yield at_most("wake-ups of ours in the same time", woken, 0, "")
        what = "system calls of ours in the same time"
        if (calls := own_processes.system_calls(own, self.idle, self.folder)) is None:
            yield Row(what, "", "strace is not installed")
        else:
            yield at_most(what, calls, 0, "", f" (strace -f, {len(own)} processes)")

    def close(self) -> list[str]:
        return self.lab.close()


def neighbours(folder: Path, runs: int, many: int) -> Iterator[Row]:
    """The status of one workspace beside many on its tmux server, and alone on another one, in turns."""
    labs = [_lab(folder / name) for name in ("alone", "beside")]
    try:
        for lab in labs:
            timed(lab, workspace(lab, 1, "own"), "up")
        for number in range(many):
            timed(labs[1], workspace(labs[1], 1, f"other{number}"), "up", "--no-wait")
        spent = [[timed(lab, lab.folder / "own", "s0.status") for lab in labs] for _ in range(runs + 1)][1:]
        yield ratio(f"status beside {many} workspaces / alone", [b for _, b in spent], [a for a, _ in spent], 1.05)
        for lab in labs:
            for path in sorted(lab.folder.glob("o*")):
                timed(lab, path, "down")
    finally:
        for lab in labs:
            lab.close()


def _lab(folder: Path) -> Lab:
    folder.mkdir()
    lab = Lab(folder)
    lab.real, lab.hints = True, None
    return lab


def main() -> int:
    given = [int(word) for word in sys.argv[1:]]
    runs, many, idle = (*given, *(5, 100, 60)[len(given) :])
    print(f"load before: {os.getloadavg()}")
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        scale = Scale(Path(name), runs, many, idle)
        try:
            for row in scale.rows():
                missed += not row.holds
                print(row, flush=True)
        finally:
            left = scale.close()
        for row in neighbours(Path(name), runs, many):
            missed += not row.holds
            print(row, flush=True)
    print(f"medians of {runs} runs; left running: {left or 'nothing'}; load after: {os.getloadavg()}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
