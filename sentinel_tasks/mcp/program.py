"""One run of the program, which is ended when its time is up or nobody waits for it any more."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

MOST_BYTES = 32_000_000
"""Of what a command prints, the end is kept."""
LAST_WORDS = 5.0
"""Seconds that the program has to tell what it has done, once it was interrupted."""
DRAIN = 1.0
"""Seconds for what is still in the pipes: something in the background may hold them open for ever."""


class Ran(NamedTuple):
    """How it ended; `is_late` if it was interrupted because its time was up."""

    code: int
    out: str
    err: str
    is_late: bool


def command() -> list[str]:
    """The program of this very installation; a module in the workspace's folder can't take the place of one of ours."""
    script = Path(sys.executable).with_name("sentinel")
    return [str(script)] if os.access(script, os.X_OK) else [sys.executable, "-m", "sentinel_tasks"]


async def run(words: Sequence[str], folder: str, seconds: float, is_merged: bool = False) -> Ran:
    """Runs the program with these words in that folder, without input, for at most so long; OSError if it can't be."""
    running = Running([*command(), *words], folder, is_merged)
    ended = asyncio.ensure_future(asyncio.to_thread(running.process.wait))
    try:
        is_late = not await _within(ended, seconds)
        if is_late:
            running.signal(signal.SIGINT)
            if not await _within(ended, LAST_WORDS):
                running.signal(signal.SIGKILL)
        code = await asyncio.shield(ended)
    except asyncio.CancelledError:
        running.leave()
        raise
    out, err = await asyncio.to_thread(running.said)
    return Ran(code, out, err, is_late)


async def _within(ended: asyncio.Future[int], seconds: float) -> bool:
    done, _ = await asyncio.wait([ended], timeout=seconds)
    return bool(done)


class Running:
    """The program's process, in a process group of its own, and what it has printed."""

    def __init__(self, argv: Sequence[str], folder: str, is_merged: bool) -> None:
        self.process = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if is_merged else subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._readers = [Reader(each) for each in (self.process.stdout, self.process.stderr) if each is not None]

    def signal(self, number: signal.Signals) -> None:
        """As a terminal would: to the program and what it runs in the foreground."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def leave(self) -> None:
        """Ends it without waiting for that."""
        self.signal(signal.SIGINT)
        killing = threading.Timer(LAST_WORDS, self.signal, [signal.SIGKILL])
        killing.daemon = True
        killing.start()

    def said(self) -> tuple[str, str]:
        """What it printed to its two streams; once it has ended."""
        texts = [reader.text() for reader in self._readers]
        return texts[0], texts[1] if len(texts) > 1 else ""


class Reader:
    """Reads a stream in the background, so that whoever writes never waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._data = stream, bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := os.read(self._stream.fileno(), 1 << 16):
            self._data += data
            del self._data[:-MOST_BYTES]
        self._stream.close()

    def text(self) -> str:
        """What came until the stream ended, or until a moment from now."""
        self._thread.join(DRAIN)
        return bytes(self._data).decode("utf-8", "replace")
