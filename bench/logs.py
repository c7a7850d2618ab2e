"""Questions to 1 GB of logs, beside grep(1) and tail(1) over the same files: `python -m bench.logs [RUNS [MEGABYTES]]`.

What is compared is processor time, ours with the start of Python and of the grep that it runs, taking turns with
theirs. All files are in memory by then. Python's start alone takes longer than tail: the last lines are told as a whole
and, judged, without what the same question takes for no line at all. The memory is that of a line of 120 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sentinel_tasks.names import state_name
from tests.lab import SENTINEL, Lab

from .log_files import FILES, coloured_line, json_line, text_line, write_log, write_long
from .rows import Row, at_most, ratio

SERVICES = ("web", "coloured", "json", "long")
LIMIT = 2.0
MOST_MEMORY = 64.0
"""Megabytes of the largest of the two processes: where grep meets such a line, that is grep, until it gives up."""
OFTENER = 5
"""Times as many runs where milliseconds are compared."""
USED = """
import os, sys
process = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(process, 0)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1000, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a program and tells what it used: the memory of whoever starts it counts as its own, and this is small."""
WORDS = "err|severe|fatal|ftl|crit|panic|alert|emerg|traceback"


@dataclass(frozen=True)
class Used:
    """Processor seconds and megabytes of a program, with all that it ran."""

    processor: float
    memory: float
    lines: int


@dataclass(frozen=True)
class Question:
    """One question, how a person would ask the files, and what of ours is the start alone."""

    what: str
    ours: Sequence[str]
    theirs: Sequence[str]
    without_start: bool = False
    is_judged: bool = True


class Bench:
    """A workspace with its logs, and the questions to them."""

    def __init__(self, folder: Path, runs: int, size: int) -> None:
        self.runs, self.lab = runs, Lab(folder)
        tasks = ", ".join(f"service({name!r})" for name in SERVICES)
        (self.lab.path / "tasks.py").write_text(
            f"from sentinel_tasks import service, workspace\nnamespace = workspace({tasks})\n"
        )
        self.lab.configure(**{name: {"command": "true", "log_max_mb": size / FILES / 1e6} for name in SERVICES})
        self.lab.real = True
        self.state = Path(self.lab.environ["XDG_STATE_HOME"], "sentinel", state_name(str(self.lab.path)))
        self.state.mkdir(mode=0o700, parents=True)
        self.lab.inv("ps")  # remembers the services
        self.end = write_log(self.state / "web.log", text_line, False, size)
        write_log(self.state / "coloured.log", coloured_line, False, size)
        write_log(self.state / "json.log", json_line, True, size)
        write_long(self.state / "long.log")

    def used(self, words: Sequence[str]) -> Used:
        """What the program uses; its output goes to a file, as grep looks no further for nobody."""
        with tempfile.TemporaryFile(dir=self.lab.folder) as out:
            done = subprocess.run(
                [sys.executable, "-IS", "-c", USED, *words], cwd=self.lab.path, env=self.lab.environ,
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, encoding="utf-8", check=False,
            )  # fmt: skip
            assert done.returncode in (0, 1), done.stderr
            processor, memory = map(float, done.stderr.splitlines()[-1].split())
            out.seek(0)
            return Used(processor, memory, sum(block.count(b"\n") for block in iter(lambda: out.read(1 << 20), b"")))

    def files(self, name: str) -> list[str]:
        """The log's files, newest first, as a person would name them."""
        return [str(self.state / f"{name}.log{end}") for end in ("", *(f".{age}" for age in range(1, FILES)))]

    def rows(self) -> Iterator[Row]:
        """Every question in turn, as it is measured."""
        for question in self.questions():
            yield self.row(question)
        for words in (["--lines", "200"], ["--grep", "INFO"], ["--stats"]):
            for as_json in ([], ["--json"]):
                found = self.used([SENTINEL, "logs", "long", *words, *as_json]).memory
                yield at_most(f"a line of 120 MB, {' '.join([*words, *as_json])}", found, MOST_MEMORY, "MB")

    def row(self, question: Question) -> Row:
        """The median of pairs; one pair before them warms up."""
        start = [SENTINEL, "logs", question.ours[0], "--lines", "0"]
        pairs = []
        for _ in range(1 + self.runs * (OFTENER if question.without_start else 1)):
            ours, theirs = self.used([SENTINEL, "logs", *question.ours]), self.used(question.theirs)
            less = self.used(start).processor if question.without_start else 0.0
            pairs.append((ours.processor - less, theirs.processor))
        found = ratio(question.what, [a for a, _ in pairs[1:]], [b for _, b in pairs[1:]], LIMIT)
        measured = f"{found.measured}, {ours.lines} lines"
        return replace(found, measured=measured) if question.is_judged else Row(question.what, "", measured)

    def questions(self) -> Iterator[Question]:
        yield from self._last()
        yield from self._texts()
        for name, grep in (("web", WORDS), ("json", f'{WORDS}|"level":[56]0')):
            theirs = self.grep(name, "-iE", grep)
            yield Question(f"--level error, {name}", [name, "--level", "error", "--lines", "10000"], theirs)
        field = ["json", "--field", "user=u-rare-7"]
        yield Question("--field, json", field, self.grep("json", "-F", '"user":"u-rare-7"'))

    def _last(self) -> Iterator[Question]:
        since = datetime.fromtimestamp(self.end - 30).isoformat(timespec="milliseconds")
        minutes = "|".join(sorted({since[:16], datetime.fromtimestamp(self.end).isoformat()[:16]}))
        after = ["web", "--since", since]
        lines = str(self.used([SENTINEL, "logs", *after]).lines)
        newest = self.files("web")[0]
        last = ["tail", "-n", "50", newest]
        yield Question("last 50 lines / tail, with Python's start", ["web"], last, is_judged=False)
        yield Question("last 50 lines / tail, without the start", ["web"], last, without_start=True)
        yield Question("--since 30 s / grep for the time", after, self.grep("web", "-E", f"^({minutes})"))
        yield Question("--since 30 s / tail of as many lines", after, ["tail", "-n", lines, newest], is_judged=False)

    def _texts(self) -> Iterator[Question]:
        three = ["connection reset", "timed out", "no space left"]
        for what, name, ours, theirs in (
            ("one text", "web", "connection reset by", ["-F"]),
            ("one text, in colours", "coloured", "connection reset by", ["-F"]),
            ("(?i) one text", "web", "(?i)connection reset by", ["-iF", "connection reset by"]),
            ("three texts", "web", "|".join(three), ["-E"]),
            ("three texts, none there", "web", "deadlock found|segment violation|killed by", ["-E"]),
            ("after \\d+ tries$", "web", r"after \d+ tries$", ["-E", "after [0-9]+ tries$"]),
            ("\\bx[45]\\d\\d\\b", "web", r"\bx[45]\d\d\b", ["-E", r"\bx[45][0-9][0-9]\b"]),
        ):
            words = theirs if len(theirs) == 2 else [*theirs, ours]
            yield Question(what, [name, "--grep", ours], self.grep(name, *words))

    def grep(self, name: str, *words: str) -> list[str]:
        return ["grep", "-h", words[0], "-e", words[1], *self.files(name)[::-1]]


def main() -> int:
    given = [int(word) for word in sys.argv[1:]]
    runs, megabytes = (*given, *(5, 1000)[len(given) :])
    print(f"load before: {os.getloadavg()}")
    missed = 0
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), runs, megabytes * 1_000_000)
        try:
            for row in bench.rows():
                missed += not row.holds
                print(row, flush=True)
        finally:
            left = bench.lab.close()
    print(f"medians of {runs} runs; left running: {left or 'nothing'}; load after: {os.getloadavg()}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
