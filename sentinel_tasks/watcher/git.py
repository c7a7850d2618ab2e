"""What git ignores, asked of git itself: it alone knows every file of rules, and what is tracked all the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

SECONDS = 10.0


class Git:
    """The repository that a workspace is in; without one, or without git, nothing is ignored."""

    def __init__(self, workspace: Path) -> None:
        self._folder = workspace
        self._lock = self._said("rev-parse", "--path-format=absolute", "--git-path", "index.lock").rstrip("\n")

    def is_busy(self) -> bool:
        """True while git writes files there, as a checkout does."""
        return bool(self._lock) and os.path.exists(self._lock)

    def ignored(self) -> frozenset[str]:
        """Files and whole folders (`node_modules/`) that it ignores now."""
        if not self._lock:
            return frozenset()
        listed = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        return frozenset(filter(None, self._said(*listed).split("\0")))

    def ignores(self, paths: Iterable[str]) -> frozenset[str]:
        """Those of these files that it ignores."""
        asked = "\0".join(paths)
        if not self._lock or not asked:
            return frozenset()
        return frozenset(filter(None, self._said("check-ignore", "-z", "--stdin", asked=asked).split("\0")))

    def _said(self, *words: str, asked: str = "") -> str:
        command = ["git", "-c", "core.fsmonitor=false", "-C", str(self._folder), *words]
        environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(
                command, env=environ, input=os.fsencode(asked), capture_output=True, timeout=SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return os.fsdecode(done.stdout)
