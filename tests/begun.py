"""An `inv` that runs in the background, in a fork of tests/zygote.py: what tests use of a `subprocess.Popen`."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import BinaryIO

Ask = Callable[[Sequence[int]], socket.socket]
"""Has the program run with these three streams; the connection on which its pid comes, and then its exit code."""


class Begun:
    """One `inv`; its pid is that of the program itself, which gets every signal."""

    def __init__(self, args: Sequence[str], ask: Ask) -> None:
        self.args = args
        self.returncode: int | None = None
        (out, to_out), (err, to_err) = os.pipe(), os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        self.stdout: BinaryIO = open(out, "rb")  # noqa: SIM115 (closed by `communicate` and by the lab's end)
        self.stderr: BinaryIO = open(err, "rb")  # noqa: SIM115
        try:
            self._connection = ask([nothing, to_out, to_err])
        finally:
            for descriptor in (nothing, to_out, to_err):
                os.close(descriptor)
        self._answer = self._connection.makefile("rb", buffering=0)
        self.pid = int(self._answer.readline())

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        if (code := self._ended(timeout)) is None:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        return code

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], seconds)[0]:
            self.returncode = int(self._answer.readline())
            self._answer.close()
            self._connection.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """The rest of both streams, once it has ended; it is ended if that takes longer."""
        with ThreadPoolExecutor(2) as readers, self.stdout, self.stderr:
            rests = [readers.submit(stream.read) for stream in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            out, err = (rest.result() for rest in rests)
        return out, err

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it may end at any moment, and is waited for elsewhere
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """Ends it if it still runs, with its process group, and closes what is open."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self.kill()
        self.wait()
        self.stdout.close()
        self.stderr.close()
