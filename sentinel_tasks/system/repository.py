"""The door to git: which commit a folder has."""

from __future__ import annotations

import os
import subprocess

PATIENCE = 2.0
"""Seconds; a repository on a disk that hangs keeps no start waiting."""


def commit_of(folder: str) -> str:
    """The commit that is checked out there, in hexadecimal digits; empty if git knows none, or is not there."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", folder, "rev-parse", "--verify", "--quiet", "HEAD"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE, env=environ,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
