"""What `up --while` and `up --ttl` ask for: a lease, which ends what is started (contract: Tasks, Leases)."""

from __future__ import annotations

import time

from ..errors import ConfigurationError, Problem
from ..lineage import proc
from ..model import Lease
from ..text.moments import LENGTH, seconds_of


def leases_of(while_: str | None, ttl: str | None) -> tuple[Lease, ...]:
    """The lease that these flags ask for, none without them; ConfigurationError if one is wrong."""
    if while_ is None and ttl is None:
        return ()
    problems: list[Problem] = []
    pid, ticks = (None, None) if while_ is None else _process(while_, problems)
    until = None if ttl is None else _end(ttl, problems)
    if problems:
        raise ConfigurationError(problems)
    return (Lease(pid, ticks, until),)


def _process(text: str, problems: list[Problem]) -> tuple[int | None, int | None]:
    if not (text.isdecimal() and text.isascii() and int(text) > 1):
        problems.append(Problem("--while", text, "must be the pid of a process, such as $PPID"))
        return None, None
    process = proc.one(int(text))
    if process is None or not process.is_alive:
        problems.append(Problem("--while", text, "there is no such process"))
        return None, None
    return process.pid, process.ticks


def _end(text: str, problems: list[Problem]) -> float | None:
    seconds = seconds_of(text)
    if not seconds:
        problems.append(Problem("--ttl", text, LENGTH))
        return None
    return time.time() + seconds
