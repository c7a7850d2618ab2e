"""The door to httpx, and to the other ways of asking a service whether it works (SPEC §2)."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from msgspec import Struct

from .masking import masked_text
from .model import Answer, Health
from .registry import count, parsed, summary

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
LARGEST_BODY = 1 << 20
PATIENCE = 2.0
"""Seconds one question may take; a server that accepts and never answers is not healthy."""


class Question(Struct, frozen=True):
    """What to ask and with what: the service's port and addresses, its environment, its log since this start."""

    health: Health
    port: int | None
    addresses: tuple[str, ...]
    cwd: str
    environment: Callable[[], Mapping[str, str]]
    log: Callable[[], Iterable[str]]
    patience: float = PATIENCE
    counts_workers: bool = False


def ask(question: Question) -> Answer:
    """The answer within the question's patience, whatever the service does."""
    asks: dict[str, Callable[[Question], Answer]] = {
        "http": _ask_http,
        "command": _ask_command,
        "log": _ask_log,
    }
    return asks[question.health.kind](question)


def url(health: Health, port: int | None, host: str = "localhost") -> str:
    """The address that is asked: the configured URL, or the path at this host and port."""
    if not is_path(health):
        return str(health.target)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{health.target}"


def is_path(health: Health) -> bool:
    """True if the check asks the service's own port for a path, not some other address."""
    return str(health.target).startswith("/")


def _ask_http(question: Question) -> Answer:
    answers = []
    for host in question.addresses or ("localhost",):
        answers.append(_get(url(question.health, question.port, host), question))
        if answers[-1].ok:
            break
    return answers[-1]


def _get(address: str, question: Question) -> Answer:
    exchanged = _exchange(address, question)
    if isinstance(exchanged, str):
        return Answer(False, exchanged)
    status, body, latency = exchanged
    ok = any(matches(status, wanted) for wanted in question.health.expect)
    document = parsed(body) if ok and question.counts_workers else None
    detail = str(status) if ok else f"HTTP {status} from {masked_text(address)}{_why_refused(status, question)}"
    return Answer(ok, detail, latency, count(document), summary(document))


def _why_refused(status: int, question: Question) -> str:
    """The embedded API keeps the token that it was started with; another shell may have another, or none."""
    wants_token = status == 401 and question.counts_workers and is_path(question.health)
    return ": is TES_DEV_TOKEN here as it was when it was started?" if wants_token else ""


def document(question: Question) -> object:
    """The JSON document that a healthy service answers with; None if it answers with anything else."""
    for host in question.addresses or ("localhost",):
        exchanged = _exchange(url(question.health, question.port, host), question)
        if not isinstance(exchanged, str) and exchanged[0] < 300:
            return parsed(exchanged[1])
    return None


def load() -> None:
    """Imports httpx, but not its command line, which imports all of click and rich where they are installed."""
    if "httpcore" in sys.modules:
        return
    modules: dict[str, Any] = cast("dict[str, Any]", sys.modules)
    modules["httpx._main"] = None
    try:
        import httpcore  # noqa: F401 (httpx imports it when it is first used)
        import httpx  # noqa: F401
    finally:
        modules.pop("httpx._main", None)


def _exchange(address: str, question: Question) -> tuple[int, bytes, float] | str:
    """Status, body and milliseconds, or a sentence that says why there is none.

    A client that is closed at its deadline says so in errors of many kinds, RuntimeError among them.
    """
    load()
    import httpx

    started = time.monotonic()
    deadline = started + question.patience
    headers = {b"Accept": b"application/json, */*"}
    if is_path(question.health) and (token := question.environment().get("TES_DEV_TOKEN")):
        headers[b"X-TES-Dev-Token"] = token.encode("utf-8", "surrogateescape")
    try:
        with httpx.Client(trust_env=False, verify=_verifies(address), timeout=question.patience) as client:
            status, body = _read(client, address, headers, deadline)
            return status, body, round(1000 * (time.monotonic() - started), 1)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError) as reason:
        if isinstance(reason, httpx.TimeoutException) or time.monotonic() >= deadline:
            return f"no answer from {masked_text(address)} within {question.patience:g} s"
        return masked_text(f"{type(reason).__name__} from {address}: {reason}")[:200]


def _verifies(address: str) -> bool:
    """False where no certificate is needed to know who answers: a development server signs its own."""
    import httpx

    asked = httpx.URL(address)
    return asked.scheme == "https" and asked.host not in LOOPBACK_HOSTS


def _read(client: object, address: str, headers: Mapping[bytes, bytes], deadline: float) -> tuple[int, bytes]:
    """Status and as much of the body as comes in time.

    httpx limits each read, not all of them: a head that drips for ever is ended by closing the client meanwhile.
    """
    import httpx

    assert isinstance(client, httpx.Client)
    limit = threading.Timer(deadline - time.monotonic(), client.close)
    limit.start()
    try:
        with client.stream("GET", address, headers=headers) as response:
            return response.status_code, _body(response, deadline)
    finally:
        limit.cancel()


def _body(response: object, deadline: float) -> bytes:
    import httpx

    assert isinstance(response, httpx.Response)
    parts, size = [], 0
    with contextlib.suppress(httpx.TimeoutException, httpx.NetworkError):
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > LARGEST_BODY or time.monotonic() > deadline:
                break
    return b"".join(parts)


def matches(status: int, wanted: str) -> bool:
    """True if the status is the wanted one; `3xx` stands for its hundred, `<500` for all below."""
    if wanted.startswith("<"):
        return status < int(wanted[1:])
    return str(status) == wanted or (wanted.lower().endswith("xx") and str(status)[0] == wanted[0])


def _ask_command(question: Question) -> Answer:
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


def _ask_log(question: Question) -> Answer:
    pattern = re.compile(str(question.health.target))
    if any(pattern.search(line) for line in question.log()):
        return Answer(True, "seen in the log")
    return Answer(False, f"no line matches {question.health.target!r} yet")
