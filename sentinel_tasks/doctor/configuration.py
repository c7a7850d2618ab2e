"""The configuration's values, keys that nothing reads, and a tasks file that hides its services."""

from __future__ import annotations

from ..model import Finding
from .findings import failed, passed_unless
from .look import Look


def values(look: Look) -> list[Finding]:
    """Every value is allowed; if not, the exit code is 2, as with every other task."""
    wrong = [
        failed(
            "configuration", f"{problem.key}: {problem.value!r}: {problem.reason}", "correct it; nothing starts before"
        )
        for problem in look.given.problems
    ]
    names = ", ".join(service.name for service in look.workspace.services)
    return passed_unless("configuration", wrong, f"services: {names}" if names else "no services")


def unread_keys(look: Look) -> list[Finding]:
    """Every key of the project's configuration file, and every variable of our section, is read by something."""
    wrong = [
        failed("unread-keys", f"nothing reads {key}", f"did you mean {meant}?" if meant else "remove it", "warning")
        for key, meant in look.given.unread
    ]
    return passed_unless("unread-keys", wrong, "every key is read") if look.given.keys_are_known else wrong


def tasks_file(look: Look) -> list[Finding]:
    """There is a tasks file, and Invoke lists every service that it declares."""
    if not look.given.has_tasks_file:
        reason = f"there is no tasks.py in {look.workspace.path}, nor above it: Invoke lists no task"
        return [failed("tasks-file", reason, "echo 'from sentinel_tasks import namespace' >tasks.py", "warning")]
    wrong = [
        failed(
            "tasks-file",
            f"{file} has {', '.join(names)}, but Invoke lists no task of {'it' if len(names) == 1 else 'them'}",
            f"write there: namespace = workspace({', '.join(name.replace('-', '_') for name in names)})",
            "warning",
        )
        for file, names in look.given.unlisted
    ]
    return passed_unless("tasks-file", wrong, "every service that it declares is listed")
