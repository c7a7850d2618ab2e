"""What each of xdist's workers does first. Loaded as a pytest plugin by ``pyproject.toml``."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests import zygotes

WAIT = ("api", "docs", "live", "mcp", "page", "supervisor")
"""The folders whose tests start programs and wait for them."""
SHARE = ("api", "page")
"""Those whose files are not shared out."""

APART = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@"; exit', "sh")
"""Runs a program where no other processes than its own are seen; the shell is the first of them, and reaps the rest."""


def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Where that may be done, lets each worker see its own processes alone.

    A task looks at every process that it sees, a start or a stop several times: with those of seven other workers and
    of the kernel, that was a third of the suite's work.
    """
    if shutil.which(APART[0]) and not subprocess.run([*APART, "true"], capture_output=True, check=False).returncode:
        for spec in specs:
            spec.python = shlex.join([*APART, sys.executable])
    os.environ[zygotes.FOLDER] = zygotes.begin()


def pytest_collectstart(collector: pytest.Collector) -> None:
    """In a new clone, each worker begins to import the tests at another one: what it compiles, the others find."""
    name, config = os.environ.get("PYTEST_XDIST_WORKER", ""), collector.config
    if not name or config.args != config.getini("testpaths") or not isinstance(collector, pytest.Session):
        return
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    first = len(files) * int(name.removeprefix("gw")) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    for path in files[first:]:
        with suppress(Exception, pytest.skip.Exception):  # told by the collection, which imports it again
            import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives each worker its share of what waits, file by file, and has it begin with that.

    Files that share what takes long to start, or runs on until the end, are one: a browser, an API. Each worker begins
    with other folders, for all of a folder's tests wait for the same: seconds between signals, or a processor.

    xdist hands every worker a part of the list, and moves what is left at its end: short tests, which end all at once.
    """
    waiting = [each for each in items if each.path.parent.name in WAIT]
    short = [each for each in items if each.path.parent.name not in WAIT]
    files = [[*group] for _, group in groupby(waiting, _group)]
    workers, count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), len(items)
    items.clear()
    for worker in range(workers):
        end = len(items) + (count - len(items)) // (workers - worker)
        own = files[worker::workers]
        begin = len(own) * worker // workers
        items += [item for file in own[begin:] + own[:begin] for item in file]
        room = max(0, end - len(items))
        items += short[:room]
        del short[:room]


def _group(item: pytest.Item) -> Path:
    return item.path.parent if item.path.parent.name in SHARE else item.path
