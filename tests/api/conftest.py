"""A real API on a real port for each test that asks, and real processes that carry a service's marks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.begun import Begun
from tests.forked import python
from tests.lab import PATIENCE, Zygote, until
from tests.lab import zygote as tasks

MODULE = "sentinel_tasks.api"
UNASKED = 1.0
"""Seconds for which a connection may wait for the next request: long before the API closes it."""
Start = Callable[..., "RunningApi"]
Spawn = Callable[..., "subprocess.Popen[bytes]"]


class RunningApi:
    """An API process, where it answers, and a client that talks to it without proxies."""

    def __init__(self, process: subprocess.Popen[bytes] | Begun, workspace: Path) -> None:
        self.process = process
        self.workspace = workspace
        assert process.stdout is not None
        line = process.stdout.readline()
        match = re.search(rb"http://\S+:(\d+)", line)
        assert match, f"the API said {line!r}"
        self.port = int(match[1])
        self.url = f"http://127.0.0.1:{self.port}"
        kept = httpx.Limits(keepalive_expiry=UNASKED)
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE, limits=kept)

    def registry(self) -> dict[str, Any]:
        answer = self.http.get("/api/workers/registry")
        assert answer.status_code == 200, answer.text
        document: dict[str, Any] = answer.json()
        return document

    def workers(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.registry()["workers"]
        return found

    def end(self, number: signal.Signals = signal.SIGINT, seconds: float = PATIENCE) -> int:
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            for pipe in (self.process.stdout, self.process.stderr):
                if pipe is not None:
                    pipe.close()


def marked(workspace: Path, service: str) -> dict[str, str]:
    """The environment that a service's process gets from the project."""
    return {
        **clean_environment(),
        "SENTINEL_WORKSPACE": str(workspace),
        "SENTINEL_SERVICE": service,
        "SENTINEL_SESSION": "sentinel-test",
    }


def clean_environment() -> dict[str, str]:
    unwanted = re.compile(r"SENTINEL_.*|WORKER_.*|PORT|TES_DEV_TOKEN|COVERAGE_.*")
    kept = {name: value for name, value in os.environ.items() if not unwanted.fullmatch(name)}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2])}


def is_marked(pid: int) -> bool:
    """True once its environment can be seen, which is a moment after its program was found to be there."""
    return b"SENTINEL_WORKSPACE=" in Path(f"/proc/{pid}/environ").read_bytes()


@cache
def zygote() -> Zygote:
    """That of the API in this test process, which runs the tasks in forks too."""
    return Zygote(MODULE, python(Path(tasks().folder.name)))


def launched(workspace: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> RunningApi:
    """An API in a fork of a prepared interpreter: what others see as its first environment is not its own."""
    words, environ = _told(workspace, arguments, environment)
    return RunningApi(zygote().begin([MODULE, *words], Path.cwd(), environ), workspace)


def launched_by_itself(workspace: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> RunningApi:
    """An API in an interpreter of its own."""
    words, environ = _told(workspace, arguments, environment)
    process = subprocess.Popen([sys.executable, "-m", MODULE, *words], env=environ, stdout=subprocess.PIPE)
    return RunningApi(process, workspace)


def _told(
    workspace: Path, arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    own = {"TMUX_TMPDIR": str(workspace), "XDG_STATE_HOME": str(workspace / "state"), "HOME": str(workspace)}
    return ["--port", "0", *arguments], {**marked(workspace, "telemetry"), **own, **environment}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start an API: start(arguments=["--allow-host", "x"], TES_DEV_TOKEN="t"); by itself, as a process tells of it."""
    running: list[RunningApi] = []

    def run(*, arguments: Sequence[str] = (), by_itself: bool = False, **environment: str) -> RunningApi:
        running.append((launched_by_itself if by_itself else launched)(tmp_path, arguments, environment))
        return running[-1]

    yield run
    for one in running:
        one.end()


@pytest.fixture
def api(start: Start) -> RunningApi:
    """An API as a project gets it by default."""
    return start()


@pytest.fixture(scope="session")
def empty_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API that several tests share, for whatever leaves its registry empty."""
    api = launched(tmp_path_factory.mktemp("workspace"), (), {})
    yield api
    api.end()


@pytest.fixture(scope="session")
def closed_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """The same with a token set: `pässword`."""
    api = launched(tmp_path_factory.mktemp("workspace"), (), {"TES_DEV_TOKEN": "pässword"})
    yield api
    api.end()


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Spawn]:
    """Start a process of a service: spawn("dev", ["sleep", "60"])."""
    running: list[subprocess.Popen[bytes]] = []

    def run(
        service: str, command: Sequence[str] = ("sleep", "60"), workspace: Path = tmp_path, **environment: str
    ) -> subprocess.Popen[bytes]:
        env = {**marked(workspace, service), **environment}
        running.append(subprocess.Popen(command, env=env, start_new_session=True, stdin=subprocess.DEVNULL))
        until(lambda: is_marked(running[-1].pid), "the new program in the process")
        return running[-1]

    yield run
    for process in running:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        finally:
            process.wait()
