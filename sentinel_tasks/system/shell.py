"""Whether a command needs its shell for longer than it takes to start it."""

from __future__ import annotations

import os
import re
import shlex
import shutil

NEEDS_A_SHELL = re.compile(r"[;&|<>()`\n\\]|\$\(")


def without_waiting_shell(command: str, cwd: str, path: str | None) -> str:
    """The same command, run in the shell's place where it is one plain program: its pid is then the service's own.

    Anything else (a list, a pipe, a builtin, an assignment, a program that can't be found) is left as it is, so that
    the shell says what it would have said.
    """
    if NEEDS_A_SHELL.search(command):
        return command
    try:
        program = shlex.split(command, comments=True)[0]
    except (ValueError, IndexError):
        return command
    if "=" in program or "$" in program:
        return command
    found = shutil.which(os.path.join(cwd, program) if "/" in program else program, path=path)
    return f"exec {command}" if found else command
