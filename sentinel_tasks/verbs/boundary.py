"""The one boundary: a verb's body in, an exit code out. Errors end in words, never in a traceback."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from .console import Console

if TYPE_CHECKING:
    from ..errors import Problem, SentinelError

AnyConsole = TypeVar("AnyConsole", bound=Console)

OBJECTS_BETWEEN_COLLECTIONS = 50_000
PARTS_OF_MSGSPEC = ("inspect", "msgpack", "toml", "yaml")
SCHEMA = "msgspec._json_schema"


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Has Python look for garbage less often, which would take a tenth of a short task (contract: Limits)."""
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def import_msgspec() -> None:
    """Imports msgspec without what takes a tenth of a status, and of which most tasks use next to nothing.

    From typing_extensions, which imports inspect, ast, dis and tokenize, it takes names where that is installed, and
    needs none; of datetime it wants what the C module has, which is the same. Its UUIDs ask platform for the system's
    name. Parts of its own come when they are asked for.
    """
    if "msgspec" in sys.modules or "typing_extensions" in sys.modules:
        return
    platform = ModuleType("platform")
    platform.system = lambda: os.uname().sysname  # type: ignore[attr-defined]
    schema = ModuleType(SCHEMA)
    vars(schema).update({name: partial(_schema, name) for name in ("schema", "schema_components")})
    parts = {f"msgspec.{name}": ModuleType(name) for name in PARTS_OF_MSGSPEC}
    without: dict[str, ModuleType | None] = {"typing_extensions": None, "platform": platform, SCHEMA: schema, **parts}
    with suppress(ImportError):  # a Python that has it elsewhere
        without["datetime"] = import_module("_datetime")
    stand_ins = {name: found for name, found in without.items() if name not in sys.modules}
    sys.modules.update(stand_ins)  # type: ignore[arg-type]
    try:
        import msgspec
    finally:
        for name in stand_ins:
            del sys.modules[name]
    for name in PARTS_OF_MSGSPEC:
        vars(msgspec).pop(name, None)
    msgspec.__getattr__ = _part_of_msgspec  # type: ignore[method-assign]


def _schema(name: str, *args: Any, **keywords: Any) -> Any:
    return getattr(import_module(SCHEMA), name)(*args, **keywords)


def _part_of_msgspec(name: str) -> ModuleType:
    """What Python asks for a name that the package does not have (PEP 562)."""
    if name in PARTS_OF_MSGSPEC:
        return import_module(f"msgspec.{name}")
    raise AttributeError(f"module 'msgspec' has no attribute {name!r}")


def exit_code_of(console: AnyConsole, verb: Callable[[AnyConsole], int]) -> int:
    """Runs the verb's body; whatever happens, it ends with an exit code of the contract (Tasks)."""
    import_msgspec()
    from ..errors import Interrupted, SentinelError
    from ..report import never_fail_to_print

    never_fail_to_print()
    try:
        try:
            with seldom_collecting():
                return verb(console)
        finally:
            console.clear()
    except SentinelError as error:
        return complain(console, error)
    except KeyboardInterrupt:
        return complain(console, Interrupted("interrupted"))
    except OSError as reason:
        return complain(console, SentinelError(_in_words(reason), "{doctor}"))


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


def _in_words(reason: OSError) -> str:
    """What the system refused, and on which file."""
    words = reason.strerror or str(reason)
    return f"{reason.filename}: {words}" if reason.filename else words


def problem_documents(problems: Iterable[Problem]) -> list[dict[str, object]]:
    """What is wrong with the configuration, as the contract (Documents) has it."""
    return [{"key": each.key, "value": _shown(each.value), "reason": each.reason} for each in problems]


def _shown(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
