"""Gives a service what the caller's shell would have handed down, in place of what tmux's server had.

That server may be days old, and of a shell with other limits. What may not be raised again
is left as near as it can be.
"""

from __future__ import annotations

import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

UNLIMITED = resource.RLIM_INFINITY


def take(handed_down: Mapping[str, Any]) -> None:
    """Makes them this process's own, each as far as the system allows it (system/inherited.py says which)."""
    for name, wanted in handed_down.get("limits", {}).items():
        try:
            _limit(getattr(resource, name), wanted)
        except (OSError, ValueError, AttributeError):
            pass
    if "umask" in handed_down:
        os.umask(handed_down["umask"])
    try:
        os.nice(handed_down.get("nice", os.nice(0)) - os.nice(0))
    except OSError:
        pass
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
    for part in (_take_processors, _take_scheduling, _take_oom_score):
        try:
            part(handed_down)
        except (OSError, KeyError):
            pass


def _take_processors(handed_down: Mapping[str, Any]) -> None:
    os.sched_setaffinity(0, handed_down["processors"])


def _take_scheduling(handed_down: Mapping[str, Any]) -> None:
    policy, priority = handed_down["scheduling"]
    if policy != os.sched_getscheduler(0):
        os.sched_setscheduler(0, policy, os.sched_param(priority))


def _take_oom_score(handed_down: Mapping[str, Any]) -> None:
    score = str(handed_down["oom_score_adj"])
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(score)
