"""Which commit a folder has, as git tells it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sentinel_tasks.system.repository import commit_of


def test_commit_of_a_folder_in_a_repository(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert commit_of(str(tmp_path)) == "", "nothing is committed yet"
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    told = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / "below").mkdir()
    assert commit_of(str(tmp_path / "below")) == told


def test_no_commit_where_there_is_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "somebody else's"))
    assert commit_of(str(tmp_path)) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(str(tmp_path)) == ""
