"""What runs a tmux client: any program will do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel_tasks.tmux.running import OPEN_FILES, Client
from tests.lab import LONG, PATIENCE


@pytest.fixture(autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    before = {*os.listdir(OPEN_FILES)}
    yield
    assert {*os.listdir(OPEN_FILES)} <= before, "less may be open: what an earlier test left is closed at any time"


def running(script: str) -> Client:
    return Client(["/bin/sh", "-c", script], {"PATH": os.environ["PATH"]})


def test_all_that_it_says_is_told_with_its_exit_code() -> None:
    client = running("head -c 300000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero >&2; exit 3")
    assert client.wait(PATIENCE)
    assert (client.returncode, client.stdout, client.stderr) == (3, b"x" * 300_000, b"\0" * 100_000)
    assert client.wait(0)
    client.end()
    assert client.returncode == 3


def test_one_that_takes_longer_can_be_waited_for_again(tmp_path: Path) -> None:
    os.mkfifo(told := tmp_path / "told")
    client = running(f"read line <{told}; echo $line")
    assert not client.wait(0.01)
    told.write_text("on\n")
    assert client.wait(PATIENCE)
    assert client.stdout == b"on\n"


def test_one_that_nobody_waits_for_is_ended() -> None:
    client = running(f"exec sleep {LONG}")
    assert not client.wait(0.01)
    client.end()
    assert client.returncode == -9
    client.end()


def test_it_is_given_no_file_that_its_parent_was_given() -> None:
    """A tmux server that it starts would hold the pipe of whoever runs us."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        client = running("ls /dev/fd/")
        assert client.wait(PATIENCE)
        assert str(writing) not in client.stdout.decode().split()
    finally:
        os.close(reading)
        os.close(writing)


def test_a_pipe_that_closes_ends_it_as_in_a_shell() -> None:
    """Python ignores SIGPIPE, and a child would inherit that."""
    client = running("yes | head -c 1")
    assert client.wait(PATIENCE)
    assert (client.stdout, client.stderr) == (b"y", b"")


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        Client(["/no/such/program"], {})


def test_whoever_wants_no_children_left_behind_has_no_exit_code_either() -> None:
    client = running("echo said; exit 3")
    os.waitpid(client._pid or 0, 0)
    assert client.wait(PATIENCE)
    assert (client.returncode, client.stdout) == (0, b"said\n")
