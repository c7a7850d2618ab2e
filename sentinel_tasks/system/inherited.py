"""What a process hands down to its children beside the environment: limits, umask, priorities, processors."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

LIMITS = tuple(name for name in dir(resource) if name.startswith("RLIMIT_"))


def inherited() -> dict[str, object]:
    """All that a child of this process would inherit, for supervisor/inherit.py to give it to a service."""
    handed_down: dict[str, object] = {"limits": _limits(), "umask": _umask(), "nice": os.nice(0)}
    if sys.platform == "linux":
        handed_down["processors"] = sorted(os.sched_getaffinity(0))
        handed_down["scheduling"] = [os.sched_getscheduler(0), os.sched_getparam(0).sched_priority]
        with suppress(OSError, ValueError):
            handed_down["oom_score_adj"] = int(Path("/proc/self/oom_score_adj").read_text())
    return handed_down


def most_open_files(wanted: int) -> int | None:
    """The hard limit, if a child could not be given so many files: only root may go beyond it, and not everywhere."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or wanted <= hard:
        return None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, wanted))
    except (OSError, ValueError):
        return hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return None


def _limits() -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for name in LIMITS:
        with suppress(OSError, ValueError):
            found[name] = resource.getrlimit(getattr(resource, name))
    return found


def _umask() -> int:
    """Linux tells it; elsewhere it can only be read by setting it, in which moment another thread may make a file."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Umask:")).split()[1], 8)
    before = os.umask(0o077)
    os.umask(before)
    return before
