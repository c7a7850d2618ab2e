"""The door to httpx: asks an address for a status, and for the document that it answers with."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, cast

from ..model import Answer
from ..text.masking import masked_text
from .question import LOOPBACK_HOSTS, Question, is_path, url
from .worker_registry import count, parsed, summary

LARGEST_BODY = 1 << 20


def ask_http(question: Question) -> Answer:
    """The first good answer of the addresses at which the service listens, else the last bad one."""
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
