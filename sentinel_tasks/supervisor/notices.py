"""What a service tells by systemd's protocol (sd_notify(3)): that it is ready, what it does, that it still works."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from .record import Record
from .specification import Spec
from .wakeup import Wakeup
from .window_state import Word

LONGEST, LONGEST_STATUS = 4096, 200
CREDENTIALS = struct.Struct("3i")
NEVER = float("inf")


class Notices:
    """The socket that NOTIFY_SOCKET names; only this user and the service's own processes are listened to.

    `give_up` is told why, once the service owes a sign of life.
    """

    def __init__(self, record: Record, is_ours: Callable[[int], bool], give_up: Callable[[str], object]) -> None:
        self._record, self._is_ours, self._give_up = record, is_ours, give_up
        self._socket: socket.socket | None = None
        self._watchdog: float | None = None
        self.next_due = NEVER
        self.show: Callable[[Word], object] = lambda word: None

    def listen(self, spec: Spec, wakeup: Wakeup) -> None:
        """Has the service tell how it is, if its specification says that it does.

        Linux has abstract sockets, which leave no file behind and need no short path.
        """
        self._watchdog = spec.get("watchdog")
        if sys.platform != "linux" or not (spec.get("notify") or self._watchdog):
            return
        name = f"sentinel-{os.urandom(12).hex()}"
        with suppress(OSError):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self._socket.bind(f"\0{name}")
            wakeup.listen(self._socket.fileno())
        spec["env"]["NOTIFY_SOCKET"] = f"@{name}"
        if self._watchdog:
            spec["env"]["WATCHDOG_USEC"] = str(int(self._watchdog * 1_000_000))

    def begin(self) -> None:
        """A run has begun, which must tell everything anew."""
        self._taken()
        self.next_due = NEVER

    def heed(self) -> None:
        """Does what the messages since the last time ask for; never waits."""
        told = self._taken()
        if told:
            self._note(told)
        if told.get("STOPPING") == "1":
            self.next_due = NEVER
        elif self._watchdog and "1" in (told.get("WATCHDOG"), told.get("READY")):
            self.next_due = time.monotonic() + self._watchdog
        if told.get("WATCHDOG") == "trigger":
            self._give_up("it no longer answered: it told so (WATCHDOG=trigger)")
        elif time.monotonic() >= self.next_due:
            self.next_due = NEVER
            self._give_up(f"it no longer answered: no WATCHDOG=1 for {self._watchdog:g} s")

    def _note(self, told: dict[str, str]) -> None:
        """Puts on record what is new."""
        known, now = self._record.facts, time.time()
        facts: dict[str, object] = {}
        if told.get("READY") == "1" and not known.get("ready"):
            facts["ready"] = now
            self.show("running")
        if "STATUS" in told:
            facts["status"] = told["STATUS"][:LONGEST_STATUS]
        if microseconds := number(told.get("EXTEND_TIMEOUT_USEC")):
            facts["extended"] = now + microseconds / 1_000_000
        if pid := number(told.get("MAINPID")):
            facts["main_pid"] = pid
        if any(known.get(key) != value for key, value in facts.items()):
            self._record.note(**facts)

    def _taken(self) -> dict[str, str]:
        """The latest of each that was told since it was last taken."""
        found: dict[str, str] = {}
        while self._socket is not None:
            try:
                data, beside, _, _ = self._socket.recvmsg(LONGEST, socket.CMSG_SPACE(CREDENTIALS.size))
            except OSError:
                break
            if self._is_heeded(beside):
                parts = (line.partition("=") for line in data.decode("utf-8", "replace").splitlines())
                found.update((name, value) for name, equals, value in parts if equals)
        return found

    def _is_heeded(self, beside: list[tuple[int, int, bytes]]) -> bool:
        """A sender of this user may have ended already, as systemd-notify does; of another one it must be below us."""
        for level, kind, data in beside:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS) and len(data) >= CREDENTIALS.size:
                pid, user, _ = CREDENTIALS.unpack(data[: CREDENTIALS.size])
                return user == os.getuid() or self._is_ours(pid)
        return False


def number(text: str | None) -> int:
    """The number that was told; 0 for none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else 0
