"""The one boundary: a task's body in, an exit code out. Errors end in words, never in a traceback."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

from .console import Console

if TYPE_CHECKING:
    from ..errors import ConfigurationError, Problem, SentinelError

OBJECTS_BETWEEN_COLLECTIONS = 50_000


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Has Python look for garbage less often, which would take a tenth of a short task (contract: Limits)."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def run(context: Context, as_json: bool, task: Callable[[Console], int]) -> None:
    """Runs the task's body; whatever happens, it ends with an exit code of the contract (Tasks)."""
    from ..errors import Interrupted, SentinelError
    from ..report import never_fail_to_print

    never_fail_to_print()
    console = Console(context, as_json)
    try:
        try:
            with seldom_collecting():
                code = task(console)
        finally:
            console.clear()
    except SentinelError as error:
        code = complain(console, error)
    except KeyboardInterrupt:
        code = complain(console, Interrupted("interrupted"))
    except OSError as reason:
        code = complain(console, SentinelError(_in_words(reason), "{doctor}"))
    if code:
        raise Exit(code=code)


def complain(console: Console, error: SentinelError) -> int:
    """Prints the error and the next command to type, with `--json` also as a document; returns the exit code."""
    from ..errors import ConfigurationError
    from ..report.phrases import as_typed
    from ..text.sanitize import plain

    document: dict[str, Any] = {"error": error.what}
    if isinstance(error, ConfigurationError):
        document["problems"] = problem_documents(error.problems)
    with suppress(OSError):
        console.document(document)
    for line in error.what.splitlines():
        console.diagnostic(f"{console.err.sign('bad')} {plain(line)}")
    if hint := as_typed(error.hint, console.typed):
        console.diagnostic(f"   {console.err.sign('hints')} {plain(hint)}")
    return error.exit_code


def complain_of_file(error: ConfigurationError) -> int:
    """Prints what is wrong with a configuration file, while Invoke reads it for a task; returns the exit code."""
    from ..report import never_fail_to_print

    never_fail_to_print()
    return complain(Console(Context(Config(lazy=True)), "--json" in sys.argv), error)


def _in_words(reason: OSError) -> str:
    """What the system refused, and on which file."""
    words = reason.strerror or str(reason)
    return f"{reason.filename}: {words}" if reason.filename else words


def problem_documents(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """What is wrong with the configuration, as the contract (Documents) has it."""
    return [{"key": each.key, "value": _shown(each.value), "reason": each.reason} for each in problems]


def _shown(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
