"""The door to httpx, and to the other ways of asking a service whether it works (SPEC §2)."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from .model import Answer, Health

LARGEST_BODY = 1 << 20
PATIENCE = 2.0
"""Seconds one question may take; a server that accepts and never answers is not healthy."""


@dataclass(frozen=True)
class Question:
    """What to ask and with what: the service's port and addresses, its environment, its log since this start."""

    health: Health
    port: int | None
    addresses: tuple[str, ...]
    cwd: str
    environment: Callable[[], Mapping[str, str]]
    log: Callable[[], bytes]
    patience: float = PATIENCE


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
    target = str(health.target)
    if "://" in target:
        return target
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{target}"


def _ask_http(question: Question) -> Answer:
    answers = []
    for host in question.addresses or ("localhost",):
        answers.append(_get(url(question.health, question.port, host), question))
        if answers[-1].ok:
            break
    return answers[-1]


def _get(address: str, question: Question) -> Answer:
    import httpx

    started = time.monotonic()
    headers = {"Accept": "application/json, */*"}
    own_server = "://" not in str(question.health.target)
    if own_server and (token := question.environment().get("TES_DEV_TOKEN")):
        headers["X-TES-Dev-Token"] = token
    try:
        with httpx.Client(trust_env=False, verify=_verifies(address), timeout=question.patience) as client:
            status, body = _read(client, address, headers, started + question.patience)
    except httpx.TimeoutException:
        return Answer(False, f"no answer from {address} within {question.patience:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as reason:
        return Answer(False, f"{type(reason).__name__} from {address}: {reason}"[:200])
    latency = round(1000 * (time.monotonic() - started), 1)
    ok = any(matches(status, wanted) for wanted in question.health.expect)
    workers, summary = count_workers(body) if ok else (None, ())
    return Answer(ok, str(status) if ok else f"HTTP {status} from {address}", latency, workers, summary)


def _verifies(address: str) -> bool:
    return not address.startswith("http:")


def _read(client: object, address: str, headers: Mapping[str, str], deadline: float) -> tuple[int, bytes]:
    import httpx

    assert isinstance(client, httpx.Client)
    parts, size = [], 0
    with client.stream("GET", address, headers=headers) as response:
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > LARGEST_BODY or time.monotonic() > deadline:
                break
    return response.status_code, b"".join(parts)


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
        done = subprocess.run(
            words, cwd=question.cwd, env=dict(question.environment()), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=question.patience, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Answer(False, f"the health command took more than {question.patience:g} s")
    except OSError as reason:
        return Answer(False, f"the health command can't be run: {reason.strerror}")
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()[-1:]
    detail = f"the health command exits {done.returncode}" + "".join(f": {line[:200]}" for line in said)
    latency = round(1000 * (time.monotonic() - started), 1)
    return Answer(True, "exit 0", latency) if done.returncode == 0 else Answer(False, detail, latency)


def _ask_log(question: Question) -> Answer:
    pattern = re.compile(str(question.health.target))
    for line in question.log().decode("utf-8", "replace").splitlines():
        if pattern.search(line):
            return Answer(True, "seen in the log")
    return Answer(False, f"no line matches {question.health.target!r} yet")


# Counting workers


def count_workers(body: bytes) -> tuple[int | None, tuple[tuple[str, int], ...]]:
    """The number of workers a registry's answer tells of, and its summary; (None, ()) if it tells none (SPEC §3)."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None, ()
    if isinstance(document, list):
        return len(document), ()
    if not isinstance(document, dict):
        return None, ()
    return _count(document), _summary(document)


def _count(document: dict[str, object]) -> int | None:
    summary = document.get("summary")
    totals = (document.get("total"), summary.get("total") if isinstance(summary, dict) else None)
    counted = next((total for total in totals if _is_count(total)), None)
    if counted is not None:
        return counted
    workers = document.get("workers")
    if isinstance(workers, dict | list):
        return len(workers)
    by_id = bool(document) and all(isinstance(worker, dict) for worker in document.values())
    return len(document) if by_id or not document else None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _summary(document: dict[str, object]) -> tuple[tuple[str, int], ...]:
    summary = document.get("summary")
    if not isinstance(summary, dict):
        return ()
    return tuple((name, summary[name]) for name in ("idle", "working", "error") if _is_count(summary.get(name)))
