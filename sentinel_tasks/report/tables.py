"""Many reports, workers or findings → one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..logtext import plain
from ..model import Finding, Report
from ..times import duration
from .document import pid_of, restarts_of
from .style import Style


def table(reports: Sequence[Report], style: Style) -> str:
    """`ps`: one line a service."""
    rows = [_row(report) for report in reports]
    titles = ("SERVICE", "STATE", "PORT", "PID", "UP", "MEMORY", "WINDOW", "")
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles) - 1)]
    names = [report.service.name for report in reports]
    lines = ["   ".join(_padded(titles, widths)).rstrip()]
    for name, *row in rows:
        hued = style.hue(name, names, name) + " " * (widths[0] - len(name))
        lines.append("   ".join([hued, *_padded(row, widths[1:])]).rstrip())
    return "\n".join(lines)


def _padded(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Each cell as wide as its column; the last has no width."""
    return [*(text.ljust(width) for text, width in zip(cells, widths, strict=False)), *cells[len(widths) :]]


def _row(report: Report) -> tuple[str, ...]:
    seen = report.seen
    up = duration(seen.age) if seen.alive and seen.age else "-"
    memory = f"{seen.rss_bytes / 1024**2:.0f} MiB" if seen.rss_bytes is not None else "-"
    window = str(seen.pane.index) if seen.pane else "-"
    extra = plain(report.error or "")
    extra += f" ({again})" if (again := restarts_of(seen)) else ""
    port, pid = str(seen.port or "-"), str(pid_of(report) or "-")
    return report.service.name, report.state, port, pid, up, memory, window, extra.strip()


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


def findings_page(findings: Sequence[Finding], style: Style) -> str:
    """One line a check, with the remedy beside what does not hold."""
    width = max((len(finding.name) for finding in findings), default=0)
    return "\n".join(line for finding in findings for line in _finding_lines(finding, width, style))


def _finding_lines(finding: Finding, width: int, style: Style) -> list[str]:
    mark = "ok" if finding.ok else "bad" if finding.severity == "error" else "warn"
    line = f"{style.mark(mark)} {finding.name.ljust(width)}  {plain(finding.reason)}"
    return [line, f"   {style.mark('hints')} {plain(finding.remedy)}"] if not finding.ok and finding.remedy else [line]
