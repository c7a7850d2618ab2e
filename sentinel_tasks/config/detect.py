"""The command of a `dev` that configures none, and why it was chosen (contract: Configuration, Default commands)."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path

from .procfile import WEB, commands

SCRIPTS = ("dev:direct", "dev", "start")
LOCK_FILES = {
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "package-lock.json": "npm",
}
PORT_FLAGS = {"vite": "--port $PORT --strictPort", "astro": "--port $PORT", "ng": "--port $PORT"}
"""Dev servers that do not read PORT and must be told."""

FILE_SERVER = Path(__file__).parent.parent / "supervisor" / "file_server.py"
PROCFILE_HAS_WEB = "the Procfile has a line web"

UNREADABLE = object()

Choice = tuple[str, str]
"""A command for `sh -c`, and why it was chosen."""


def dev_command(workspace: Path) -> Choice:
    """The command that runs this project's dev server, and the sentence that says why."""
    choices = (_from_package_json(workspace), _from_manage_py(workspace), _from_procfile(workspace))
    return next((choice for choice in choices if choice), _static(workspace))


def _from_package_json(workspace: Path) -> Choice | None:
    package = _package_json(workspace)
    given = package.get("scripts") if isinstance(package, dict) else None
    scripts = given if isinstance(given, dict) else {}
    script = next((name for name in SCRIPTS if name in scripts), None)
    if script is None:
        return None
    runner = next((runner for lock, runner in LOCK_FILES.items() if (workspace / lock).exists()), "npm")
    return f"{runner} run {script}{_port_flags(str(scripts[script]), runner)}", f"package.json has the script {script}"


def _package_json(workspace: Path) -> object:
    """What package.json says: None if there is none, and UNREADABLE if it can't be understood."""
    try:
        return json.loads((workspace / "package.json").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return UNREADABLE


def _port_flags(script: str, runner: str) -> str:
    words = script.split()
    flags = PORT_FLAGS.get(words[0]) if words else None
    if flags is None or not _takes_port(script):
        return ""
    return f" -- {flags}" if runner == "npm" else f" {flags}"


def _takes_port(script: str) -> bool:
    """True for one plain command that serves and has no port of its own yet."""
    return not re.search(r"[;&|]|\s(--port\b|build\b)", script)


def _from_manage_py(workspace: Path) -> Choice | None:
    if not (workspace / "manage.py").is_file():
        return None
    python = "python" if shutil.which("python") else "python3"
    return f"{python} manage.py runserver 127.0.0.1:$PORT", "there is a manage.py"


def _from_procfile(workspace: Path) -> Choice | None:
    try:
        command = commands(workspace / "Procfile").get(WEB)
    except ValueError:
        return None
    return (command, PROCFILE_HAS_WEB) if command else None


def _static(workspace: Path) -> Choice:
    # Isolated (-I), or a file http.py of the project's would be imported.
    server = shlex.join([sys.executable, "-I", str(FILE_SERVER)])
    reason = "there is no package.json script, manage.py or Procfile"
    if _package_json(workspace) is UNREADABLE:
        reason = "package.json is no JSON that can be read"
    return f"exec {server} $PORT", f"{reason}: the folder's files are served"
