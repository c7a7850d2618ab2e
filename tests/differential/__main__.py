"""`python -m tests.differential [STATES] [SEED]`: compares both programs over so many generated states of services.

Each round makes workspaces with services of random kinds, brings them into states, and asks both programs the same
questions. Where a state moves on by itself, an answer may equal the one before or the one after it.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.lab import LONG, PATIENCE, Lab, Result

PROGRAM = str(Path(sys.executable).with_name("sentinel"))
VARYING = ("uptime_s", "latency_ms", "rss_bytes")
KINDS = (
    "server", "server", "worker", "job", "failing", "crashing", "sick", "slow", "taken", "background", "restarting",
    "secret", "automatic", "instances", "elsewhere", "silent",
)  # fmt: skip


class Round:
    """Workspaces in random states."""

    def __init__(self, lab: Lab, chance: random.Random, number: int) -> None:
        self.lab, self.chance = lab, chance
        self.paths = [lab.workspace(f"w{number}-{each}", self._tasks()) for each in range(chance.choice((1, 1, 2)))]
        self.services: dict[Path, dict[str, dict[str, Any]]] = {}
        self.foreign: list[subprocess.Popen[bytes]] = []

    def _tasks(self) -> str:
        return "from sentinel_tasks import workspace\n\nnamespace = workspace()\n"

    def make(self) -> None:
        for path in self.paths:
            kinds = self.chance.sample(KINDS, self.chance.randint(2, 5))
            services = {f"{kind}{number}": self._service(kind) for number, kind in enumerate(kinds)}
            self.services[path] = services
            self.lab.configure(path, **services)
            self.lab.inv("up", "--no-wait" if self.chance.random() < 0.3 else "--timeout=3", cwd=path)

    def _service(self, kind: str) -> dict[str, Any]:
        lab, port = self.lab, self.lab.port()
        server = {"command": lab.server(), "port": port, "health": "/"}
        if kind == "taken":
            self.foreign.append(lab.listen(port))
            return {**server, "on_conflict": "fail"}
        kinds: dict[str, dict[str, Any]] = {
            "server": server,
            "worker": {"command": f"exec sleep {LONG}"},
            "job": {"command": "echo done", "health": "exit"},
            "failing": {"command": "echo broken >&2; exit 3", "health": "exit"},
            "crashing": {"command": "sleep 0.4; exit 7"},
            "sick": {**server, "command": lab.server("--status", "500")},
            "slow": {**server, "command": lab.server("--delay", "30")},
            "background": {"command": lab.server("--background"), "port": port, "health": "/"},
            "restarting": {"command": "sleep 0.2; exit 1", "restart": "on-failure"},
            "secret": {**server, "env": {"API_TOKEN": "abc123", "MODE": "fast"}, "health": "/x?t=${API_TOKEN}"},
            "automatic": {**server, "port": "auto"},
            "instances": {**server, "port": "auto", "instances": 2},
            "elsewhere": {**server, "command": lab.server("--port", str(lab.port()))},
            "silent": {**server, "command": lab.server("--hang"), "health": {"path": "/", "timeout": 0.5}},
        }
        return kinds[kind]

    def disturb(self) -> None:
        """Something happens to some of them."""
        for path in self.paths:
            services = self.services[path]
            for name in self.chance.sample([*services], self.chance.randint(0, min(2, len(services)))):
                self._do(self.chance.choice(("stop", "kill", "change", "forget", "window", "nothing")), path, name)

    def _do(self, what: str, path: Path, name: str) -> None:
        services = self.services[path]
        if what == "stop":
            self.lab.inv(f"{name}.stop", cwd=path)
        elif what == "kill":
            for process in self.lab.services():
                with suppress(psutil.Error, KeyError):
                    marks = process.environ()
                    if (marks["SENTINEL_SERVICE"], marks["SENTINEL_WORKSPACE"]) == (name, str(path)):
                        process.send_signal(signal.SIGKILL)
        elif what == "change":
            services[name] = {**services[name], "stop_timeout": self.chance.randint(11, 99)}
            self.lab.configure(path, **services)
        elif what == "forget" and len(services) > 1:
            del services[name]
            self.lab.configure(path, **services)
        elif what == "window":
            self.lab.tmux("kill-window", "-t", f"={self._session(path)}:{name}")

    def _session(self, path: Path) -> str:
        return f"sentinel-{path.name}"

    def questions(self, path: Path) -> Iterator[tuple[list[str], list[str]]]:
        """What both are asked, in the words of each."""
        yield ["ps"], ["ps"]
        yield ["ps", "--all"], ["ps", "--all"]
        yield ["logs", "-n", "5"], ["logs", "-n", "5"]
        for name in self.services[path]:
            yield ["status", name], [f"{name}.status"]
            yield ["url", name], [f"{name}.url"]
            yield ["logs", name, "-n", "3"], [f"{name}.logs", "-n", "3"]
            yield ["wait", name, "--timeout", "0"], [f"{name}.wait", "--timeout", "0"]
            yield ["env-names", name], [f"{name}.env", "--names"]

    def close(self) -> None:
        for path in self.paths:
            self.lab.inv("down", cwd=path, timeout=2 * PATIENCE)
        for each in self.foreign:
            each.kill()


def steady(document: Any) -> Any:
    """The document without what no two looks have in common."""
    if isinstance(document, dict):
        return {key: steady(value) for key, value in document.items() if key not in VARYING}
    return [steady(each) for each in document] if isinstance(document, list) else document


def states_in(document: Any) -> Iterator[str]:
    if isinstance(document, Mapping):
        if "state" in document:
            yield f"{document['state']}{' changed' if document.get('config') == 'changed' else ''}"
        for value in document.values():
            yield from states_in(value)
    elif isinstance(document, list):
        for each in document:
            yield from states_in(each)


class Comparison:
    """Both programs, asked in turn; counts what they were asked about."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.states, self.asked, self.quick = lab, Counter[str](), 0, 0

    def compare(self, path: Path, ours: list[str], theirs: list[str]) -> str:
        """Empty, or how they differ."""
        first = self._told(self.lab.inv(*theirs, "--json", cwd=path))
        for _ in range(4):
            second = self._told(self._sentinel(path, *ours, "--json"))
            if second == first or second == (third := self._told(self.lab.inv(*theirs, "--json", cwd=path))):
                self.asked += 1
                if ours[0] == "ps" and "--all" not in ours:
                    self.states.update(states_in(second[1]))
                return ""
            first = third
            time.sleep(0.3)  # a state was moving on
        return f"{path.name}: {' '.join(ours)}\n  inv      {first}\n  sentinel {second}"

    @staticmethod
    def _told(answer: Result) -> tuple[int, Any]:
        return answer.code, steady(answer.json)

    def _sentinel(self, path: Path, *words: str) -> Result:
        began = time.monotonic()
        done = subprocess.run(
            [PROGRAM, *words], cwd=path, env=self.lab.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def main() -> int:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    chance, began, number, differences = random.Random(seed), time.monotonic(), 0, list[str]()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        comparison = Comparison(lab)
        try:
            while comparison.states.total() < wanted:
                number += 1
                differences += _round(Round(lab, chance, number), comparison)
                print(f"{comparison.states.total()} states, {len(differences)} differences", file=sys.stderr)
        finally:
            left = lab.close()
    print(f"seed {seed}: {number} rounds, {comparison.asked} questions, {time.monotonic() - began:.0f} s")
    print(f"{comparison.states.total()} states: {dict(comparison.states)}")
    print(f"{len(differences)} differences", *differences, sep="\n")
    print(f"left running: {left or 'nothing'}")
    return 1 if differences else 0


def _round(made: Round, comparison: Comparison) -> list[str]:
    found = []
    try:
        made.make()
        for _ in range(2):
            made.disturb()
            for path in made.paths:
                found += [comparison.compare(path, *question) for question in made.questions(path)]
    finally:
        made.close()
    return [each for each in found if each]


if __name__ == "__main__":
    sys.exit(main())
