"""One tree of errors: what happened, why, and the next command to type.

An error means that the task could not do its work. A service that was refused or has crashed is no error: the task
did its work and has a :class:`~sentinel_tasks.model.Report` of it.
"""

from typing import NamedTuple


class SentinelError(Exception):
    """Ends a task: what happened (`what`), the next command to type (`hint`), the exit code (contract: Tasks).

    `{doctor}` and `{ps}` in a hint stand for these tasks, as they are typed where it is shown.
    """

    exit_code = 1

    def __init__(self, what: str, hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.exit_code = self.exit_code if exit_code is None else exit_code


class Problem(NamedTuple):
    """One wrong value: the key's full path, the value as given, and what is allowed."""

    key: str
    value: object
    reason: str


class ConfigurationError(SentinelError):
    """The configuration or a flag is wrong; it has every problem that was found, and nothing was started."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        lines = [_on_one_line(f"{p.key}: {p.value!r}: {p.reason}") for p in problems]
        super().__init__("\n".join(lines))
        self.problems = problems


def _on_one_line(text: str) -> str:
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


class NothingThere(SentinelError):
    """What the task was to show does not run, or was never there."""

    exit_code = 3


class TmuxUnavailable(SentinelError):
    """tmux is missing, or older than 3.2."""

    exit_code = 5


class TmuxRefused(SentinelError):
    """tmux answered a command with an error; `was_overtaken` if somebody else changed its target meanwhile."""

    def __init__(self, what: str, hint: str = "", was_overtaken: bool = False) -> None:
        super().__init__(what, hint)
        self.was_overtaken = was_overtaken


class StateFolderUnusable(SentinelError):
    """The state folder can't be created or written to, or is not safe to use."""


class ValuesNeeded(SentinelError):
    """What is remembered of a workspace is not enough to tell this; its configuration must be read."""


class Interrupted(SentinelError):
    """Ctrl-C during a wait: the task ends, the service goes on."""

    exit_code = 130
