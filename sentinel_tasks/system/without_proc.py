"""What processes tell of themselves where there is no /proc: through psutil."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psutil

Seen = TypeVar("Seen")


def variable(pid: int, name: str) -> str | None:
    """A variable of the environment that the process was started with; None where that is gone or can't be seen."""
    return _seen(lambda: psutil.Process(pid).environ().get(name))


def working_directory(pid: int) -> str | None:
    """Where the process works; None if it can't be seen."""
    return _seen(lambda: psutil.Process(pid).cwd())


def command_line(pid: int) -> list[str]:
    """The words of its command line; none if they can't be seen."""
    return _seen(lambda: psutil.Process(pid).cmdline()) or []


def rss_bytes(pid: int) -> int | None:
    """The process's resident memory in bytes; None if it can't be seen."""
    return _seen(lambda: int(psutil.Process(pid).memory_info().rss))


def _seen(ask: Callable[[], Seen]) -> Seen | None:
    try:
        return ask()
    except (psutil.Error, OSError):
        return None
