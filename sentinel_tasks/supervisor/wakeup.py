"""What the launcher sleeps on: signals, the end of its window, and a time."""

from __future__ import annotations

import os
import select

from ..lineage.signals import signal

ASKING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
READY = signal.SIGUSR1
"""By this a task tells that it has found the service healthy, if the record says that this is waited for."""
LONGEST = 1 << 12


class Wakeup:
    """A pipe that each signal writes its number to: one that comes just before a wait is not slept through.

    No signal is ignored, because the service would inherit that.
    """

    def __init__(self) -> None:
        self._reader, written = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        for number in (*ASKING, READY, signal.SIGCHLD):
            signal.signal(number, lambda number, frame: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [*ASKING, READY, signal.SIGCHLD])
        self._poll = select.poll()
        self._poll.register(self._reader, select.POLLIN)
        self._listened = {self._reader}

    def listen(self, descriptor: int) -> None:
        """Wakes up whenever something can be read there, too."""
        self._listened.add(descriptor)
        self._poll.register(descriptor, select.POLLIN)

    def forget(self, descriptor: int) -> None:
        """Does not, any more."""
        self._listened.discard(descriptor)
        self._poll.unregister(descriptor)

    def watch(self, terminal: int) -> None:
        """Wakes up when this terminal is gone, too."""
        self._poll.register(terminal, 0)

    def wait(self, seconds: float | None) -> list[int]:
        """The signals that came, in their order, after at most so many seconds, or however long it takes."""
        for descriptor, _ in self._poll.poll(None if seconds is None else max(0, int(seconds * 1000) + 1)):
            if descriptor not in self._listened:  # it will not be there again, and would wake us up without end
                self._poll.unregister(descriptor)
        return self.taken()

    def taken(self) -> list[int]:
        """The signals that came since they were last taken; never waits."""
        try:
            return [*os.read(self._reader, LONGEST)]
        except BlockingIOError:
            return []


class HeldBack:
    """Makes signals that ask to end wait until there is a service that they reach; one before that would be lost."""

    def __enter__(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)

    def __exit__(self, *failure: object) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)
