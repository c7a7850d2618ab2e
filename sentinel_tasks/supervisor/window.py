"""The terminal of the pane that the launcher runs in: whether it is still there, and how the service gets it."""

from __future__ import annotations

import errno
import os

from ..lineage.signals import signal

INPUT_FLAGS, LOCAL_FLAGS = 0, 3
"""Where termios has them in its list of attributes."""


class Window:
    """The pane's terminal; a launcher that was started without one has nothing to lose."""

    def __init__(self, descriptor: int = 0) -> None:
        self.descriptor = descriptor
        self.is_terminal = True
        self._is_gone = False
        try:
            os.get_terminal_size(descriptor)
        except OSError as reason:
            self.is_terminal = reason.errno == errno.EIO

    def is_gone(self) -> bool:
        """True once tmux has closed the pane, or has ended; it never comes back."""
        if self.is_terminal and not self._is_gone:
            try:
                os.get_terminal_size(self.descriptor)
            except OSError:
                self._is_gone = True
        return self._is_gone

    def keeps_c_c_from_us(self) -> bool:
        """True while C-c reaches another process group than ours, or is a mere character to a program that reads it."""
        if not self.is_terminal:
            return False
        import termios

        try:
            is_a_signal = termios.tcgetattr(self.descriptor)[LOCAL_FLAGS] & termios.ISIG
            return not is_a_signal or os.tcgetpgrp(self.descriptor) != os.getpgrp()
        except (OSError, termios.error):
            return False

    def prepare(self) -> None:
        """Gives the terminal to our process group, which a run before may have left to another, without flow control.

        C-s could hold a service for ever, and nobody would see why.
        """
        if not self.is_terminal or self.is_gone():
            return
        import termios

        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
        try:
            os.tcsetpgrp(self.descriptor, os.getpgrp())
            attributes = termios.tcgetattr(self.descriptor)
            attributes[INPUT_FLAGS] &= ~termios.IXON
            termios.tcsetattr(self.descriptor, termios.TCSANOW, attributes)
        except (OSError, termios.error):
            pass  # it is gone, which the next look tells
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
