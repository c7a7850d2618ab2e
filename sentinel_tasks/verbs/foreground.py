"""One command in this terminal, with the limits of a service."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from ..lineage import gate, memory, proc, table
from ..lineage.process import Process
from ..lineage.reach import Claim, Who, family
from ..model import Service


class Ended(NamedTuple):
    """How the command ended: its exit code (the number of a signal is negative), and why if it was ended by us."""

    code: int
    why: str | None


def run(words: list[str], environment: Mapping[str, str], service: Service) -> Ended:
    """Runs the command in the service's folder until its end. What is typed, C-c too, is the command's alone.

    It has the service's limits (contract: Configuration, Limits of a service). Raises OSError if it can't be run.
    """
    with (
        _deaf_to_c_c(),
        subprocess.Popen(
            words,
            cwd=service.cwd,
            env=environment,
            preexec_fn=_limiting(service.nofile_limit),  # noqa: PLW1509  there is no other thread
        ) as process,
    ):
        if service.memory_limit is None:
            return Ended(process.wait(), None)
        return _watched(process, service, service.memory_limit)


def _limiting(files: int | None) -> Callable[[], object] | None:
    """What gives the command the service's limit of open files, in its own process."""
    return None if files is None else lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


@contextmanager
def _deaf_to_c_c() -> Iterator[None]:
    """By a handler: that a signal is ignored would be inherited, as it is where a script has begun us so."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _watched(process: subprocess.Popen[bytes], service: Service, limit: int) -> Ended:
    while (found := memory.used([each.pid for each in _below()], limit)) <= limit:
        if (code := _code_within(process, memory.pause(found, limit))) is not None:
            return Ended(code, None)
    return Ended(_end(process, service, limit), memory.too_much(found, limit))


def _end(process: subprocess.Popen[bytes], service: Service, limit: int) -> int:
    """Ends the command as a stop would, and what it leaves behind then; its exit code."""
    from ..decisions.escalation import stop_of_a_service

    escalation = stop_of_a_service(service.stop_timeout, stop_signal=service.stop_signal)
    began, taken, seen = time.monotonic(), 0, set[Who]()
    while (code := process.poll()) is None:
        living = [(each.pid, each.ticks) for each in _below()]
        seen.update(living)
        if memory.used([pid for pid, _ in living], limit) > memory.FAR_BEYOND * limit:
            gate.kill(_claim())
        if step := escalation.due(time.monotonic() - began, taken):
            gate.send(_claim(), living, signal.Signals[step.signal])
            taken += 1
            began = time.monotonic() - step.after
        _code_within(process, memory.SHORTEST)
    gate.kill(Claim(orphans=frozenset(seen)))
    return code


def _code_within(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _claim() -> Claim:
    """What lives below this process may be reached: the command, and what it has started."""
    own = proc.one(os.getpid())
    return Claim() if own is None else Claim(launchers=frozenset([(own.pid, own.ticks)]))


def _below() -> list[Process]:
    found = table.below(os.getpid())
    own = found.get(os.getpid())
    return [] if own is None else family(found, (own.pid, own.ticks))[1:]
