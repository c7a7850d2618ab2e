"""Runs the checks; with `fix`, mends what may be mended and looks again before it reports that."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from ..errors import SentinelError
from ..model import Finding
from . import configuration, machine, processes, server, services, state
from .findings import failed
from .look import Look

Check = Callable[[Look], list[Finding]]

CHECKS: tuple[Check, ...] = (
    machine.packages,
    machine.invoke,
    machine.tmux,
    server.socket_folder,
    server.socket,
    server.environment,
    server.status_line,
    server.session_names,
    server.history_limit,
    server.gone_workspaces,
    configuration.values,
    configuration.unread_keys,
    configuration.tasks_file,
    services.commands,
    services.ports,
    services.shared_ports,
    processes.unconfigured,
    processes.windows,
    services.changed,
    processes.strays,
    state.state_folder,
    state.locks,
    state.logs,
    state.log_pumps,
    state.watchers,
)


def examine(look: Callable[[], Look], fix: bool, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """Every check's findings, in order; with `fix`, what was mended is looked at again before it is reported."""
    first = look()
    findings = []
    for check in checks:
        found = _found(check, first)
        findings += _mended(check, look, found) if fix and any(finding.mend for finding in found) else found
    return findings


def _found(check: Check, look: Look) -> list[Finding]:
    """The findings of one check; a check that can't be made does not hold."""
    try:
        return check(look)
    except (SentinelError, OSError) as reason:
        return [failed(check.__name__.replace("_", "-"), f"can't be checked: {reason}", getattr(reason, "hint", ""))]


def _mended(check: Check, look: Callable[[], Look], before: list[Finding]) -> list[Finding]:
    in_the_way = {finding.reason: why for finding in before if (why := _mend(finding))}
    after = _found(check, look())
    still = {finding.reason for finding in after}
    mended = [_as_mended(finding) for finding in before if finding.mend and finding.reason not in still]
    names = {finding.name for finding in mended}
    left = [finding for finding in after if not (finding.ok and finding.name in names)]
    return [*mended, *(_with_why(finding, in_the_way.get(finding.reason, "")) for finding in left)]


def _mend(finding: Finding) -> str:
    """Mends it; returns what was in the way, or nothing."""
    try:
        if finding.mend is not None:
            finding.mend()
    except (SentinelError, OSError) as reason:
        return str(reason)
    return ""


def _as_mended(finding: Finding) -> Finding:
    reason = f"mended: {finding.reason}"
    return replace(finding, ok=True, severity="info", reason=reason, remedy="", fixed=True, mend=None)


def _with_why(finding: Finding, why: str) -> Finding:
    return replace(finding, reason=f"{finding.reason}; it can't be mended: {why}") if why else finding


def exit_code(findings: Iterable[Finding], wrong_configuration: bool) -> int:
    """0 if all holds, 1 if not, 2 if the configuration is wrong (contract: Tasks, Doctor); an `info` never counts."""
    if wrong_configuration:
        return 2
    return int(any(not finding.ok and finding.severity != "info" for finding in findings))
