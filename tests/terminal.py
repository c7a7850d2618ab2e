"""An `inv` on a terminal of its own, in a fork of tests/zygote.py: what tests use of a `pexpect.spawn`."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import termios
from typing import TYPE_CHECKING

from pexpect import fdpexpect

from tests.begun import Ask, Begun

LINES, COLUMNS = 40, 120

if TYPE_CHECKING:
    Spawn = fdpexpect.fdspawn[str]
else:
    Spawn = fdpexpect.fdspawn


class Terminal(Spawn):
    """What the program shows there, which leads the terminal's session."""

    def __init__(self, ask: Ask, patience: float) -> None:
        shown, used = pty.openpty()
        fcntl.ioctl(used, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        try:
            self.program = Begun([], lambda _: ask([used] * 3))
        finally:
            os.close(used)
        super().__init__(shown, timeout=patience, encoding="utf-8", codec_errors="replace")

    def sendcontrol(self, letter: str) -> None:
        """Ctrl and this letter."""
        self.send(chr(ord(letter) & 0x1F))

    def sendintr(self) -> None:
        self.sendcontrol("c")

    def close(self, force: bool = False) -> None:
        """Hangs up, and waits for the program's end, which may be forced; `exitstatus` tells it."""
        super().close()
        if force:
            self.program.send_signal(signal.SIGKILL)
        self.exitstatus = self.program.wait(self.timeout)
        self.program.end()
