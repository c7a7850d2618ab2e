"""Tables: one line for each report, worker or finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..model import Finding, Report
from ..text.duration import duration
from ..text.sanitize import plain
from .document import listens, pid_of, restarts_of
from .style import Style
from .width import columns


def table(reports: Sequence[Report], style: Style) -> str:
    """`ps`: one line a service."""
    titles = ("SERVICE", "STATE", "PORT", "PID", "UP", "MEMORY", "WINDOW", "")
    names = [report.service.name for report in reports]
    return _in_columns(titles, [_row(report) for report in reports], 0, lambda name: style.hue(name, names, name))


def _in_columns(titles: Sequence[str], rows: Sequence[Sequence[str]], painted: int, paint: Callable[[str], str]) -> str:
    """Titles and rows, each column as wide as its widest cell; one column's cells are painted."""
    widths = [max(map(columns, column)) for column in zip(titles, *rows, strict=True)]

    def line(shown: Sequence[str], cells: Sequence[str]) -> str:
        padded = (text + " " * (width - columns(cell)) for text, cell, width in zip(shown, cells, widths, strict=True))
        return "   ".join(padded).rstrip()

    colourful = ([*row[:painted], paint(row[painted]), *row[painted + 1 :]] for row in rows)
    return "\n".join([line(titles, titles), *map(line, colourful, rows)])


def _row(report: Report) -> tuple[str, ...]:
    seen = report.seen
    up = duration(seen.age) if seen.alive and seen.age else "-"
    memory = f"{seen.rss_bytes / 1024**2:.0f} MiB" if seen.rss_bytes is not None else "-"
    window = str(seen.pane.index) if seen.pane else "-"
    told = [seen.run.status] if seen.alive and seen.run and seen.run.status and not report.error else []
    extra = plain("; ".join([*([report.error] if report.error else []), *told, *report.notes]))
    extra += f" ({again})" if (again := restarts_of(seen)) else ""
    port = str(seen.port) if seen.port and (listens(seen) or not seen.alive) else "-"
    pid = str(pid_of(report) or "-")
    return report.service.name, report.state, port, pid, up, memory, window, extra.strip()


def workers_table(workers: Sequence[Mapping[str, Any]], style: Style) -> str:
    """One line a worker; what it does not report is a dash."""
    titles = ("WORKER", "SERVICE", "STATUS", "PID", "MEMORY", "CPU", "QUEUE", "JOBS", "ERRORS", "JOB")
    colours = {"working": "GREEN", "error": "RED"}
    rows = [_worker_row(worker) for worker in workers]
    return _in_columns(titles, rows, 2, lambda status: style.paint(status, colours.get(status, "CYAN")))


def _worker_row(worker: Mapping[str, Any]) -> list[str]:
    usage = worker.get("resource_usage")
    used: Mapping[str, Any] = usage if isinstance(usage, Mapping) else {}
    memory = f"{used['rss_mb']} MB" if used.get("rss_mb") is not None else "-"
    cpu = f"{used['cpu_percent']} %" if used.get("cpu_percent") is not None else "-"
    who = (_cell(worker, name) for name in ("id", "service", "status", "pid"))
    work = (_cell(worker, name) for name in ("queue_depth", "messages_processed", "errors", "current_job"))
    return [*who, memory, cpu, *work]


def _cell(worker: Mapping[str, Any], name: str) -> str:
    value = worker.get(name)
    return plain(str(value))[:60] if value is not None else "-"


def stats_table(rows: Sequence[tuple[str, ...]], style: Style) -> str:
    """One line a log: its service, lines, bytes, levels, first and last time."""
    names = [row[0] for row in rows]
    titles = ("SERVICE", "LINES", "BYTES", "LEVELS", "FIRST", "LAST")
    return _in_columns(titles, rows, 0, lambda name: style.hue(name, names, name))


def findings_page(findings: Sequence[Finding], style: Style) -> str:
    """One line a check, with the remedy beside what does not hold."""
    width = max((len(finding.name) for finding in findings), default=0)
    return "\n".join(line for finding in findings for line in _finding_lines(finding, width, style))


def _finding_lines(finding: Finding, width: int, style: Style) -> list[str]:
    sign = "ok" if finding.ok else "bad" if finding.severity == "error" else "warn"
    line = f"{style.sign(sign)} {finding.name.ljust(width)}  {plain(finding.reason)}"
    return [line, f"   {style.sign('hints')} {plain(finding.remedy)}"] if not finding.ok and finding.remedy else [line]
