"""A plain command runs in its shell's place; whatever needs the shell keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentinel_tasks.system.shell import without_waiting_shell

PATH = "/usr/bin:/bin"


@pytest.mark.parametrize("command", ["sleep 5", "sleep $N", "env A=1 sleep 5", "'sleep' '5 s'", "sleep 5 # why"])
def test_one_plain_program_replaces_its_shell(command: str) -> None:
    assert without_waiting_shell(command, "/", PATH) == f"exec {command}"


@pytest.mark.parametrize(
    "command",
    [
        "sleep 1; sleep 2", "sleep 1 && sleep 2", "sleep 1 | cat", "sleep 1 > x", "(sleep 1)", "A=1 sleep 1",
        "cd x", "exec sleep 1", "nothing-like-this 1", "$PROGRAM 1", "if true", "", "  ", "'unclosed", "sleep 1 &",
        "sleep `echo 1`", "sleep 1\nsleep 2", "trap x INT",
    ],
)  # fmt: skip
def test_what_needs_the_shell_keeps_it(command: str) -> None:
    assert without_waiting_shell(command, "/", PATH) == command


def test_a_path_is_looked_for_where_the_service_runs(tmp_path: Path) -> None:
    program = tmp_path / "run.sh"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert without_waiting_shell("./run.sh x", str(tmp_path), PATH) == "exec ./run.sh x"
    assert without_waiting_shell("./gone.sh x", str(tmp_path), PATH) == "./gone.sh x"
