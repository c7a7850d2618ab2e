"""Report → words or JSON. The only place that knows colour, emoji and the terminal's width."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from .logtext import plain
from .model import Finding, Progress, Report, Service
from .times import duration

MARKS = {
    "ok": ("✅", "[ok]"),
    "bad": ("❌", "[x]"),
    "warn": ("⚠️", "[!]"),
    "status": ("📊", "=="),
    "workers": ("👷", "-"),
    "tmux": ("📦", "=="),
    "hints": ("💡", "--"),
    "wait": ("⏳", "..."),
    "rule": ("━", "-"),
    "dash": ("—", "-"),
}
COLOURS = {"ok": "GREEN", "bad": "RED", "warn": "YELLOW"}
RULE_WIDTH = 40
WORTH_SAYING = 0.5
"""Seconds before a wait is worth a line off a terminal."""
GOOD = ("running", "starting", "completed")
LEVEL = {
    "running": "ok", "completed": "ok", "starting": "wait", "unhealthy": "warn",
    "stopped": "bad", "crashed": "bad", "conflict": "warn",
}  # fmt: skip
PALETTE = ("CYAN", "MAGENTA", "YELLOW", "GREEN", "BLUE", "RED")


@dataclass(frozen=True)
class Style:
    """How one stream may be written to."""

    emoji: bool
    colour: bool
    live: bool = False

    def mark(self, name: str) -> str:
        """The mark, coloured if it stands for good or bad."""
        shown = MARKS[name][0 if self.emoji else 1]
        return self.paint(shown, COLOURS[name]) if name in COLOURS and not self.emoji else shown

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour of colorama's, or as it is."""
        if not self.colour:
            return text
        from colorama import Fore
        from colorama import Style as Bright

        return f"{getattr(Fore, colour)}{text}{Bright.RESET_ALL}"

    def hue(self, text: str, names: Sequence[str], name: str) -> str:
        """The text in the colour that is this name's own among these."""
        return self.paint(text, PALETTE[names.index(name) % len(PALETTE)])


def style_of(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """What this stream can show: emoji where the locale is UTF-8, colour on a terminal (SPEC §3)."""
    terminal = stream.isatty() and environ.get("TERM") != "dumb"
    forced = environ.get("FORCE_COLOR", "") not in ("", "0")
    colour = (terminal or forced) and not environ.get("NO_COLOR")
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    encoding = locale.partition("@")[0].lower().replace("-", "")
    return Style(encoding.endswith("utf8"), colour, terminal)


def never_fail_to_print() -> None:
    """A name that the terminal's encoding lacks is shown escaped, not as a UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


# JSON


def as_json(report: Report) -> dict[str, Any]:
    """The object of SPEC §6."""
    seen, service, pane, run = report.seen, report.service, report.seen.pane, report.seen.run
    alive = seen.alive
    holder = seen.holders[0] if seen.holders else None
    document: dict[str, Any] = {
        "service": service.name,
        "state": report.state,
        "workspace": report.workspace.path,
        "session": seen.session if seen.session_exists else None,
        "window": {"index": pane.index, "name": pane.window_name, "id": pane.window_id} if pane else None,
        "pid": _pid(report),
        "port": seen.port,
        "url": f"http://localhost:{seen.port}" if seen.port else None,
        "health": _health(report),
        "workers": seen.answer.workers if seen.answer else None,
        "summary": dict(seen.answer.summary) if seen.answer and seen.answer.summary else None,
        "uptime_s": round(seen.age, 1) if alive and seen.age else None,
        "rss_bytes": seen.rss_bytes,
        "exit_code": run.exit_code if run and not alive else None,
        "signal": run.signal if run and not alive else None,
        "restarts": run.restarts if run else 0,
        "listener": {"pid": holder.listener.pid, "name": holder.listener.name, "relation": holder.relation}
        if holder
        else None,
        "log": f"{(pane and pane.state) or report.workspace.state_folder}/{service.name}.log",
        "error": report.error,
    }
    if report.changed is not None:
        document["changed"] = report.changed
    return document


def _pid(report: Report) -> int | None:
    seen = report.seen
    if seen.alive:
        return seen.process.pid if seen.process else None
    adopted = next((holder for holder in seen.holders if holder.relation == "adopted"), None)
    return adopted.listener.pid if adopted else None


def _health(report: Report) -> dict[str, Any] | None:
    answer = report.seen.answer
    return {"ok": answer.ok, "detail": answer.detail, "latency_ms": answer.latency_ms} if answer else None


def dumps(document: object) -> str:
    """JSON as it goes to stdout: ASCII, so that no locale can spoil it."""
    return json.dumps(document, indent=2)


def dumps_line(document: object) -> str:
    """The same on one line, for a stream of documents."""
    return json.dumps(document)


# Words


def status_page(report: Report, style: Style) -> str:
    """`NAME.status` on a terminal (SPEC §3)."""
    service = report.service
    lines = [f"{style.mark('status')} {plain(service.title)} Status", _rule(style), _headline(report, style)]
    lines += _workers(report, style)
    lines += ["", f"{style.mark('tmux')} tmux Session: {report.seen.session}", *_session_lines(report, style)]
    lines += [f"{style.mark('warn')} {plain(note)}" for note in report.notes]
    return "\n".join([*lines, "", *_hints(report, style)])


def _rule(style: Style) -> str:
    return style.mark("rule") * RULE_WIDTH


def _headline(report: Report, style: Style) -> str:
    label = f"{_short(report.service)} Status"
    return f"{style.mark(LEVEL[report.state])} {label}: {_state_words(report)}"


def _short(service: Service) -> str:
    """The last word of its title, fit for a line: `API`."""
    return (plain(service.title).split() or [service.name])[-1]


def _state_words(report: Report) -> str:
    seen = report.seen
    on_port = f" on port {seen.port}" if seen.port else ""
    if report.state == "running":
        return f"Running{on_port}"
    if report.state == "starting":
        return f"Starting{on_port} ({plain(seen.answer.detail)})" if seen.answer else f"Starting{on_port}"
    if report.state == "crashed":
        return f"Crashed ({_how(report)}){_ago(report)}: {plain(report.error or '').partition(': ')[2]}".removesuffix(
            ": "
        )
    if report.state == "conflict":
        return f"Conflict: {plain(report.error or '')}"
    if report.state == "unhealthy":
        return f"Unhealthy{on_port}: {plain(seen.answer.detail) if seen.answer else 'no answer'}"
    return f"{report.state.capitalize()}{_ago(report)}"


def _how(report: Report) -> str:
    run = report.seen.run
    if run is None or run.ended is None:
        return "its launcher was killed"
    if run.error:
        return "not started"
    return run.signal or f"exit {run.exit_code}"


def _ago(report: Report) -> str:
    run = report.seen.run
    return f" {duration(time.time() - run.ended).split()[0]} ago" if run and run.ended else ""


def _workers(report: Report, style: Style) -> list[str]:
    answer = report.seen.answer
    if answer is None or answer.workers is None:
        return []
    parts = ", ".join(f"{count} {name}" for name, count in answer.summary)
    return [f"{style.mark('workers')} Workers: {answer.workers}{f' ({parts})' if parts else ''}"]


def _session_lines(report: Report, style: Style) -> list[str]:
    seen, title = report.seen, report.service.name.capitalize()
    if not seen.session_exists:
        return [f"{style.mark('bad')} Session does not exist"]
    lines = [f"{style.mark('ok')} Session exists"]
    if seen.pane is None:
        return [*lines, f"{style.mark('bad')} {title} window does not exist"]
    lines.append(f"{style.mark('ok')} {title} window exists (window {seen.pane.index})")
    if not seen.alive:
        return [*lines, f"{style.mark('bad')} Process is not running"]
    return [*lines, f"{style.mark('ok')} Process is running in tmux ({_process(report)})"]


def _process(report: Report) -> str:
    seen = report.seen
    facts = [f"pid {_pid(report)}", f"up {duration(seen.age)}"]
    facts += [f"{seen.rss_bytes / 1024**2:.0f} MiB"] if seen.rss_bytes is not None else []
    facts += [f"{seen.run.restarts} restarts"] if seen.run and seen.run.restarts else []
    return ", ".join(facts)


def _hints(report: Report, style: Style) -> list[str]:
    name, title = report.service.name, report.service.name.capitalize()
    start, short = report.service.verb, _short(report.service)
    running = [("attach", f"Attach to {name} window"), ("logs", "View recent logs"), ("stop", f"Stop the {short}")]
    resting = [(start, f"Start the {short}"), ("logs", "View recent logs")]
    hints = running if report.seen.alive else resting
    width = max(len(verb) for verb, _ in hints)
    lines = [f"  inv {name}.{verb.ljust(width)}  - {what}" for verb, what in hints] if report.service.has_tasks else []
    more = [f"  {plain(report.hint)}"] if report.hint and report.state == "conflict" else []
    return [f"{style.mark('hints')} Commands:", *more, *lines] if lines or more else [title]


def outcome_line(report: Report, done: str, style: Style) -> str:
    """One line for what a task did to one service; `done` is the word for a change (`started`, `stopped`)."""
    seen, service = report.seen, report.service
    if report.code:
        return f"{style.mark('bad')} {service.name}: {plain(report.error or report.state)}"
    where = f" at {_url(service, report)}" if seen.port and report.state in GOOD else ""
    window = f", window {seen.pane.index} of {seen.session}" if seen.pane and report.state in GOOD else ""
    pid = f" (pid {_pid(report)}{window})" if _pid(report) and report.state in GOOD else ""
    word = done if report.changed else f"already {report.state}" if report.state != "stopped" else "not running"
    extra = f", {report.state}" if report.changed and report.state not in ("running", "stopped") else ""
    return f"{style.mark('ok')} {service.name}: {word}{extra}{where}{pid}"


def _url(service: Service, report: Report) -> str:
    scheme = "https" if str(service.health.target).startswith("https:") else "http"
    return f"{scheme}://localhost:{report.seen.port}"


def note_lines(report: Report) -> list[str]:
    """What else is to be known of the outcome."""
    return [f"   {plain(note)}" for note in report.notes]


def details(report: Report, style: Style) -> list[str]:
    """What belongs below the outcome: notes, the last lines of output, the way on."""
    lines = note_lines(report)
    if report.tail:
        lines += ["   last output:", *(f"   | {line}" for line in report.tail)]
    lines += [f"   {style.mark('hints')} {plain(report.hint)}"] if report.hint and report.code else []
    return lines


def table(reports: Sequence[Report], style: Style) -> str:
    """`ps`: one line a service."""
    rows = [_row(report) for report in reports]
    titles = ("", "SERVICE", "STATE", "PORT", "PID", "UP", "MEMORY", "WINDOW", "")
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(1, len(titles) - 1)]
    lines = ["   ".join(text.ljust(width) for text, width in zip(titles[1:], widths, strict=False)).rstrip()]
    names = [report.service.name for report in reports]
    for _report, row in zip(reports, rows, strict=True):
        cells = [text.ljust(width) for text, width in zip(row[1:], widths, strict=False)]
        cells[0] = style.hue(row[1], names, row[1]) + " " * (widths[0] - len(row[1]))
        lines.append(f"{'   '.join(cells)}   {row[-1]}".rstrip())
    return "\n".join(lines)


def workers_table(workers: Sequence[Mapping[str, Any]], style: Style) -> str:
    """One line a worker; what it does not tell is a dash."""
    titles = ("WORKER", "SERVICE", "STATUS", "PID", "MEMORY", "CPU", "QUEUE", "JOBS", "ERRORS", "JOB")
    rows = [_worker_row(worker) for worker in workers]
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]
    lines = ["   ".join(cell.ljust(width) for cell, width in zip(titles, widths, strict=True)).rstrip()]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[2] = style.paint(cells[2], {"working": "GREEN", "error": "RED"}.get(row[2], "CYAN"))
        lines.append("   ".join(cells).rstrip())
    return "\n".join(lines)


def _worker_row(worker: Mapping[str, Any]) -> tuple[str, ...]:
    usage = worker.get("resource_usage")
    used: Mapping[str, Any] = usage if isinstance(usage, Mapping) else {}
    memory = f"{used['rss_mb']} MB" if used.get("rss_mb") is not None else "-"
    cpu = f"{used['cpu_percent']} %" if used.get("cpu_percent") is not None else "-"
    told = ("queue_depth", "messages_processed", "errors", "current_job")
    rest = (_cell(worker, name) for name in told)
    return (
        _cell(worker, "id"),
        _cell(worker, "service"),
        _cell(worker, "status"),
        _cell(worker, "pid"),
        memory,
        cpu,
        *rest,
    )


def _cell(worker: Mapping[str, Any], name: str) -> str:
    value = worker.get(name)
    return plain(str(value))[:60] if value is not None else "-"


def _row(report: Report) -> tuple[str, ...]:
    seen = report.seen
    up = duration(seen.age) if seen.alive and seen.age else "-"
    memory = f"{seen.rss_bytes / 1024**2:.0f} MiB" if seen.rss_bytes is not None else "-"
    window = str(seen.pane.index) if seen.pane else "-"
    extra = plain(report.error or "")
    extra += f" ({seen.run.restarts} restarts)" if seen.run and seen.run.restarts else ""
    return (
        "",
        report.service.name,
        report.state,
        str(seen.port or "-"),
        str(_pid(report) or "-"),
        up,
        memory,
        window,
        extra.strip(),
    )


# The doctor


def finding_document(finding: Finding) -> dict[str, Any]:
    """One check of SPEC §6."""
    return {name: getattr(finding, name) for name in ("name", "ok", "severity", "reason", "remedy", "fixed")}


def findings_page(findings: Sequence[Finding], style: Style) -> str:
    """One line a check, with the remedy beside what does not hold."""
    width = max((len(finding.name) for finding in findings), default=0)
    return "\n".join(line for finding in findings for line in _finding_lines(finding, width, style))


def _finding_lines(finding: Finding, width: int, style: Style) -> list[str]:
    mark = "ok" if finding.ok else "bad" if finding.severity == "error" else "warn"
    line = f"{style.mark(mark)} {finding.name.ljust(width)}  {plain(finding.reason)}"
    return [line, f"   {style.mark('hints')} {plain(finding.remedy)}"] if not finding.ok and finding.remedy else [line]


# While waiting


class Live:
    """Shows on a terminal's last lines what a task waits for; off a terminal it says it once."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self.stream, self.style = stream, style
        self.drawn = 0
        self.said: set[str] = set()

    def show(self, waiting: Sequence[Progress]) -> None:
        """Draws, or says, what is waited for."""
        if self.style.live:
            self._draw([self._line(each) for each in waiting])
            return
        for each in waiting:
            if each.elapsed >= WORTH_SAYING and each.service.name not in self.said:
                self.said.add(each.service.name)
                self._write(f"{self.style.mark('wait')} {each.service.name}: {each.word}, for up to {each.limit:g} s\n")

    def _line(self, each: Progress) -> str:
        so_far = f"{each.service.name}: {each.word} {each.elapsed:.1f} of {each.limit:g} s"
        text = f"{self.style.mark('wait')} {so_far}  {plain(each.last_line)}"
        return text[: max(10, shutil.get_terminal_size().columns - 3)]

    def _draw(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\x1b[K\n" for line in lines)
        self._write(f"{self._up()}{text}\x1b[J")
        self.drawn = len(lines)

    def clear(self) -> None:
        """Leaves no trace of the live lines."""
        if self.drawn:
            self._write(f"{self._up()}\x1b[J")
            self.drawn = 0

    def _up(self) -> str:
        return f"\x1b[{self.drawn}A\r" if self.drawn else ""

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
