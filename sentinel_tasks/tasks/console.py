"""The one boundary: Invoke's context in, words and an exit code out. No traceback gets past it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.exceptions import Exit

if TYPE_CHECKING:
    from ..errors import Problem, SentinelError
    from ..model import Workspace
    from ..report import Live, Style
    from ..world import World

OBJECTS_BETWEEN_COLLECTIONS = 50_000


class Console:
    """Where one task's results and diagnostics go: words, or with `--json` one document."""

    def __init__(self, context: Context, as_json: bool) -> None:
        self.context, self.as_json = context, as_json
        self.environ = dict(os.environ)
        self._live: Live | None = None

    @cached_property
    def out(self) -> Style:
        """How results may look."""
        from ..report import style_of

        return style_of(sys.stdout, self.environ)

    @cached_property
    def err(self) -> Style:
        """How diagnostics may look."""
        from ..report import style_of

        return style_of(sys.stderr, self.environ)

    @property
    def dry(self) -> bool:
        """Invoke's own `--dry`: tell the plan, change nothing."""
        return bool(self.context.config.run.dry)

    def result(self, text: str) -> None:
        """Words that were asked for; nothing where a document was."""
        if not self.as_json:
            self._show(text)

    def diagnostic(self, text: str) -> None:
        """Words beside the result."""
        from ..report import put_aside

        put_aside(text, sys.stderr)

    def document(self, document: object) -> None:
        """The document, where one was asked for."""
        if self.as_json:
            from ..report import dumps

            self._show(dumps(document))

    def _show(self, text: str) -> None:
        """A reader that has gone has seen enough, and what became of the task is told by its exit code."""
        from ..report import put

        with suppress(BrokenPipeError):
            put(text, sys.stdout)

    def echo(self, text: str) -> None:
        """Invoke's own `--echo`: each tmux command and each signal."""
        if self.context.config.run.echo:
            self.diagnostic(text)

    # Nouns

    def workspace(self, flags: Mapping[str, Mapping[str, Any]] | None = None) -> Workspace:
        """The workspace of the tasks file; ConfigurationError if anything is wrong with it."""
        from ..config.load import Sources, read
        from ..system.state_folder import state_root
        from .declared import declared

        config = self.context.config
        section, last = _section(config.get("sentinel")), _section(config._runtime.get("sentinel"))
        said = Sources(declared.members(), section, self.environ, last, flags)
        return read(said, self.project, state_root(), declared.problems)

    @property
    def has_tasks_file(self) -> bool:
        """True if Invoke has found one."""
        return self.context.config._project_prefix is not None

    @property
    def project(self) -> str:
        """The folder of the tasks file, where Invoke looks for its configuration."""
        prefix = self.context.config._project_prefix
        return str(prefix) if prefix else os.getcwd()

    def world(self, workspace: Workspace) -> World:
        """The world of that workspace, which shows here that it waits."""
        from ..report import Live
        from ..world import World

        self._live = Live(sys.stderr, self.err)
        return World(workspace, self.environ, self.echo, self._live.show)

    def clear(self) -> None:
        """Takes the live lines away."""
        if self._live:
            self._live.clear()


def _section(found: Any) -> Any:
    return {} if found is None else _plain(found)


def _plain(value: Any) -> Any:
    """Invoke's config objects as plain dicts, so that no key can be mistaken for a method."""
    if hasattr(value, "items") and hasattr(value, "keys"):
        return {str(key): _plain(value[key]) for key in [*value.keys()]}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """A short task is mostly imports, and a collection for every 700 new objects is a tenth of its time.

    Contract: Limits.
    """
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def run(context: Context, as_json: bool, task: Callable[[Console], int]) -> None:
    """Runs the task's body; ends in an exit code of the contract (Tasks) whatever happens."""
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
        code = complain(console, SentinelError(_in_words(reason), "inv doctor"))
    if code:
        raise Exit(code=code)


def complain(console: Console, error: SentinelError) -> int:
    """Says what is wrong and the way on, as a document too where one was asked for; the error's exit code."""
    from ..errors import ConfigurationError
    from ..text.sanitize import plain

    document: dict[str, Any] = {"error": error.what}
    if isinstance(error, ConfigurationError):
        document["problems"] = problem_documents(error.problems)
    with suppress(OSError):
        console.document(document)
    for line in error.what.splitlines():
        console.diagnostic(f"{console.err.mark('bad')} {plain(line)}")
    if error.hint:
        console.diagnostic(f"   {console.err.mark('hints')} {plain(error.hint)}")
    return error.exit_code


def _in_words(reason: OSError) -> str:
    """What the system refused, on what."""
    said = reason.strerror or str(reason)
    return f"{reason.filename}: {said}" if reason.filename else said


def problem_documents(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """What is wrong with the configuration, as the contract (Documents) has it."""
    return [{"key": each.key, "value": _shown(each.value), "reason": each.reason} for each in problems]


def _shown(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
