"""What processes use together: nothing counts twice, and what the kernel can drop does not count."""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from sentinel_tasks.lineage.memory import size, used
from sentinel_tasks.lineage.proc import resident

MIB = 1024**2
BIG = 24 * MIB


def touched(memory: mmap.mmap) -> None:
    """Has every page of it."""
    for place in range(0, len(memory), mmap.PAGESIZE):
        assert memory[place] in (0, 1)


def beside(count: int, work: Callable[[], object]) -> list[int]:
    """So many children of this process that have done this work and wait for their end."""
    pids, (reader, writer) = [], os.pipe()
    for _ in range(count):
        if (pid := os.fork()) == 0:
            work()
            os.write(writer, b"x")
            signal.pause()
        pids.append(pid)
    for _ in pids:
        assert os.read(reader, 1) == b"x"
    return pids


def end(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_page_that_several_share_counts_once() -> None:
    """As in a server that loads its application once and forks its workers."""
    with mmap.mmap(-1, BIG) as memory:
        for place in range(0, BIG, mmap.PAGESIZE):
            memory[place] = 1
        pids = beside(4, lambda: touched(memory))
        try:
            together = sum(resident(pid) or 0 for pid in pids)
            assert BIG / 2 < used(pids, limit=MIB) < together / 2
            assert used(pids, limit=together * 2) > together / 2, "below its limit nobody needs to know it better"
        finally:
            end(pids)


def test_a_mapped_file_does_not_count(tmp_path: Path) -> None:
    """As of a database that maps its files: the kernel drops those pages when it needs others."""
    (tmp_path / "file").write_bytes(b"\1" * BIG)
    with open(tmp_path / "file", "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
        before = used([os.getpid()], limit=0)
        touched(memory)
        assert used([os.getpid()], limit=0) < before + BIG / 2


def test_a_process_that_has_ended_uses_nothing() -> None:
    pids = beside(1, lambda: None)
    end(pids)
    assert (resident(pids[0]), used(pids, limit=0)) == (None, 0)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (512 * MIB, "512 MiB"),
        (1536 * MIB, "1.5 GiB"),
        (MIB, "1 MiB"),
        (1500, "1.46 KiB"),
        (300 * 1024 * MIB, "300 GiB"),
    ],
)
def test_a_size_is_told_in_its_own_unit(count: int, told: str) -> None:
    assert size(count) == told
