"""The background work of the API: never twice at once, not ended by one fault, and over before the API is."""

import asyncio
import subprocess
import threading
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from sentinel_tasks.api import telemetry
from sentinel_tasks.api.model import Process, ResourceUsage
from sentinel_tasks.api.options import Options
from sentinel_tasks.api.scale import ScaleError, Scaler
from sentinel_tasks.api.telemetry import Telemetry
from tests.lab import until


class SlowSampler:
    """A machine that takes as long to look at as is wanted, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures, self.looks, self.at_once, self.most_at_once = failures, 0, 0, 0
        self.lock, self.go_on = threading.Lock(), threading.Event()

    def sample(self, reported: Collection[int], scaled: Mapping[int, str]) -> Mapping[int, Process]:
        with self.lock:
            self.looks += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.go_on.wait()
        with self.lock:
            self.at_once -= 1
        if self.looks > 1 and self.failures:
            self.failures -= 1
            raise OSError("the machine is busy")
        return {}


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(str(tmp_path), worker_command=("sleep", "60"))


def made(options: Options, sampler: SlowSampler) -> Telemetry:
    found = Telemetry(options)
    found.sampler = sampler  # type: ignore[assignment]
    return found


def test_a_request_that_was_given_up_lets_nobody_look_at_the_same_time(options: Options) -> None:
    """The thread of a cancelled request went on, and the next one looked beside it."""
    sampler = SlowSampler()

    async def use() -> None:
        api = made(options, sampler)
        for _ in range(5):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(api.look(), 0.01)
        sampler.go_on.set()
        await api.look()

    asyncio.run(use())
    assert (sampler.looks, sampler.most_at_once) == (6, 1)


def test_a_look_that_fails_is_told_and_made_again(
    options: Options, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One error ended the background work for ever."""
    monkeypatch.setattr(telemetry, "PERIOD", 0.01)
    sampler = SlowSampler(failures=2)
    sampler.go_on.set()

    async def use() -> None:
        async with made(options, sampler).running():
            await asyncio.to_thread(until, lambda: sampler.looks > 5)

    asyncio.run(use())
    assert "the machine is busy" in caplog.text


def test_nothing_is_started_once_the_api_ends(options: Options) -> None:
    async def use() -> None:
        sampler = SlowSampler()
        sampler.go_on.set()
        api = made(options, sampler)
        async with api.running():
            assert (await api.scale(1)).created == 1
        with pytest.raises(ScaleError, match="ending"):
            await api.scale(1)

    asyncio.run(use())


def test_a_pid_that_is_somebody_elses_by_now_is_not_signalled() -> None:
    """A worker was known by its pid alone."""
    with subprocess.Popen(["sleep", "600"]) as somebody:
        gone = Process(somebody.pid, 0, None, "worker-1", created=1.0, stopped=False, usage=ResourceUsage(), ticks=1)
        Scaler(None, "/", {}).stop([gone])
        assert somebody.poll() is None
        somebody.kill()
