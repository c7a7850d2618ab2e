"""The door to reservations: a port that was chosen is free until its server listens, and must not be chosen twice.

A reservation is an abstract socket (unix(7)) that bears the port's number. Those belong to the network namespace, as
ports do, whatever the user, the state folder or the tmux server is, and the kernel takes them back with the process
that holds them. Systems other than Linux have none: there, who shares a state folder chooses in turn, and that is all.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from ..names import digest

TABLE = Path("/proc/net/unix")
RESERVED = re.compile(r" @sentinel-port-([0-9]{1,5})(?:-(\w+)-\w+)?$", re.MULTILINE | re.ASCII)


class Reservations:
    """What one workspace may count on: ports that it is choosing now, and those that its launchers hold."""

    def __init__(self, workspace: str) -> None:
        self.owner = digest(workspace)
        self._held = ExitStack()

    def __enter__(self) -> Reservations:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def of_others(self) -> frozenset[int]:
        """The ports that others choose now or hold, from one look: whoever may squat on thousands of them."""
        return frozenset(port for port, owner in _reserved() if owner != self.owner)

    def take(self, port: int) -> bool:
        """True if nobody else chooses the port or was reserved it; nobody does or is, then, as long as we are open."""
        if sys.platform != "linux":
            return True
        if self._is_reserved_for_others(port):  # known before we hold it: its owner may want it at this very moment
            return False
        with ExitStack() as taking:
            try:
                taking.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)).bind(f"\0{_name(port)}")
            except OSError as reason:
                return reason.errno != errno.EADDRINUSE
            if self._is_reserved_for_others(port):
                return False
            self._held.push(taking.pop_all())
        return True

    def _is_reserved_for_others(self, port: int) -> bool:
        return any(held == port and owner not in ("", self.owner) for held, owner in _reserved())

    def of_launch(self, launch: str, ports: Iterable[int]) -> list[str]:
        """The sockets by which a launcher (launch.py) keeps these ports reserved to the workspace while it lives."""
        return [f"{_name(port)}-{self.owner}-{launch}" for port in ports] if sys.platform == "linux" else []


def _name(port: int) -> str:
    return f"sentinel-port-{port}"


def _reserved() -> list[tuple[int, str]]:
    """Every port that is reserved, with the workspace whose launcher holds it; "" while it is being chosen."""
    with suppress(OSError):
        table = TABLE.read_text(errors="replace")
        return [(int(port), owner) for port, owner in RESERVED.findall(table)]
    return []
