"""The socket that NOTIFY_SOCKET names. Linux has abstract ones, which leave no file behind and need no short path."""

from __future__ import annotations

import os
import struct

from ..lineage.sockets import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 4096
CREDENTIALS = struct.Struct("3i")


def new_name() -> str:
    """One that nobody else has."""
    return f"sentinel-{os.urandom(12).hex()}"


class NoticeSocket:
    """Takes what is told; only this user and those processes that are ours are listened to. OSError: there is none."""

    def __init__(self, name: str, is_ours: Callable[[int], bool]) -> None:
        self._is_ours = is_ours
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{name}")

    def fileno(self) -> int:
        return self._socket.fileno()

    def taken(self) -> dict[str, str]:
        """The latest of each that was told since it was last taken; never waits."""
        found: dict[str, str] = {}
        while True:
            try:
                data, beside, _, _ = self._socket.recvmsg(LONGEST, socket.CMSG_SPACE(CREDENTIALS.size))
            except OSError:
                return found
            if self._is_heeded(beside):
                parts = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
                found.update((name, value) for name, equals, value in parts if equals)

    def _is_heeded(self, beside: list[tuple[int, int, bytes]]) -> bool:
        """A sender of this user may have ended already, as systemd-notify does; of another one it must be below us."""
        for level, kind, data in beside:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and len(data) >= CREDENTIALS.size:
                pid, user, _ = CREDENTIALS.unpack(data[: CREDENTIALS.size])
                return user == os.getuid() or self._is_ours(pid)
        return False
