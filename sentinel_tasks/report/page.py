"""The status page of a service, and the line that says what a task did to it."""

from __future__ import annotations

from ..model import STATES_AS_WANTED, Observation, Report, Service
from ..text.duration import duration
from ..text.sanitize import plain, shortened
from .document import listens, pid_of, restarts_of, url_of
from .phrases import command, ended, how_it_ended
from .style import Style

RULE_WIDTH = 40
SHORT_TITLES = {"Worker Telemetry API": "API", "Dev Server": "Server"}
UNCHANGED = {"stopped": "not running", "crashed": "not running, it crashed"}
LEVEL = {
    "running": "ok", "completed": "ok", "starting": "wait", "unhealthy": "warn",
    "stopped": "bad", "crashed": "bad", "conflict": "warn",
}  # fmt: skip


def status_page(report: Report, style: Style) -> str:
    """`NAME.status` on a terminal (contract: Tasks)."""
    service = report.service
    lines = [f"{style.sign('status')} {plain(service.title)} Status", _rule(style), _headline(report, style)]
    lines += _workers(report, style)
    session = plain(report.seen.place or report.seen.session)
    lines += ["", f"{style.sign('tmux')} tmux Session: {session}", *_session_lines(report, style)]
    lines += [f"{style.sign('warn')} {plain(note)}" for note in report.notes if note != how_it_ended(report.seen)]
    return "\n".join([*lines, *_hints(report, style)])


def _rule(style: Style) -> str:
    return style.sign("rule") * RULE_WIDTH


def _headline(report: Report, style: Style) -> str:
    label = f"{_short(report.service)} Status"
    return f"{style.sign(LEVEL[report.state])} {label}: {state_words(report)}"


def _short(service: Service) -> str:
    """Its title as it fits into a line: `API`."""
    title = " ".join(plain(service.title).split())
    return SHORT_TITLES.get(title, title) or service.name


def state_words(report: Report) -> str:
    """Its state in words, with where and why."""
    seen = report.seen
    on_port = _on_port(seen)
    if report.state == "running":
        silent = f" (nothing listens on port {seen.port})" if seen.port and not on_port else ""
        told = f": {plain(seen.run.status)}" if seen.alive and seen.run and seen.run.status else ""
        return f"Running{on_port}{silent}{told}"
    if report.state == "starting":
        instead = f"; it listens on {', '.join(seen.elsewhere)} instead" if seen.elsewhere else ""
        return f"Starting{on_port} ({plain(seen.answer.detail)}{instead})" if seen.answer else f"Starting{on_port}"
    if report.state == "crashed":
        cause = plain(report.error or "").partition(": ")[2]
        return f"Crashed ({_how(report)}){_ago(report)}{f': {cause}' if cause else ''}"
    if report.state == "conflict":
        return f"Conflict: {plain(report.error or '')}"
    if report.state == "unhealthy":
        return f"Unhealthy{on_port}: {plain(report.error or 'no answer').removeprefix('not healthy: ')}"
    cause = how_it_ended(seen) if report.state == "stopped" else ""
    return f"{report.state.capitalize()}{_ago(report)}{f': {cause}' if cause else ''}"


def _how(report: Report) -> str:
    run = report.seen.run
    if run is None or run.error:
        return "not started"
    return f"exit {run.exit_code}" if run.exit_code is not None else run.signal or ended(run)


def _ago(report: Report) -> str:
    run = report.seen.run
    return f" {duration(report.seen.now - run.ended).split()[0]} ago" if run and run.ended else ""


def _workers(report: Report, style: Style) -> list[str]:
    answer = report.seen.answer
    if answer is None or answer.workers is None:
        return []
    parts = ", ".join(f"{count} {name}" for name, count in answer.summary)
    return [f"{style.sign('workers')} Workers: {answer.workers}{f' ({parts})' if parts else ''}"]


def _session_lines(report: Report, style: Style) -> list[str]:
    seen, title = report.seen, report.service.name.capitalize()
    if seen.place is None:
        lines = [f"{style.sign('bad')} Session does not exist"]
    elif seen.pane is None:
        lines = [f"{style.sign('ok')} Session exists", f"{style.sign('bad')} {title} window does not exist"]
    else:
        lines = [
            f"{style.sign('ok')} Session exists",
            f"{style.sign('ok')} {title} window exists (window {seen.pane.index})",
        ]
    return [*lines, *_process_line(report, style)]


def _process_line(report: Report, style: Style) -> list[str]:
    seen = report.seen
    if seen.alive and seen.launcher and not seen.launcher.is_reached:
        return [f"{style.sign('warn')} Process is running on another tmux server ({_process(report)})"]
    if seen.orphans or (seen.launcher and seen.pane is None):
        return [f"{style.sign('warn')} Process is running without its window ({_process(report)})"]
    if seen.pane is None:
        return []
    if not seen.alive:
        return [f"{style.sign('bad')} Process is not running"]
    if pid_of(report) is None:
        past = f" ({restarts_of(seen)})" if restarts_of(seen) else ""
        return [f"{style.sign('wait')} Process is not running yet{past}"]
    return [f"{style.sign('ok')} Process is running in tmux ({_process(report)})"]


def _process(report: Report) -> str:
    seen = report.seen
    facts = [f"pid {pid_of(report)}"] if pid_of(report) else []
    facts += [f"up {duration(seen.age)}"] if seen.alive else []
    facts += [f"{seen.rss_bytes / 1024**2:.0f} MiB"] if seen.rss_bytes is not None else []
    return ", ".join(filter(None, [*facts, restarts_of(seen)]))


def _hints(report: Report, style: Style) -> list[str]:
    name, short = report.service.name, _short(report.service)
    running = [("attach", f"Attach to {name} window"), ("logs", "View recent logs"), ("stop", f"Stop the {short}")]
    resting = [("start", f"Start the {short}"), ("logs", "View recent logs")]
    adopted = report.state == "running" and not report.seen.alive
    left = [("start", f"Start the {short} in its place"), *running[1:]]
    hints = running[:1] if adopted else left if _is_left(report) else running if report.seen.alive else resting
    here = report.workspace.typed
    commands = [(typed, what) for verb, what in hints if (typed := command(report.service, verb, here))]
    width = max((len(typed) for typed, _ in commands), default=0)
    is_new = report.hint and report.hint not in [typed for typed, _ in commands]
    ways_on = [f"  {plain(report.hint)}"] if is_new and report.state in ("conflict", "unhealthy") else []
    lines = [f"  {typed.ljust(width)}  - {what}" for typed, what in commands]
    return ["", f"{style.sign('hints')} Commands:", *ways_on, *lines] if ways_on or lines else []


def _is_left(report: Report) -> bool:
    """True if it runs without its window."""
    seen = report.seen
    return report.state == "unhealthy" and (not seen.alive or seen.pane is None)


def outcome_line(report: Report, done: str, style: Style) -> str:
    """One line for what a task did to one service; `done` is the word for a change (`started`, `stopped`)."""
    service = report.service
    if report.code:
        return f"{style.sign('bad')} {service.name}: {plain(report.error or report.state)}"
    extra = f", {report.state}" if report.changed and report.state not in ("running", "stopped") else ""
    word = done if report.changed else UNCHANGED.get(report.state, f"already {report.state}")
    place = _place(report) if report.state in STATES_AS_WANTED else ""
    return f"{style.sign('ok')} {service.name}: {word}{extra}{place}"


def _place(report: Report) -> str:
    """The address of the service or the port on which it listens, its process and its window."""
    seen, url = report.seen, url_of(report)
    where = f" at {url}" if url else _on_port(seen)
    window = f", window {seen.pane.index} of {plain(seen.pane.session)}" if seen.pane else ""
    return f"{where} (pid {pid_of(report)}{window})" if pid_of(report) else where


def _on_port(seen: Observation) -> str:
    """Where it listens, with the address where that is not `localhost`; empty if it does not."""
    where = f"port {seen.port}" if seen.host == "localhost" else f"{seen.host}:{seen.port}"
    return f" on {where}" if listens(seen) else ""


def note_lines(report: Report) -> list[str]:
    """The notes of the outcome, a line each."""
    return [f"   {plain(note)}" for note in report.notes]


def details(report: Report, style: Style) -> list[str]:
    """What stands below the outcome: notes, the last lines of output, the next command to type."""
    lines = note_lines(report)
    if report.tail:
        lines += ["   last output:", *(f"   | {shortened(line)}" for line in report.tail)]
    lines += [f"   {style.sign('hints')} {plain(report.hint)}"] if report.hint and report.code else []
    return lines
