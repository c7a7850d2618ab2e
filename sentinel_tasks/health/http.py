"""Asks an address for a status, and for the document that it answers with; the door to httpx.

httpx is for what our own small client (loopback.py) can't ask, or does not understand.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from ..model import Answer
from . import loopback
from .question import Question, is_loopback, is_path, url

if TYPE_CHECKING:
    from queue import SimpleQueue

LARGEST_BODY = 1 << 20
BODY_SECONDS = 1.0
"""A body is waited for so long after its status: it may be a stream without end."""


def ask_http(question: Question) -> Answer:
    """The first good answer of the addresses at which the service listens, else the last bad one."""
    hosts = question.addresses or ("localhost",)
    if len(hosts) == 1:
        return _ask_at(hosts[0], question)
    from queue import SimpleQueue

    answers: SimpleQueue[Answer] = SimpleQueue()
    for host in hosts:  # all at once, or one that hangs would leave the others no time
        threading.Thread(target=_put_answer, args=(host, question, answers), daemon=True).start()
    for _ in hosts:
        if (answer := answers.get()).ok:
            break
    return answer


def _put_answer(host: str, question: Question, answers: SimpleQueue[Answer]) -> None:
    answer = Answer(False, "the health check broke off")
    try:
        answer = _ask_at(host, question)
    finally:
        answers.put(answer)


def _ask_at(host: str, question: Question) -> Answer:
    return _get(url(question.health, question.port, host), question)


def _get(address: str, question: Question) -> Answer:
    exchanged = _exchange(address, question)
    if isinstance(exchanged, str):
        return Answer(False, exchanged)
    status, body, latency = exchanged
    if not any(matches(status, wanted) for wanted in question.health.expect):
        from ..text.masking import masked_text

        why = f"HTTP {status} from {masked_text(address)}{_why_refused(status, question)}"
        return Answer(False, why, latency)
    if not question.counts_workers:
        return Answer(True, str(status), latency)
    from .worker_registry import count, parsed, summary

    document = parsed(body)
    return Answer(True, str(status), latency, count(document), summary(document))


def _why_refused(status: int, question: Question) -> str:
    """The embedded API keeps the token that it was started with; another shell may have another, or none."""
    wants_token = status == 401 and question.counts_workers and is_path(question.health)
    return ": is TES_DEV_TOKEN here as it was when it was started?" if wants_token else ""


def document(question: Question) -> object:
    """The JSON document that a healthy service answers with; None if it answers with anything else."""
    from .worker_registry import parsed

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
    """Status, body and milliseconds, or a sentence that says why there is none."""
    headers = {b"Accept": b"application/json, */*", b"Accept-Encoding": b"identity"}
    if is_path(question.health) and (token := question.environment().get("TES_DEV_TOKEN")):
        headers[b"X-TES-Dev-Token"] = token.encode("utf-8", "surrogateescape")
    with contextlib.suppress(loopback.NotUnderstood):
        return _exchange_here(address, question, headers)
    return _exchange_by_httpx(address, question, headers)


def _exchange_here(address: str, question: Question, headers: Mapping[bytes, bytes]) -> tuple[int, bytes, float] | str:
    """The same by our own client."""
    started = time.monotonic()
    deadline = started + question.patience
    try:
        with contextlib.closing(loopback.Client(address, deadline)) as client:
            response = client.get(headers)
            latency = time.monotonic() - started
            client.deadline = until = _end_of_body(deadline)
            return response.status, _body(response.body, response.headers, until), round(1000 * latency, 1)
    except (OSError, ValueError) as reason:
        return _why_unanswered(reason, address, question, isinstance(reason, TimeoutError), deadline)


def _exchange_by_httpx(
    address: str, question: Question, headers: Mapping[bytes, bytes]
) -> tuple[int, bytes, float] | str:
    """The same. A client that is closed at its deadline says so in errors of many kinds, RuntimeError among them."""
    load()
    import httpx

    started = time.monotonic()
    deadline = started + question.patience
    try:
        with httpx.Client(trust_env=False, verify=_verifies(address), timeout=question.patience) as client:
            status, body, latency = _read(client, address, headers, deadline)
            return status, body, round(1000 * latency, 1)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError) as reason:
        return _why_unanswered(reason, address, question, isinstance(reason, httpx.TimeoutException), deadline)


def _why_unanswered(reason: Exception, address: str, question: Question, is_timeout: bool, deadline: float) -> str:
    from ..text.masking import masked_text

    if is_timeout or time.monotonic() >= deadline:
        return f"no answer from {masked_text(address)} within {question.patience:g} s"
    return masked_text(f"{type(reason).__name__} from {address}: {reason}")[:200]


def _verifies(address: str) -> bool:
    """False where no certificate is needed to know who answers: a development server signs its own."""
    import httpx

    asked = httpx.URL(address)
    return asked.scheme == "https" and not is_loopback(asked.host)


def _read(client: object, address: str, headers: Mapping[bytes, bytes], deadline: float) -> tuple[int, bytes, float]:
    """Status, as much of the body as comes soon after it, and the seconds until the status came.

    httpx limits each read, not all of them: what drips for ever is ended by closing the client meanwhile.
    """
    import httpx

    assert isinstance(client, httpx.Client)
    started = time.monotonic()
    with _closed_at(client, deadline), client.stream("GET", address, headers=headers) as response:
        latency, until = time.monotonic() - started, _end_of_body(deadline)
        with _closed_at(client, until):
            return response.status_code, _body(response.iter_raw(), response.headers, until), latency


@contextlib.contextmanager
def _closed_at(client: Any, deadline: float) -> Iterator[None]:
    limit = threading.Timer(max(0.0, deadline - time.monotonic()), client.close)
    limit.daemon = True
    limit.start()
    try:
        yield
    finally:
        limit.cancel()


def _end_of_body(deadline: float) -> float:
    """An answer that goes on for ever, such as a stream of events, is none to wait for."""
    return min(deadline, time.monotonic() + BODY_SECONDS)


def _body(coming: Iterator[bytes], headers: Any, until: float) -> bytes:
    """What comes of the body until then."""
    parts, size = [], 0
    with contextlib.suppress(*_broken_off()):
        for part in coming:
            parts.append(part)
            size += len(part)
            if size > LARGEST_BODY or time.monotonic() > until:
                break
    return _unpacked(b"".join(parts), headers.get("content-encoding", ""))


def _broken_off() -> tuple[type[Exception], ...]:
    """The errors of a body that is not to be had, by either client."""
    own = (OSError, RuntimeError, ValueError)
    if "httpx" not in sys.modules:
        return own
    import httpx

    return (*own, httpx.HTTPError, httpx.StreamError)


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The body as it was meant, up to a size: a small parcel may unpack to more than there is memory."""
    if encoding.lower() not in ("gzip", "x-gzip", "deflate"):
        return body
    import zlib

    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, LARGEST_BODY)
    return b""


def matches(status: int, wanted: str) -> bool:
    """True if the status is the wanted one; `3xx` stands for its hundred, `<500` for all below."""
    if wanted.startswith("<"):
        return status < int(wanted[1:])
    return str(status) == wanted or (wanted.lower().endswith("xx") and str(status)[0] == wanted[0])
