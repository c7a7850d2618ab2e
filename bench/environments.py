"""The status of a healthy service in each kind of environment, beside one that pip compiled: `make bench-environments`.

`python -m bench.environments [RUNS]`. pip and uv install from where they are told to look in the caller's environment.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import PATIENCE, Lab

from .rows import EMPTY, Row, ratio

ROOT = Path(__file__).parent.parent
SOURCE = ("sentinel_tasks", "pyproject.toml", "README.md", "LICENSE")
TASKS = "from sentinel_tasks import namespace\n"
LIMIT = 1.05
BEFORE = 2
"""Calls in a new environment that do not count."""


@dataclass
class Environment:
    """One way to install; what was measured in it, turn by turn."""

    name: str
    folder: Path
    words: Sequence[str]
    by: str = "pip"
    empty: list[float] = field(default_factory=list)
    status: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def make(self) -> None:
        """Installs the project as its user would."""
        if self.by == "pip":
            call(sys.executable, "-m", "venv", str(self.folder))
            call(str(self.folder / "bin" / "pip"), "--quiet", "install", *self.words)
        else:
            call(self.by, "venv", "--quiet", "--python", sys.executable, str(self.folder))
            call(self.by, "pip", "install", "--quiet", "--python", str(self.folder / "bin" / "python"), *self.words)

    def seconds(self, lab: Lab, path: Path, task: str) -> tuple[float, float]:
        """What its own `inv` takes for a task, which must go well: by the clock, and of a processor."""
        bin_folder = self.folder / "bin"
        taken = {name: value for name, value in lab.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        environ = {**taken, "PATH": f"{bin_folder}{os.pathsep}{taken['PATH']}"}
        began, used = time.monotonic(), children_used()
        call(str(bin_folder / "inv"), task, cwd=path, environ=environ)
        return time.monotonic() - began, children_used() - used


def children_used() -> float:
    """Processor seconds of all that was started here and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def call(*words: str, cwd: Path = ROOT, environ: dict[str, str] | None = None) -> None:
    """Runs a program to its end; what it says is only shown if it fails."""
    done = subprocess.run(
        words, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", timeout=10 * PATIENCE, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}")


def uv_here() -> str | None:
    """Where uv is: beside this interpreter, or on the PATH."""
    return shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def made(folder: Path) -> Iterator[Environment]:
    """The compiled one first; uv's only where uv is."""
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"))
    (wheel,) = map(str, (folder / "dist").glob("*.whl"))
    source = folder / "source"
    source.mkdir()
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source)
    yield Environment("pip", folder / "pip", [wheel])
    yield Environment("pip --no-compile", folder / "no-compile", ["--no-compile", wheel])
    yield Environment("pip --editable", folder / "editable", ["--editable", str(source)])
    if uv := uv_here():
        yield Environment("uv", folder / "uv", [wheel], by=uv)


def measure(lab: Lab, environments: Sequence[Environment], runs: int) -> None:
    """Each environment has a service and a workspace of its own; they take turns, in both directions."""
    plain = lab.workspace("plain", EMPTY)
    paths = {each.name: lab.workspace(each.folder.name, TASKS) for each in environments}
    for each in environments:
        lab.configure(paths[each.name], telemetry={"command": lab.server(), "port": lab.port()})
        each.seconds(lab, paths[each.name], "telemetry.activate")
    for turn in range(BEFORE + runs):
        for each in environments if turn % 2 else environments[::-1]:
            empty, _ = each.seconds(lab, plain, "empty")
            status, processor = each.seconds(lab, paths[each.name], "telemetry.status")
            if turn >= BEFORE:
                each.empty.append(empty)
                each.status.append(status)
                each.processor.append(processor)
    for each in environments:
        each.seconds(lab, paths[each.name], "telemetry.stop")


def rows(environments: Sequence[Environment]) -> Iterator[Row]:
    """The compiled one is only told: the others are measured by it."""
    compiled = environments[0]
    for each in environments:
        yield Row(f"{each.name}: status / empty task", "", ratio("", each.status, each.empty, 0).measured)
        if each is not compiled:
            yield ratio(f"{each.name}: status / pip's", each.status, compiled.status, LIMIT)
            processor = ratio("", each.processor, compiled.processor, 0).measured
            yield Row(f"{each.name}: the same, processor", "", processor)


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"load before: {os.getloadavg()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "lab").mkdir()
        environments = [*made(folder)]
        for each in environments:
            each.make()
        lab = Lab(folder / "lab")
        try:
            measure(lab, environments, runs)
        finally:
            left = lab.close()
    told = [*rows(environments)]
    print(*told, sep="\n")
    if not uv_here():
        print("uv is not installed")
    print(f"medians of {runs} runs; left running: {left or 'nothing'}; load after: {os.getloadavg()}")
    return 0 if all(row.holds for row in told) else 1


if __name__ == "__main__":
    sys.exit(main())
