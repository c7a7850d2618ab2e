"""Invoke with the tasks `doctor` and `init`, even where the tasks file does not list them or there is none."""

from __future__ import annotations

from importlib import metadata

from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.program import Program

from ..errors import ConfigurationError
from . import declare  # noqa: F401 (from now on Invoke reads configuration as we do)
from .workspace_tasks import doctor, init


class Alone(Program):
    """Invoke's own program, with `doctor` and `init` among its tasks."""

    def load_collection(self) -> None:
        """Loads the tasks file if there is one, and adds what answers without one to what it lists."""
        try:
            super().load_collection()
        except Exit as refused:
            if refused.code == ConfigurationError.exit_code:
                raise
            self.collection = Collection()
        for each in (doctor, init):
            if each.name not in self.collection.tasks:
                self.collection.add_task(each)


def _version() -> str:
    try:
        return metadata.version("sentinel-tasks")
    except metadata.PackageNotFoundError:
        return "not installed as a package"


program = Alone(_version(), name="sentinel_tasks", binary="python -m sentinel_tasks", binary_names=["sentinel_tasks"])
