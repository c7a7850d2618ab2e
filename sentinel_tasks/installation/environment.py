"""Who made the environment of this Python, as far as that is on record. Standard library only."""

from __future__ import annotations

import os
import re
import shutil
import sys
import sysconfig
from importlib import metadata, util
from pathlib import Path
from typing import NamedTuple

PACKAGE = "sentinel-tasks"
UV_RECEIPT, PIPX_RECEIPT = "uv-receipt.toml", "pipx_metadata.json"
PROJECTS = {"uv.lock": "uv add", "poetry.lock": "poetry add", "pdm.lock": "pdm add"}
"""What adds a package to a project, by the lock file beside its environment."""


class Environment(NamedTuple):
    """Where this Python is, and what is known of who made its environment.

    `source` is what pip recorded of where this package came from, if that is no index (PEP 610), `tool` the receipt of
    the tool installer, `adds` the command of the project manager.
    """

    prefix: str
    python: str
    installer: str = "pip"
    source: str = ""
    tool: str = ""
    adds: str = ""
    is_managed: bool = False
    has_pip: bool = True


def here() -> Environment:
    """What is known of it now."""
    prefix, in_itself = Path(sys.prefix), sys.prefix == sys.base_prefix
    managed = in_itself and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists()
    has_pip = util.find_spec("pip") is not None
    return Environment(
        str(prefix), _python(), _installer(), source(), _receipt(prefix), _adds(prefix), managed, has_pip
    )


def _python() -> str:
    found = shutil.which("python")
    return "python" if found and os.path.abspath(found) == os.path.abspath(sys.executable) else sys.executable


def _told(file: str) -> str:
    try:
        return metadata.distribution(PACKAGE).read_text(file) or ""
    except metadata.PackageNotFoundError:
        return ""


def _installer() -> str:
    return (_told("INSTALLER").split() or ["pip"])[0]


def source() -> str:
    """Where this package came from, as PEP 610 records it; empty for an index."""
    return _told("direct_url.json")


def _receipt(prefix: Path) -> str:
    found = (prefix / name for name in (UV_RECEIPT, PIPX_RECEIPT))
    return next((path.read_text("utf-8") for path in found if path.is_file()), "")


def _adds(prefix: Path) -> str:
    """What adds a package to the project whose environment this is; a tool of its own belongs to none."""
    folder = prefix.parent
    adds = next((typed for lock, typed in PROJECTS.items() if (folder / lock).is_file()), "")
    return f"{adds} --dev" if adds.startswith("uv") and _is_of_development(folder) else adds


def _is_of_development(folder: Path) -> bool:
    """True if this package stands in the project's group `dev`."""
    try:
        text = (folder / "pyproject.toml").read_text("utf-8")
    except OSError:
        return False
    return bool(re.search(rf"^dev = \[[^\[\]]*{PACKAGE}", text, re.MULTILINE))
