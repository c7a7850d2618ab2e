"""What every test may use: a lab of its own with a temporary home, state folder, tmux server, workspace and ports."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.lab import Lab

settings.register_profile(
    "busy machine",
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("busy machine")

# A shell that runs the suite in the background has it ignore SIGINT, nohup SIGHUP, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """What was imported stays: looking at it again and again would be a tenth of the suite's time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A workspace called `app` on a tmux server of its own; whatever still runs at the end of the test fails it."""
    made = Lab(tmp_path)
    yield made
    left = made.close()
    assert not left, f"left running: {left}"


@pytest.fixture
def own_default_ports(lab: Lab) -> None:
    """For tests that leave `dev` or `telemetry` as they are, and must not meet somebody's server on their ports."""
    lab.own_default_ports()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith(("SENTINEL_", "INVOKE_", "WORKER_API_", "DEV_SERVER_", "TMUX")):
            monkeypatch.delenv(name)


@pytest.fixture
def _closing_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A log's writer and reader keep their files open as long as their process lives: in a test, no longer than it."""
    yield
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            if os.readlink(f"/dev/fd/{name}").startswith(str(tmp_path_factory.getbasetemp())):
                os.close(int(name))
