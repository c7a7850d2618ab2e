"""Reports and findings as JSON (contract: Documents)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..model import Finding, Observation, Report
from ..text.duration import duration
from ..text.sanitize import last_line, plain

URL = r"(?P<scheme>https?)://[^/:]*(?::(?P<port>[0-9]+|[$][^/]*))?"
STANDARD = {"http": "80", "https": "443"}


def as_json(report: Report) -> dict[str, Any]:
    """The document of one service (contract: Documents, Service)."""
    seen, service, pane, run = report.seen, report.service, report.seen.pane, report.seen.run
    ended = run if not seen.alive and report.state != "running" else None
    document: dict[str, Any] = {
        "service": service.name,
        "state": report.state,
        "workspace": report.workspace.path,
        "session": seen.place,
        "window": {"index": pane.index, "name": pane.window_name, "id": pane.window_id} if pane else None,
        "pid": pid_of(report),
        "port": seen.port,
        "url": url_of(report),
        "health": _health(report),
        "workers": seen.answer.workers if seen.answer else None,
        "summary": dict(seen.answer.summary) if seen.answer and seen.answer.summary else None,
        "uptime_s": round(seen.age, 1) if seen.alive and seen.age else None,
        "rss_bytes": seen.rss_bytes,
        "exit_code": ended.exit_code if ended else None,
        "signal": ended.signal if ended else None,
        "restarts": run.restarts if run else 0,
        "last_exit": run.last_exit if run else None,
        "reaction": run.reaction or None if run else None,
        "watched": not seen.unwatched if seen.alive and service.watch else None,
        "listener": listener_of(seen),
        "log": f"{seen.state_folder or report.workspace.state_folder}/{service.name}.log",
        "error": _error(report),
        "leases": [{"pid": each.pid, "until": each.until} for each in run.leases] if run and seen.alive else [],
        "notes": list(report.notes),
        "config": None if seen.changes is None else "changed" if seen.changes else "current",
        "config_changes": list(seen.changes or ()),
    }
    if report.changed is not None:
        document["changed"] = report.changed
    return document


def url_of(report: Report) -> str | None:
    """The address of its root page; None where no HTTP was answered on its port: it may speak anything there."""
    seen, health = report.seen, report.service.health
    answered = health.kind == "http" and seen.answer is not None and seen.answer.latency_ms is not None
    found = re.match(URL, str(health.target))
    scheme, port = (found["scheme"], found["port"] or STANDARD[found["scheme"]]) if found else ("http", str(seen.port))
    is_own = port == str(seen.port) or port.startswith("$")
    return f"{scheme}://{seen.host}:{seen.port}" if answered and is_own else None


def restarts_of(seen: Observation) -> str:
    """How often the restart policy started it again and how it ended before, and what it did last at changed files.

    Empty if it did neither.
    """
    run, told = seen.run, list[str]()
    if run and run.restarts:
        told += [f"{run.restarts} restart{'s' if run.restarts > 1 else ''}, last after {run.last_exit}"]
    if run and run.reaction and run.ended is None:
        told += [f"{plain(run.reaction)} {duration(max(0.0, seen.now - (run.reacted or seen.now)))} ago"]
    return ", ".join(told)


def listens(seen: Observation) -> bool:
    """True if somebody accepts connections on its port now."""
    return bool(seen.port and (seen.open_at or seen.holders))


def pid_of(report: Report) -> int | None:
    """The pid of the service's own process, or of the adopted one; None if there is neither."""
    seen = report.seen
    if seen.alive:
        return seen.main.pid if seen.main else None
    instead = [holder for holder in (*seen.holders, *seen.orphans) if holder.relation in ("adopted", "stray")]
    return instead[0].listener.pid if instead else None


def _error(report: Report) -> str | None:
    """The error with the last line of output, which a page shows below it."""
    last = last_line(report.tail)
    return f"{report.error}; last output: {last}" if report.error and last else report.error


def _health(report: Report) -> dict[str, Any] | None:
    answer = report.seen.answer
    return {"ok": answer.ok, "detail": answer.detail, "latency_ms": answer.latency_ms} if answer else None


def listener_of(seen: Observation) -> dict[str, Any] | None:
    """Who listens on its port; None if nobody does."""
    holder = seen.holders[0] if seen.holders else None
    return {"pid": holder.listener.pid, "name": holder.listener.name, "relation": holder.relation} if holder else None


def finding_document(finding: Finding) -> dict[str, Any]:
    """One check of the doctor (contract: Documents, Other documents)."""
    return {name: getattr(finding, name) for name in ("name", "ok", "severity", "reason", "remedy", "fixed")}


def dumps(document: object) -> str:
    """JSON as it goes to stdout: in ASCII, which every locale can print."""
    import json

    return json.dumps(document, indent=2)


END_OF_LIST = "\n  ]"
"""Behind any piece but the last it ends the list."""


def dumps_in_pieces(
    before: Mapping[str, object], name: str, texts: Iterable[str], after: Callable[[], Mapping[str, object]]
) -> Iterator[str]:
    """What `dumps` says of these keys with the texts as a list between them; `after` is asked behind the last text."""
    import json

    yield json.dumps({**before, name: []}, indent=2).removesuffix("]\n}")
    begin, end = "\n    ", "]"
    for text in texts:
        yield f"{begin}{json.dumps(text)}"
        begin, end = ",\n    ", END_OF_LIST
    yield f"{end},{json.dumps(after(), indent=2).removeprefix('{')}"


def dumps_line(document: object) -> str:
    """JSON on one line, in ASCII too, for a stream of documents."""
    import json

    return json.dumps(document)
