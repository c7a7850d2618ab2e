"""Workspaces for the tests of the export, without a tasks file around them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sentinel_tasks.export import Exported, Options, export
from sentinel_tasks.model import Health, Service, Workspace

UP = Health("up")


def service(name: str = "web", command: str | tuple[str, ...] = ("serve",), **keys: Any) -> Service:
    """A service with the defaults of the configuration."""
    given: dict[str, Any] = {"title": name, "why": "configured", "cwd": "/srv/app", "port": None, "health": UP, **keys}
    return Service(name=name, command=command, **given)


def workspace(*services: Service, path: str = "/srv/app") -> Workspace:
    """A workspace of these, in order."""
    return Workspace(path=path, session="sentinel-app", state_folder="/nowhere", services=services)


def exported(target: str, *services: Service, **asked: Any) -> Exported:
    """The export of a workspace of these."""
    return export(workspace(*services), target, Options(**asked))


def put(folder: Path, files: Mapping[str, str]) -> Path:
    """Writes the files as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder
