"""How a program of Invoke's ends that has our tasks."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.lab import Lab

TASKS = """
import atexit, gc, os
from invoke import Collection, task
from sentinel_tasks import service

atexit.register(lambda: print("skipped" if gc.get_freeze_count() > 10_000 else "collected"))

class Cycle:
    def __init__(self):
        self.itself = self

    def __del__(self, write=os.write):
        write(1, b"collected")

@task
def mine(c):
    Cycle()

@task(default=True)
def nothing(c):
    Cycle()

namespace = Collection(mine, nothing, service("web", command="sleep 600", port=None))
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("web.status", "skipped"),
        ("web.status web.status --json", "skipped"),
        ("mine", "collected"),
        ("web.stop mine", "collected"),
        ("", "collected"),
    ],
)
def test_only_where_a_persons_task_runs_does_python_look_for_garbage_at_the_end(
    words: str, told: str, lab: Lab
) -> None:
    (lab.path / "tasks.py").write_text(TASKS)
    command = [sys.executable, "-m", "invoke", *words.split()]
    done = subprocess.run(command, cwd=lab.path, env=lab.environ, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == told, done.stderr
