"""The folders in which a project keeps what a part of it shares with the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def project_folders(workspace: Path) -> Iterator[Path]:
    """The workspace, then the folders above it that are of the same project, nearest first.

    A project ends at its repository; what lies in a home or above one is nobody's project.
    """
    yield workspace
    above = workspace
    while not (above / ".git").exists() and above.parent != above:
        above = above.parent
        if above in (_home(), Path(above.anchor)):
            return
        if any((above / name).exists() for name in ("package.json", "pnpm-workspace.yaml", "pyproject.toml", ".git")):
            yield above


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:
        return None
