"""How findings are made. Pure."""

from __future__ import annotations

from collections.abc import Callable

from ..model import Finding, Severity


def passed(name: str, reason: str) -> Finding:
    """A check that holds."""
    return Finding(name, True, "info", reason)


def failed(
    name: str, reason: str, remedy: str, severity: Severity = "error", mend: Callable[[], object] | None = None
) -> Finding:
    """A check that does not hold; `mend` is what `--fix` may do about it."""
    return Finding(name, False, severity, reason, remedy, mend=mend)


def passed_unless(name: str, wrong: list[Finding], reason: str) -> list[Finding]:
    """The findings in `wrong`; if there are none, one that the check holds."""
    return wrong or [passed(name, reason)]
