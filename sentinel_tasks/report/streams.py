"""Printing to streams as callers leave them: closed, without a reader, on a full disk, in any encoding."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Literal, TextIO


def never_fail_to_print() -> None:
    """Makes a closed standard stream lead nowhere, and shows escaped what a stream's encoding lacks."""
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = sys.stderr or _nowhere("w")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _nowhere(mode: Literal["r", "w"]) -> TextIO:
    """A stream that leads nowhere; it takes the closed stream's number, which the next opened file would get."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    os.set_inheritable(descriptor, True)
    return os.fdopen(descriptor, mode)


def put(text: str, stream: TextIO, end: str = "\n") -> None:
    """Writes the text at once; OSError if it can't be written, and then whatever follows goes nowhere."""
    try:
        stream.write(f"{text}{end}")
        stream.flush()
    except OSError as reason:
        _give_up(stream)
        raise OSError(reason.errno, reason.strerror, stream.name) from reason


def joined(texts: Iterable[str], at_once: int) -> Iterator[str]:
    """The texts, joined to pieces of at least that many characters."""
    waiting: list[str] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= at_once:
            yield "".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting)


def is_read(stream: TextIO) -> bool:
    """False once a pipe's reader has gone, even while there is nothing to write."""
    poll = select.poll()
    poll.register(stream, 0)
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def put_aside(text: str, stream: TextIO, end: str = "\n") -> None:
    """Writes the text at once if it can be written: a reader that has gone must not end what is under way."""
    with suppress(OSError):
        put(text, stream, end)


def _give_up(stream: TextIO) -> None:
    """Leads the stream nowhere, or Python would try once more when it exits, and print an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
