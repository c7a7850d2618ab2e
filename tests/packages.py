"""What the tasks need, where another user may read it: a clone may lie in a folder that nobody else may enter."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from functools import cache
from pathlib import Path

INTERPRETERS = (sys.executable, "/usr/bin/python3")
"""The second for a clone that nobody else may enter, if it is of the same version."""
LIBRARIES = (
    "anyio", "certifi", "colorama", "dotenv", "h11", "httpcore", "httpx", "idna", "invoke", "libtmux",
    "msgspec", "platformdirs", "psutil", "typing_extensions.py",
)  # fmt: skip


def is_open_to_others(path: Path) -> bool:
    """True if another user's process may enter itself there."""
    return path.exists() and all(above.stat().st_mode & 0o001 for above in (path, *path.parents))


@cache
def is_clone_open_to_others() -> bool:
    """True if another user may run the tasks from this very clone."""
    packages, own = Path(sysconfig.get_path("purelib")), Path(__file__).parent.parent / "sentinel_tasks"
    return all(map(is_open_to_others, (Path(sys.executable), Path(sys.executable).resolve(), packages, own)))


def copy_packages(folder: Path, *more: str) -> None:
    """Copies ours, what it imports and these into this folder, for `PYTHONPATH`."""
    packages = Path(sysconfig.get_path("purelib"))
    own = Path(__file__).parent.parent / "sentinel_tasks"
    folder.mkdir()
    for source in (own, *packages.glob("invoke-*.dist-info"), *(packages / name for name in (*LIBRARIES, *more))):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder)
