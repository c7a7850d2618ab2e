"""The launch specification: how it comes from a task to the launcher, and the ports that it keeps reserved."""

from __future__ import annotations

import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Spec = dict[str, Any]

SEND_SECONDS = 15.0
"""A task that is there may be kept waiting by a busy machine; one that was killed is replaced by the next start."""


def receive(fifo: str, given_up: Callable[[], bool]) -> bytes:
    """The specification, once a task has written it; TimeoutError if none does, or if it is no longer waited for.

    It comes through a FIFO, so that no secret is ever in a file or a command line.
    """
    deadline = time.monotonic() + SEND_SECONDS
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    parts: list[bytes] = []
    while time.monotonic() < deadline and not given_up():
        if not poll.poll(50):
            continue
        part = os.read(descriptor, 1 << 16)
        if not part and parts:
            os.close(descriptor)
            return b"".join(parts)
        if not part:
            time.sleep(0.005)
        parts += [part] if part else []
    raise TimeoutError


def reserved(names: list[str]) -> list[Any]:
    """The sockets by which ports stay reserved to the workspace as long as they are open (see port_reservations.py)."""
    if not names:
        return []
    from ..lineage.sockets import socket

    held = []
    for name in names:
        try:
            held.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            held[-1].bind(f"\0{name}")
        except OSError:
            pass
    return held
