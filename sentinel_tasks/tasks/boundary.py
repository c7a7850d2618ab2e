"""Where Invoke meets the verbs: a task's body in, Invoke's exit out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

from ..verbs.boundary import complain, exit_code_of
from .console import InvokeConsole

if TYPE_CHECKING:
    from ..errors import ConfigurationError


def run(context: Context, as_json: bool, task: Callable[[InvokeConsole], int]) -> None:
    """Runs the task's body; whatever happens, it ends with an exit code of the contract (Tasks)."""
    if code := exit_code_of(InvokeConsole(context, as_json), task):
        raise Exit(code=code)


def complain_of_file(error: ConfigurationError) -> int:
    """Prints what is wrong with a configuration file, while Invoke reads it for a task; returns the exit code."""
    from ..report import never_fail_to_print

    never_fail_to_print()
    return complain(InvokeConsole(Context(Config(lazy=True)), "--json" in sys.argv), error)
