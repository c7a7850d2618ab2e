"""A tmux client that runs, and what it says.

By posix_spawn(3), not by subprocess: that is imported for longer than a client takes to answer.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from ..lineage.signals import signal

PART = 1 << 16
OPEN_FILES = "/dev/fd"
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


class Client:
    """Runs from now on; `returncode`, `stdout` and `stderr` are whole once `wait` says that it has ended."""

    def __init__(self, words: Sequence[str], environ: Mapping[str, str]) -> None:
        self.returncode = 0
        pipes = os.pipe(), os.pipe()
        self._said: dict[int, list[bytes]] = {reading: [] for reading, _ in pipes}
        self._streams = select.poll()
        try:
            standard = [(os.POSIX_SPAWN_DUP2, writing, 1 + place) for place, (_, writing) in enumerate(pipes)]
            closed = [(os.POSIX_SPAWN_CLOSE, file) for file in _inherited(writing for _, writing in pipes)]
            self._pid: int | None = os.posix_spawn(
                words[0], [*words], environ, file_actions=[*standard, *closed], setsigdef=IGNORED_BY_PYTHON
            )
        except BaseException:
            _close(self._said)
            raise
        finally:
            _close(writing for _, writing in pipes)
        self._open = {*self._said}
        for stream in self._said:
            self._streams.register(stream, select.POLLIN)

    @property
    def stdout(self) -> bytes:
        """What it printed."""
        return b"".join(next(iter(self._said.values())))

    @property
    def stderr(self) -> bytes:
        """What it complained of."""
        return b"".join([*self._said.values()][1])

    def wait(self, seconds: float) -> bool:
        """True once it has ended, if that is within so many seconds; it may be asked again."""
        deadline = time.monotonic() + seconds
        while self._open and (left := deadline - time.monotonic()) > 0:
            for stream, _ in self._streams.poll(1000 * left):
                self._read(stream)
        if not self._open:
            self._reap()
        return not self._open

    def _read(self, stream: int) -> None:
        if part := os.read(stream, PART):
            self._said[stream].append(part)
            return
        self._streams.unregister(stream)
        self._open.discard(stream)
        os.close(stream)

    def _reap(self) -> None:
        if self._pid is not None:
            with suppress(ChildProcessError):  # whoever started us may have it that children leave nothing behind
                self.returncode = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
            self._pid = None

    def end(self) -> None:
        """Ends it, where nobody waits for it any more."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        _close(self._open)
        self._open.clear()
        self._reap()


def _close(files: Iterable[int]) -> None:
    for file in files:
        os.close(file)


def _inherited(but: Iterable[int]) -> Iterator[int]:
    """The files that a child would be given beside the standard ones: a server would keep them while it runs."""
    but = {0, 1, 2, *but}
    for name in os.listdir(OPEN_FILES):
        with suppress(OSError):  # the listing's own
            if int(name) not in but and os.get_inheritable(int(name)):
                yield int(name)
