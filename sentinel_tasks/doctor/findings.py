"""Findings, made in one line each. Pure."""

from __future__ import annotations

from collections.abc import Callable

from ..model import Finding, Severity


def passed(name: str, reason: str) -> Finding:
    """The check holds."""
    return Finding(name, True, "info", reason)


def failed(
    name: str, reason: str, remedy: str, severity: Severity = "error", mend: Callable[[], object] | None = None
) -> Finding:
    """The check does not hold; `mend` is what `--fix` may do about it."""
    return Finding(name, False, severity, reason, remedy, mend=mend)


def passed_unless(name: str, wrong: list[Finding], reason: str) -> list[Finding]:
    """What is wrong, or the one line that says that nothing is."""
    return wrong or [passed(name, reason)]
