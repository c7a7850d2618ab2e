"""A task compiles what it imports once, not every time, and leaves the user's own files alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sentinel_tasks

LIST = [sys.executable, "-m", "invoke", "--list"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside a copy of the package that nobody has compiled."""
    own = Path(sentinel_tasks.__file__).parent
    shutil.copytree(own, tmp_path / "site" / "sentinel_tasks", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "more.py").write_text("")
    (tmp_path / "app" / "tasks.py").write_text("import more\nfrom sentinel_tasks import namespace\n")
    return tmp_path / "app"


def listed(project: Path, **environ: str) -> set[str]:
    """The modules whose bytecode is there after `inv --list`, by where they lie."""
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    path = str(project.parent / "site")
    done = subprocess.run(
        LIST, cwd=project, env={**given, "PYTHONPATH": path, **environ}, capture_output=True, check=True
    )
    assert b"telemetry.activate" in done.stdout
    kept = project.parent.rglob("*.pyc")
    return {str(each.relative_to(project.parent)).partition(".cpython")[0] for each in kept}


def test_what_we_import_is_compiled_once(project: Path) -> None:
    kept = listed(project)
    assert "site/sentinel_tasks/tasks/__pycache__/declare" in kept
    assert not any(each.startswith("app/") for each in kept)


def test_nobody_else_may_put_bytecode_there_whatever_the_umask(project: Path) -> None:
    """With umask 000 everybody could have written what the next task runs."""
    before = os.umask(0)
    try:
        assert listed(project)
    finally:
        os.umask(before)
    folders = (project.parent / "site").rglob("__pycache__")
    assert {each.stat().st_mode & 0o777 for each in folders} == {0o755}


def test_nothing_is_kept_that_the_user_forbids(project: Path) -> None:
    assert listed(project, PYTHONDONTWRITEBYTECODE="1") == set()


def test_a_folder_that_can_not_be_written_to_is_no_error(project: Path) -> None:
    for folder in [project.parent / "site" / "sentinel_tasks", *(project.parent / "site").rglob("*/")]:
        (folder / "__pycache__").write_text("in the way")
    assert listed(project) == set()
