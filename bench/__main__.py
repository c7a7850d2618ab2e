"""The contract's limits, measured: whole commands as a user types them, beside an empty Invoke task in the same run.

`python -m bench [RUNS]` prints one table. Times are medians of wall-clock seconds; what is judged is a ratio or a
difference to the empty task, because machines differ and are shared.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from statistics import median

from tests.lab import Lab, Result

from . import beside, scale
from .rows import EMPTY, Row, beyond, ratio

Pairs = tuple[list[float], list[float]]
"""Our seconds and the empty task's, run by run."""

READY_AFTER = 1.0
CRASH_AFTER = 0.3


class Bench:
    """One lab, one empty project beside it, and the pairs."""

    def __init__(self, folder: Path, runs: int) -> None:
        self.lab, self.runs = Lab(folder), runs
        self.lab.real = True
        self.plain = self.lab.workspace("plain", EMPTY)

    def empty(self) -> float:
        return self.lab.inv("empty", cwd=self.plain).seconds

    def pairs(self, command: Callable[[], Result], before: Callable[[], object] = lambda: None) -> Pairs:
        """Seconds of the command and of an empty task, in turn; the first pair warms up and does not count."""
        ours, theirs = [], []
        for _ in range(self.runs + 1):
            before()
            theirs.append(self.empty())
            ours.append(command().seconds)
        return ours[1:], theirs[1:]

    def rows(self) -> Iterator[Row]:
        """Every limit in turn, as it is measured."""
        for measure in (self.looking, self.acting, self.crash, self.logs, self.many):
            yield from measure()

    def looking(self) -> list[Row]:
        lab, port = self.lab, self.lab.port()
        lab.configure(dev={"port": lab.port()}, telemetry={"command": lab.server(), "port": port})
        listed, listed_plain = [], []
        for _ in range(self.runs):
            listed.append(lab.inv("--list").seconds)
            listed_plain.append(lab.inv("--list", cwd=self.plain).seconds)
        down = self.pairs(lambda: lab.inv("telemetry.status"))
        lab.inv("telemetry.activate")
        healthy = self.pairs(lambda: lab.inv("telemetry.status"))
        lab.inv("telemetry.stop")
        return [
            ratio("inv --list", listed, listed_plain, 1.05),
            ratio("status, nothing listens", *down, 1.2),
            ratio("status, healthy (HTTP)", *healthy, 1.4),
        ]

    def acting(self) -> list[Row]:
        lab = self.lab
        lab.configure(telemetry={"command": lab.server("--delay", str(READY_AFTER)), "port": lab.port()})
        started = self.pairs(lambda: lab.inv("telemetry.activate"), lambda: lab.inv("telemetry.stop"))
        own = self.own_start()
        lab.configure(telemetry={"command": "exec sleep 1000", "port": None, "health": None})
        stopped = self.pairs(lambda: lab.inv("telemetry.stop"), lambda: lab.inv("telemetry.activate"))
        return [
            beyond("activate, ready after 1 s", *started, READY_AFTER + own, 0.15),
            beyond("stop, ends at once on SIGINT", *stopped, 0.0, 0.15),
        ]

    def own_start(self) -> float:
        """Seconds that the test server needs before it begins to wait: its interpreter's start is its own time."""
        spent = []
        for _ in range(self.runs):
            process = self.lab.spawn(*self.lab.server("--port", "0", "--say", "up"))
            began = time.monotonic()
            assert process.stdout is not None
            process.stdout.readline()
            spent.append(time.monotonic() - began)
            process.kill()
        return median(spent)

    def crash(self) -> list[Row]:
        lab = self.lab
        lab.configure(telemetry={"command": f"sleep {CRASH_AFTER}; exit 3", "port": lab.port()})
        late = []
        for _ in range(self.runs):
            ended_by = self._ended_by(lambda: lab.inv("telemetry.activate"))
            (record,) = lab.state("telemetry.run.json")
            late.append(ended_by - json.loads(record.read_text())["ended"])
        return [Row("crash to report", "<= 0.5 s", f"{median(late):.3f} s", median(late) <= 0.5)]

    def _ended_by(self, command: Callable[[], Result]) -> float:
        command()
        return time.time()

    def many(self) -> list[Row]:
        lab = self.lab
        twenty: dict[str, dict[str, object]] = {
            f"s{number}": {"command": "sleep 1; echo ready; exec sleep 1000", "health": {"log": "ready"}}
            for number in range(20)
        }
        up = lab.workspace("twenty", scale.TASKS)
        lab.configure(up, **twenty)
        taken = lab.inv("up", cwd=up).seconds
        lab.inv("down", cwd=up)
        ours, theirs, tmux_processes = self._ps_of(100, 2)
        return [
            Row("up of 20, each ready after 1 s", "<= 3 s", f"{taken:.2f} s", taken <= 3.0),
            ratio("ps of 100 services / of 2", ours, theirs, 2.0),
            Row("tmux processes of one ps of 100", "1", str(tmux_processes), tmux_processes == 1),
        ]

    def _ps_of(self, many: int, few: int) -> tuple[list[float], list[float], int]:
        """Seconds of each, in turn, and how many tmux processes the larger one starts."""
        paths = [scale.workspace(self.lab, number) for number in (many, few)]
        for path in paths:
            scale.timed(self.lab, path, "up")
        spent = [[self.lab.inv("ps", cwd=path).seconds for path in paths] for _ in range(self.runs + 1)][1:]
        echoed = self.lab.inv("--echo", "ps", cwd=paths[0]).err.splitlines()
        for path in paths:
            scale.timed(self.lab, path, "down")
        return (
            [each[0] for each in spent],
            [each[1] for each in spent],
            sum(line.startswith("tmux ") for line in echoed),
        )

    def logs(self) -> list[Row]:
        """100 MB through a window: every line is in the log's files, once and in order."""
        lab, lines = self.lab, 100_000
        command = f"seq -f '%0999.0f' 1 {lines}"
        lab.configure(telemetry={"command": command, "port": None, "health": "exit", "startup_timeout": 300})
        taken = lab.inv("telemetry.activate", timeout=300).seconds
        files = [path for path in lab.state("telemetry.log*")[::-1] if path.suffix != ".times"]
        printed = (line.rstrip()[-999:] for path in files for line in path.open("rb"))
        numbers = (int(line) for line in printed if line.isdigit())
        lost = sum(found != wanted for found, wanted in zip_longest(numbers, range(1, lines + 1)))
        return [Row("100 MB of output through a window", "0 lines lost", f"{lost} lost, {taken:.1f} s", lost == 0)]


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), runs)
        try:
            for row in bench.rows():
                rows.append(row)
                print(row, flush=True)
            print("\nbeside other programs that are installed (seconds; make bench-peers installs some):")
            for line in beside.table(bench.lab, runs, bench.empty):
                print(line, flush=True)
            print(f"from a save to the new answer: {beside.saves(bench.lab, runs)}")
        finally:
            left = bench.lab.close()
    print(f"medians of {runs} runs; left running: {left or 'nothing'}")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
