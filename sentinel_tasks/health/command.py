"""Asks a command of the service's own: its exit code is the answer."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

from ..model import Answer
from ..text.masking import masked_text
from .question import Question

LOOK_SECONDS = 0.05
KEPT = 8192
"""Bytes at the end of what it prints: a line of them may be told."""


def ask_command(question: Question) -> Answer:
    """Healthy on exit 0; the last line that it prints is told otherwise."""
    command = question.health.target
    words = ["sh", "-c", command] if isinstance(command, str) else list(command)
    started = time.monotonic()
    try:
        code, said = _run(words, question)
    except TimeoutError:
        return Answer(False, f"the health command took more than {question.patience:g} s")
    except OSError as reason:
        return Answer(False, f"the health command can't be run: {reason.strerror}")
    last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    detail = f"the health command exits {code}" + "".join(f": {masked_text(line)[:200]}" for line in last)
    latency = round(1000 * (time.monotonic() - started), 1)
    return Answer(True, "exit 0", latency) if code == 0 else Answer(False, detail, latency)


def _run(words: list[str], question: Question) -> tuple[int, bytes]:
    """Exit code and the end of the output; TimeoutError if it takes too long or nobody waits any more.

    Whatever breaks off the wait (its timeout, Ctrl-C) ends its whole process group. `subprocess.run` would end the
    shell alone, wait for the pipe that the shell's children hold, and keep all that is printed.
    """
    process = None
    try:
        with _interrupt_held_back():
            process = subprocess.Popen(
                words, cwd=question.cwd, env=dict(question.environment()), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        said = _output_until_its_end(process, question)
    except BaseException:
        if process is not None:
            _end(process)
        raise
    _close(process)
    return process.returncode, said


def _output_until_its_end(process: subprocess.Popen[bytes], question: Question) -> bytes:
    """The last that it wrote to stderr, else to stdout; what it left in the background is not waited for."""
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.fileno(), process.stderr.fileno()
    said = {out: b"", err: b""}
    deadline = time.monotonic() + question.patience
    with selectors.DefaultSelector() as pipes:
        for pipe in said:
            pipes.register(pipe, selectors.EVENT_READ)
        while process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0 or question.is_over():
                raise TimeoutError
            _listen(process, pipes, said, min(left, LOOK_SECONDS))
        _listen(process, pipes, said, 0)
    return said[err] or said[out]


def _listen(
    process: subprocess.Popen[bytes], pipes: selectors.BaseSelector, said: dict[int, bytes], seconds: float
) -> None:
    """Keeps the end of what comes within so many seconds; a command that closed its output is waited for as well."""
    if not pipes.get_map():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return
    for key, _ in pipes.select(seconds):
        part = os.read(key.fd, 1 << 16)
        if not part:
            pipes.unregister(key.fd)
        said[key.fd] = (said[key.fd] + part)[-KEPT:]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@contextlib.contextmanager
def _interrupt_held_back() -> Iterator[None]:
    """Ctrl-C counts at the end: within Popen it would leave a child whose pid nobody knows."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
