"""The script of package.json that runs its dev server: by which package manager, and how the port reaches it.

Contract: Configuration, Default commands.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from .project_folders import project_folders
from .script import port_flags

SCRIPTS = ("dev:direct", "dev", "start")
LOCK_FILES = {
    "bun.lock": "bun",
    "bun.lockb": "bun",
    "pnpm-lock.yaml": "pnpm",
    "pnpm-workspace.yaml": "pnpm",
    "yarn.lock": "yarn",
    ".yarnrc.yml": "yarn",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
MANAGERS = frozenset(LOCK_FILES.values())

UNREADABLE = object()


def package_json(folder: Path) -> object:
    """What package.json says: None if there is none, and UNREADABLE if it can't be understood."""
    try:
        return json.loads((folder / "package.json").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return UNREADABLE


def script_command(workspace: Path) -> tuple[str, str] | None:
    """The command that runs the first script of SCRIPTS, and why; None if package.json has none of them."""
    given = _mapping(_mapping(package_json(workspace)).get("scripts"))
    scripts = {str(name): str(script) for name, script in given.items()}
    chosen = next((name for name in SCRIPTS if name in scripts), None)
    if chosen is None:
        return None
    manager, why = _manager(workspace)
    flags = port_flags(scripts[chosen], scripts)
    separated = f" -- {flags}" if manager == "npm" else f" {flags}"
    reason = f"package.json has the script {chosen}{f', and {why}' if why else ''}"
    return f"{_program(manager)} run {chosen}{separated if flags else ''}", reason


def _manager(workspace: Path) -> tuple[str, str]:
    """The package manager that the nearest folder of the project names or has a lock file of, and where that is said.

    A lock file in the workspace itself needs no word.
    """
    for folder in project_folders(workspace):
        where = "" if folder == workspace else f" of {folder}"
        if named := _named(_mapping(package_json(folder))):
            return named, f"packageManager{where} is {named}"
        if lock := next((lock for lock in LOCK_FILES if (folder / lock).exists()), None):
            return LOCK_FILES[lock], f"there is {folder / lock}" if where else ""
    return "npm", ""


def _named(package: Mapping[str, object]) -> str:
    """What `packageManager` (Corepack's, `pnpm@9.1.0`) or `devEngines` (npm's) name."""
    wanted = _mapping(package.get("devEngines")).get("packageManager")
    engines = wanted if isinstance(wanted, list) else [wanted]
    names = [package.get("packageManager"), *(_mapping(each).get("name") for each in engines)]
    return next(iter(_known(names)), "")


def _known(names: Iterable[object]) -> list[str]:
    plain = (name.partition("@")[0] for name in names if isinstance(name, str))
    return [name for name in plain if name in MANAGERS]


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _program(manager: str) -> str:
    """The manager, or Corepack where only that is installed."""
    if manager in ("pnpm", "yarn") and not shutil.which(manager) and shutil.which("corepack"):
        return f"corepack {manager}"
    return manager
