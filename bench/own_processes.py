"""What our own processes cost while services run: launchers and log pumps, as /proc and strace(1) tell of them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lab import PATIENCE, Lab, until

PROGRAMS = ("sentinel_tasks/supervisor/launch.py", "sentinel_tasks/supervisor/pump.py")
QUIET, SETTLED = 1.0, 55.0
"""Seconds without a wake-up after which nothing is being started any more, and after which a launcher has looked at
what is below it for the last time: it does so 2, 10 and 60 seconds after a start."""
RESUMED = "restart_syscall(<... resuming interrupted"
"""What strace(1) says of a call in which it found a process asleep."""


def found(lab: Lab) -> list[int]:
    """The pids of the lab's launchers and log pumps; the first launcher's words are in tmux's own command line, too."""
    commands = {each.pid: each.cmdline() for each in lab.processes()}
    return [
        pid
        for pid, words in commands.items()
        if any(word.endswith(PROGRAMS) for word in words) and Path(words[0]).name != "tmux"
    ]


def wait_for_quiet(pids: Sequence[int], seconds: float = QUIET) -> None:
    """Returns once none of them has woken up for so long."""

    def are_quiet() -> bool:
        before = wakeups(pids)
        time.sleep(seconds)
        return wakeups(pids) == before

    until(are_quiet, "quiet", 5 * PATIENCE)


def megabytes(pids: Sequence[int]) -> float:
    """Their memory together: what several of them share counts once (PSS)."""
    return sum(_number(r"(?m)^Pss:\s*(\d+)", f"/proc/{pid}/smaps_rollup") for pid in pids) / 1000


def wakeups(pids: Sequence[int]) -> int:
    """How often they were given a processor so far."""
    return sum(_number(r"ctxt_switches:\s*(\d+)", path) for path in _of_threads(pids, "status"))


def processor_seconds(pids: Sequence[int]) -> float:
    """The processor time that they have used so far; the kernel counts it in nanoseconds."""
    return sum(_number(r"\A(\d+)", path) for path in _of_threads(pids, "schedstat")) / 1e9


def over(pids: Sequence[int], spent: Callable[[Sequence[int]], float], length: float) -> float:
    """What they spend in so many seconds."""
    before = spent(pids)
    time.sleep(length)
    return spent(pids) - before


def system_calls(pids: Sequence[int], length: float, folder: Path) -> int | None:
    """How many system calls they make in so many seconds; None where strace(1) is missing.

    The calls in which strace found them asleep are not theirs: it interrupts and resumes each once.
    """
    if shutil.which("strace") is None:
        return None
    told = folder / "strace"
    command = ["strace", "-f", "-o", str(told), *(word for pid in pids for word in ("-p", str(pid)))]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: all(_is_traced(pid) for pid in pids), "strace")
        time.sleep(length)
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(PATIENCE)
    return sum(RESUMED not in line for line in told.read_text().splitlines() if "(" in line)


def _is_traced(pid: int) -> bool:
    return _number(r"TracerPid:\s*(\d+)", f"/proc/{pid}/status") != 0


def _of_threads(pids: Sequence[int], name: str) -> list[str]:
    return [f"/proc/{pid}/task/{thread}/{name}" for pid in pids for thread in os.listdir(f"/proc/{pid}/task")]


def _number(pattern: str, path: str) -> int:
    """All that the pattern finds in the file, added up."""
    return sum(map(int, re.findall(pattern, Path(path).read_text())))
