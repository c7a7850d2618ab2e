"""Asks a command of the service's own: its exit code is the answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

from ..model import Answer
from ..text.masking import masked_text
from .question import Question


def ask_command(question: Question) -> Answer:
    """Healthy on exit 0; the last line that it prints is told otherwise."""
    command = question.health.target
    words = ["sh", "-c", command] if isinstance(command, str) else list(command)
    started = time.monotonic()
    try:
        code, said = _run(words, question)
    except subprocess.TimeoutExpired:
        return Answer(False, f"the health command took more than {question.patience:g} s")
    except OSError as reason:
        return Answer(False, f"the health command can't be run: {reason.strerror}")
    last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    detail = f"the health command exits {code}" + "".join(f": {masked_text(line)[:200]}" for line in last)
    latency = round(1000 * (time.monotonic() - started), 1)
    return Answer(True, "exit 0", latency) if code == 0 else Answer(False, detail, latency)


def _run(words: list[str], question: Question) -> tuple[int, bytes]:
    """Exit code and output; whatever breaks off the wait (its timeout, Ctrl-C) ends its whole process group.

    `subprocess.run` would end the shell alone, and then wait for the pipe that the shell's children hold.
    """
    process = None
    try:
        with _interrupt_held_back():
            process = subprocess.Popen(
                words, cwd=question.cwd, env=dict(question.environment()), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
        out, err = process.communicate(timeout=question.patience)
    except BaseException:
        if process is not None:
            _end(process)
        raise
    return process.returncode, err or out


def _end(process: subprocess.Popen[bytes]) -> None:
    with process:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)


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
