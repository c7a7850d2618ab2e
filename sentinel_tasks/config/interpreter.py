"""The Python of a project: not that of `inv`, which may be installed apart (pipx, uv tool)."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from .project_folders import project_folders

ENVIRONMENTS = (".venv", "venv", "env")
LOCK_FILES = {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile": "pipenv", "pixi.lock": "pixi"}


def project_python(workspace: Path) -> tuple[str, str]:
    """The words that run the project's Python, and where it comes from; empty for the first one in PATH.

    An environment that is activated counts first, then the nearest one that the project has or that a tool makes.
    """
    in_path = "python" if shutil.which("python") else "python3"
    activated = os.environ.get("VIRTUAL_ENV")
    if activated and _is_environment(Path(activated)):
        return in_path, ""
    for folder in project_folders(workspace):
        where = "" if folder == workspace else f" of {folder}"
        if own := next((name for name in ENVIRONMENTS if _is_environment(folder / name)), None):
            python = folder / own / "bin" / "python"
            relative = python if where else python.relative_to(workspace)
            return shlex.quote(str(relative)), f"with the Python of {own}{where}"
        if lock := next((lock for lock, tool in LOCK_FILES.items() if _is_there(folder / lock, tool)), None):
            return f"{LOCK_FILES[lock]} run python", f"by {LOCK_FILES[lock]}, for there is {lock}{where}"
    return in_path, ""


def _is_environment(folder: Path) -> bool:
    is_made = (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()
    return is_made and os.access(folder / "bin" / "python", os.X_OK)


def _is_there(lock: Path, tool: str) -> bool:
    return lock.is_file() and shutil.which(tool) is not None
