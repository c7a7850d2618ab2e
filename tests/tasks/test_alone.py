"""`python -m sentinel_tasks doctor`: the doctor where Invoke lists none."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.lab import Lab


@pytest.mark.parametrize("text", ["- a list\n", "sentinel: [\n"])
def test_a_user_file_that_can_not_be_read_is_one_clear_line(lab: Lab, text: str) -> None:
    """It was read once more to show that it can't be read, and so on: a RecursionError."""
    wrong = Path(lab.environ["HOME"], ".invoke.yaml")
    wrong.write_text(text)
    command = [sys.executable, "-m", "sentinel_tasks", "doctor"]
    done = subprocess.run(command, cwd=lab.path, env=lab.environ, capture_output=True, text=True, check=False)
    told = [line for line in done.stdout.splitlines() if str(wrong) in line]
    assert (done.returncode, done.stderr, len(told)) == (2, "", 1), done.stdout


def test_the_version_is_told() -> None:
    """It said `unknown`."""
    command = [sys.executable, "-m", "sentinel_tasks", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == metadata.version("sentinel-tasks")
