"""The command of a `dev` that configures none, and why it was chosen (contract: Configuration, Default commands)."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from ..names import WEB
from .interpreter import project_python
from .package_json import UNREADABLE, package_json, script_command

FILE_SERVER = Path(__file__).parent.parent / "supervisor" / "file_server.py"
PROCFILE_HAS_WEB = "the Procfile has a line web"

Choice = tuple[str, str]
"""A command for `sh -c`, and why it was chosen."""


def dev_command(workspace: Path) -> Choice:
    """The command that runs this project's dev server, and the sentence that says why."""
    choices = (script_command(workspace), _from_manage_py(workspace), _from_procfile(workspace))
    return next((choice for choice in choices if choice), _static(workspace))


def _from_manage_py(workspace: Path) -> Choice | None:
    if not (workspace / "manage.py").is_file():
        return None
    python, why = project_python(workspace)
    return f"{python} manage.py runserver 127.0.0.1:$PORT", ", run ".join(filter(None, ["there is a manage.py", why]))


def _from_procfile(workspace: Path) -> Choice | None:
    if not (file := workspace / "Procfile").exists():
        return None
    from .procfile import commands

    try:
        command = commands(file).get(WEB)
    except ValueError:
        return None
    return (command, PROCFILE_HAS_WEB) if command else None


def _static(workspace: Path) -> Choice:
    # Isolated (-I), or a file http.py of the project's would be imported.
    server = shlex.join([sys.executable, "-I", str(FILE_SERVER)])
    reason = "there is no package.json script, manage.py or Procfile"
    if package_json(workspace) is UNREADABLE:
        reason = "package.json is no JSON that can be read"
    return f"exec {server} $PORT", f"{reason}: the folder's files are served"
