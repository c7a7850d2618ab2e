"""The tasks of the workspace, typed for the page: the API knows no state of its own (contract: API, Endpoints)."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress

LONGEST_LINE = 1 << 25
SECONDS_TO_END = 2.0


def command(*words: str) -> list[str]:
    """The program `sentinel` of this very installation; nothing in the workspace's folder can stand in for it."""
    safe = ("-P",) if sys.version_info >= (3, 11) else ()
    return [sys.executable, *safe, "-m", "sentinel_tasks", *words]


async def begin(workspace: str, *words: str) -> Process:
    """The task as a process in the workspace's folder; OSError if it can't be started."""
    return await asyncio.create_subprocess_exec(
        *command(*words), cwd=workspace, env=_environment(), stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
        limit=LONGEST_LINE,
    )  # fmt: skip


async def end(process: Process) -> None:
    """Ends a task that only looks, and waits for that: our own child, whose pid is its own until it is reaped."""
    for stop in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            stop()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), SECONDS_TO_END)


def _environment() -> dict[str, str]:
    """Ours without what is meant for the API alone: a service that is started from here is none of its workers."""
    alone = {"PORT", "SENTINEL_WORKER_COMMAND", "WORKER_API_PORT", "DEV_SERVER_PORT"}
    return {name: value for name, value in os.environ.items() if name not in alone}
