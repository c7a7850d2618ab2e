"""Which folder is the workspace (contract: Workspace)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import ConfigurationError, Problem


def workspace_folder(project: str, environ: Mapping[str, str]) -> str:
    """The workspace's absolute real path: `WORKSPACE_FOLDER`, else the project's folder (contract: Workspace).

    ConfigurationError if there is no such folder.
    """
    chosen = environ.get("WORKSPACE_FOLDER")
    folder = os.path.realpath(chosen or project)
    if not os.path.isdir(folder):
        raise ConfigurationError([Problem("WORKSPACE_FOLDER", chosen or project, "there is no such folder")])
    return folder
