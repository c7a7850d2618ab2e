"""Gives a service what the caller's shell would have handed down, in place of what tmux's server had.

That server may be days old, and of a shell with other limits. What may not be raised again
is left as near as it can be.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from typing import Any

UNLIMITED = resource.RLIM_INFINITY


def take(handed_down: Mapping[str, Any]) -> None:
    """Makes them this process's own, each as far as the system allows it (system/inherited.py says which)."""
    for name, wanted in handed_down.get("limits", {}).items():
        with contextlib.suppress(OSError, ValueError, AttributeError):
            _limit(getattr(resource, name), wanted)
    if "umask" in handed_down:
        os.umask(handed_down["umask"])
    with contextlib.suppress(OSError):
        os.nice(handed_down.get("nice", os.nice(0)) - os.nice(0))
    if sys.platform == "linux":
        _take_of_linux(handed_down)


def limit_open_files(count: int) -> str:
    """Makes this the most files that the process may have open, soft and hard; what is wrong, empty if nothing is.

    A task refuses what its own shell may not have; a tmux server may be of a shell with less.
    """
    _limit(resource.RLIMIT_NOFILE, (count, count))
    found = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return "" if found == count else f"it may have {found} files open, not {count}: the tmux server's hard limit"


def _limit(kind: int, wanted: Sequence[int]) -> None:
    """Both limits as they were; a hard one that is lower here stays, and the soft one goes up to it."""
    soft, hard = wanted
    try:
        resource.setrlimit(kind, (soft, hard))
    except (OSError, ValueError):
        most = resource.getrlimit(kind)[1]
        fits = most == UNLIMITED or (soft != UNLIMITED and soft <= most)
        resource.setrlimit(kind, (soft if fits else most, most))


def _take_of_linux(handed_down: Mapping[str, Any]) -> None:
    with contextlib.suppress(OSError, KeyError):
        os.sched_setaffinity(0, handed_down["processors"])
    with contextlib.suppress(OSError, KeyError):
        policy, priority = handed_down["scheduling"]
        if policy != os.sched_getscheduler(0):
            os.sched_setscheduler(0, policy, os.sched_param(priority))
    with contextlib.suppress(OSError, KeyError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(handed_down["oom_score_adj"]))
