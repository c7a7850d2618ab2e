"""What a service tells by systemd's protocol (sd_notify(3)): that it is ready, what it does, that it still works."""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .notice_socket import NoticeSocket
    from .record import Record
    from .specification import Spec
    from .wakeup import Wakeup
    from .window_state import Word

LONGEST_STATUS = 200
NEVER = float("inf")


class Notices:
    """What comes by the socket that NOTIFY_SOCKET names; `give_up` is told why, once a sign of life is owed."""

    def __init__(self, record: Record, is_ours: Callable[[int], bool], give_up: Callable[[str], object]) -> None:
        self._record, self._is_ours, self._give_up = record, is_ours, give_up
        self._socket: NoticeSocket | None = None
        self._watchdog: float | None = None
        self.next_due = NEVER
        self.show: Callable[[Word], object] = lambda word: None

    def listen(self, spec: Spec, wakeup: Wakeup) -> None:
        """Has the service tell how it is, if its specification says that it does.

        Few services do; the others do without their socket's module.
        """
        self._watchdog = spec.get("watchdog")
        if sys.platform != "linux" or not (spec.get("notify") or self._watchdog):
            return
        from .notice_socket import NoticeSocket, new_name

        name = new_name()
        try:
            self._socket = NoticeSocket(name, self._is_ours)
        except OSError:
            pass  # the service tells nobody
        else:
            wakeup.listen(self._socket.fileno())
        spec["env"]["NOTIFY_SOCKET"] = f"@{name}"
        if self._watchdog:
            spec["env"]["WATCHDOG_USEC"] = str(int(self._watchdog * 1_000_000))

    def begin(self) -> None:
        """A run is about to begin, which must tell everything anew: it may do so before its launcher goes on."""
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
        return self._socket.taken() if self._socket else {}


def number(text: str | None) -> int:
    """The number that was told; 0 for none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else 0
