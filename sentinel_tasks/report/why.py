"""`NAME.why`: on one screen what a person would look for in five places."""

from __future__ import annotations

from typing import Any

from ..model import Observation, RanWell, Report, Why
from ..text.duration import duration, moment
from ..text.sanitize import plain, shortened
from .document import listener_of
from .page import LEVEL, state_words
from .phrases import command
from .style import Style

LINES_OF_OUTPUT = 10
SHORT_COMMIT = 9


def why_document(found: Why) -> dict[str, Any]:
    """The same as JSON (contract: Documents, Other documents)."""
    report, seen = found.report, found.report.seen
    return {
        "service": report.service.name,
        "state": report.state,
        "cause": _cause(report) or None,
        "waits_for": [{"service": each.name, "for": each.condition, "state": each.state} for each in found.waits_for],
        "port": seen.port,
        "listener": listener_of(seen),
        "ran_well": {"time": found.well.at, "commit": found.well.commit or None} if found.well else None,
        "changes": list(found.changes),
        "commit": found.commit or None,
        "last_output": [*map(shortened, found.last_output)],
        "next": _next(found),
    }


def why_page(found: Why, style: Style) -> str:
    """One screen: the state with its cause, then only what there is to tell."""
    report = found.report
    lines = [f"{style.sign(LEVEL[report.state])} {report.service.name}: {_headline(report)}"]
    if found.waits_for:
        lines.append(f"   waits for {', '.join(f'{each.name} ({each.state})' for each in found.waits_for)}")
    lines += [f"   {line}" for line in (*_port(report), *_since(found), *map(plain, report.notes))]
    if found.last_output:
        lines += ["   last output:", *(f"   | {shortened(line)}" for line in found.last_output[-LINES_OF_OUTPUT:])]
    return "\n".join([*lines, *(f"   {style.sign('hints')} {plain(way)}" for way in _next(found))])


def _headline(report: Report) -> str:
    words = state_words(report)
    return f"{words[:1].lower()}{words[1:]}"


def _cause(report: Report) -> str:
    answer = report.seen.answer
    return report.error or (answer.detail if report.state == "starting" and answer else "")


def _port(report: Report) -> list[str]:
    seen = report.seen
    is_worth_it = seen.port is not None and report.state != "conflict" and (seen.alive or seen.holders)
    return [f"port {seen.port}: {_listens(seen)}"] if is_worth_it else []


def _listens(seen: Observation) -> str:
    if not seen.holders:
        return "nothing listens there"
    held = [holder.listener for holder in seen.holders]
    return ", ".join(f"{plain(each.name or 'a process')} (pid {each.pid})" for each in held if each.pid) or "taken"


def _since(found: Why) -> list[str]:
    if found.well is None:
        return ["no start has found it healthy yet"]
    ago = duration(found.report.seen.now - found.well.at)
    told = [f"last found healthy by a start {ago} ago ({moment(found.well.at)})"]
    changes = [*found.changes, *_commits(found.well, found.commit)]
    return [*told, f"changed since then: {', '.join(changes)}" if changes else "nothing has changed since then"]


def _commits(well: RanWell, commit: str) -> list[str]:
    differ = well.commit and commit and well.commit != commit
    return [f"git commit {well.commit[:SHORT_COMMIT]} -> {commit[:SHORT_COMMIT]}"] if differ else []


def _next(found: Why) -> list[str]:
    """What to type next: on the services that it waits for first."""
    report, typed = found.report, found.report.workspace.typed
    asked = [typed.task("why", each.name) for each in found.waits_for]
    rest = "logs" if report.seen.alive else "start"
    own = report.hint or command(report.service, rest, typed)
    return list(dict.fromkeys(filter(None, [*asked, own])))
