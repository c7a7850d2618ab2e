"""`sentinel VERB [SERVICE…]`: the quick answer if there is one, else Invoke's."""

from __future__ import annotations

import gc
import os
import sys

from .words import parsed

TYPE_CHECKING = False  # as typing has it, which takes a tenth of a status
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from ..config.remembering import Remembered
    from ..verbs.console import Console
    from .words import Call


def program() -> NoReturn:
    """Does what the command line says and exits. As little as possible is done beside that: it is asked often."""
    gc.disable()
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(code)
    sys.stderr.flush()
    os._exit(code)  # Python would take a tenth of the time to take itself to pieces


def main() -> int:
    """Does what the command line says; returns the exit code of the contract (Tasks)."""
    words = sys.argv[1:]
    call = parsed(words)
    memory = _memory() if call else None
    if call and memory and _is_told_of(call, memory) and memory.is_current(os.environ):
        code = _tell(call, memory)
        if code is not None:
            return code
    return _hand_over(words, call, memory)


def _memory() -> Remembered | None:
    from ..errors import SentinelError
    from ..verbs.boundary import import_msgspec

    import_msgspec()
    from .remembered import memory_here

    try:
        return memory_here(os.environ)
    except (SentinelError, OSError):  # Invoke's task says what is wrong
        return None


def _is_told_of(call: Call, memory: Remembered) -> bool:
    from .remembered import knows

    return knows(memory, call.names)


def _tell(call: Call, memory: Remembered, outdated: str = "") -> int | None:
    """The exit code; None if what is remembered is not enough."""
    from ..errors import ValuesNeeded
    from ..verbs.boundary import exit_code_of
    from .remembered import RememberedConsole

    def verb(console: Console) -> int:
        if outdated:
            console.warning(outdated)
        return _do(call, console)

    try:
        return exit_code_of(RememberedConsole(memory, call.as_json), verb)
    except ValuesNeeded:
        return None


def _do(call: Call, console: Console) -> int:
    names, flags = call.names, call.flags
    if call.verb in ("status", "ps"):
        from ..verbs.views import show_all, show_status

        if names:
            return show_status(console, names[0])
        return show_all(console, everywhere=bool(flags.get("everywhere")))
    gc.enable()
    if call.verb == "logs":
        from ..verbs.logs import show_logs

        return show_logs(console, names or None, **flags, together=len(names) != 1)
    from ..verbs.beside import show_environment_names, show_url, wait_for

    if call.verb == "wait":
        goal, timeout = str(flags.get("goal", "healthy")), flags.get("timeout")
        return wait_for(console, names or None, goal, None if timeout is None else str(timeout), len(names) != 1)
    return (show_url if call.verb == "url" else show_environment_names)(console, names[0])


def _hand_over(words: Sequence[str], call: Call | None, memory: Remembered | None) -> int:
    from ..tasks import bytecode

    gc.enable()
    bytecode.keep()
    from ..tasks.program import TasksFileBroken, refuse, run

    is_remembered = bool(call and memory and _is_told_of(call, memory))
    try:
        return run(words, call is not None, is_remembered)
    except TasksFileBroken as broken:
        if call and memory and is_remembered:
            code = _tell(call, memory, f"{broken}; this tells of the services as they were when it could be loaded")
            if code is not None:
                return code
        return refuse(broken)
