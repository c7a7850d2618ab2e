"""Every folder of ``examples/`` does what it shows, run as its reader would run it."""

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.forked import with_programs
from tests.lab import PATIENCE, SERVER, free_port, until

EXAMPLES = Path(__file__).parents[2] / "examples"
STANDS_IN = shlex.join([sys.executable, str(SERVER)])
IN_PLACE_OF_THE_API = {"INVOKE_SENTINEL_SERVICES_TELEMETRY_COMMAND": f"exec {STANDS_IN}"}
"""Where an example asks it only whether it is healthy; the makefile's runs the API itself."""
Ended = subprocess.CompletedProcess[str]


class Example:
    """A copy of one example with a home, a tmux server and ports of its own."""

    def __init__(self, name: str, root: Path, **environment: str) -> None:
        self.root = root
        self.folder = root / name
        shutil.copytree(EXAMPLES / name, self.folder)
        home = root / "home"
        home.mkdir()
        self.environment = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": with_programs(root / "forked", f"{Path(sys.executable).parent}:{os.environ['PATH']}"),
            "TMUX_TMPDIR": str(root),
            "DEV_SERVER_PORT": str(free_port()),
            "WORKER_API_PORT": str(free_port()),
            **environment,
        }

    def run(self, *command: str, within: str = ".", **environment: str) -> Ended:
        return subprocess.run(
            command,
            cwd=self.folder / within,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            check=False,
        )

    def inv(self, *arguments: str) -> Ended:
        return self.run("inv", *arguments)

    def states(self, *services: str) -> list[str]:
        (here, *_) = json.loads(self.inv("ps", "--json").stdout)["workspaces"]
        found = {each["service"]: each["state"] for each in here["services"]}
        return [found[name] for name in services]

    def processes(self) -> list[psutil.Process]:
        """What still runs in the example's folder, or under its tmux server."""
        return [each for each in psutil.process_iter(["cwd", "environ"]) if self.is_of_this(each.info)]

    def is_of_this(self, told: dict[str, Any]) -> bool:
        is_at_home = (told["environ"] or {}).get("HOME") == self.environment["HOME"]
        return is_at_home or Path(told["cwd"] or "/").is_relative_to(self.folder)

    def end(self) -> None:
        """Ends all of it, and only then removes the folder: a launcher that ends writes there."""
        self.run("tmux", "kill-server")
        until(lambda: not self.killed(), "the end of what was left")
        shutil.rmtree(self.root)

    def killed(self) -> list[psutil.Process]:
        """What runs, each with a SIGKILL on its way."""
        for process in (found := self.processes()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return found


@pytest.fixture
def example() -> Iterator[Callable[..., Example]]:
    made: list[Example] = []

    def make(name: str, **environment: str) -> Example:
        # A socket's path has little room: pytest's own folders are too deep.
        made.append(Example(name, Path(tempfile.mkdtemp(prefix="example-", dir="/tmp")), **environment))
        return made[-1]

    yield make
    for one in made:
        one.end()


def worked(ended: Ended) -> str:
    assert ended.returncode == 0, f"{ended.args}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def test_makefile_starts_both_at_once_and_each_only_once(example: Callable[..., Example]) -> None:
    workspace = example("makefile")
    worked(workspace.run("make", "-j2", "check"))
    assert workspace.states("dev", "telemetry") == ["running", "running"]
    first = json.loads((workspace.folder / "registry.json").read_text())
    worked(workspace.run("make", "-j2", "check"))
    again = json.loads((workspace.folder / "registry.json").read_text())
    assert again["pid"] == first["pid"]
    worked(workspace.run("make", "clean"))
    until(lambda: workspace.processes() == [], "the end of all that ran")


def test_makefile_stops_where_a_service_fails(example: Callable[..., Example]) -> None:
    workspace = example("makefile")
    ended = workspace.run("make", "registry", INVOKE_SENTINEL_SERVICES_TELEMETRY_COMMAND="no-such-command")
    assert ended.returncode == 2
    assert "no-such-command" in ended.stderr
    assert not (workspace.folder / "registry.json").exists()


def test_onboarding_brings_everything_up(example: Callable[..., Example]) -> None:
    workspace = example("onboarding", **IN_PLACE_OF_THE_API)
    assert worked(workspace.run("./onboard.sh")).endswith("'inv down' ends it.\n")
    worked(workspace.run("./onboard.sh"))
    assert workspace.states("dev", "telemetry") == ["running", "running"]
    worked(workspace.inv("down"))
    until(lambda: workspace.processes() == [], "the end of all that ran")


def test_onboarding_stops_at_a_port_that_is_not_ours(example: Callable[..., Example]) -> None:
    workspace = example("onboarding")
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = str(foreign.getsockname()[1])
        ended = workspace.run("./onboard.sh", WORKER_API_PORT=port)
    assert ended.returncode == 4
    assert "Another program has the port" in ended.stderr
    assert workspace.states("dev") == ["stopped"]


@pytest.mark.parametrize(
    ("environment", "code", "explained"),
    [
        ({"INVOKE_SENTINEL_SERVICES_TELEMETRY_PORT": "http"}, 2, "The configuration is wrong"),
        ({"INVOKE_SENTINEL_SERVICES_TELEMETRY_COMMAND": "exit 7"}, 1, "That did not work"),
    ],
)
def test_onboarding_tells_why_it_stops(
    example: Callable[..., Example], environment: dict[str, str], code: int, explained: str
) -> None:
    workspace = example("onboarding")
    ended = workspace.run("./onboard.sh", **environment)
    assert ended.returncode == code
    assert explained in ended.stderr
    assert workspace.states("dev") == ["stopped"]


def test_composition_starts_what_a_task_needs(example: Callable[..., Example]) -> None:
    workspace = example("composition", **IN_PLACE_OF_THE_API)
    said = worked(workspace.inv("smoke"))
    for service, variable in {"dev": "DEV_SERVER_PORT", "telemetry": "WORKER_API_PORT"}.items():
        assert f"{service} is running at http://localhost:{workspace.environment[variable]}" in said
    assert "3 rows written" in worked(workspace.inv("database.seed"))
    assert "Until tomorrow." in worked(workspace.inv("finish"))
    told = [json.loads(workspace.inv(f"{name}.status", "--json").stdout) for name in ("dev", "telemetry")]
    assert [each["state"] for each in told] == ["stopped", "stopped"]


def test_composition_does_not_run_a_task_whose_service_fails(example: Callable[..., Example]) -> None:
    workspace = example("composition")
    ended = workspace.run("inv", "database.seed", INVOKE_SENTINEL_SERVICES_TELEMETRY_COMMAND="exit 7")
    assert ended.returncode == 1
    assert "rows written" not in ended.stdout


def test_procfile_is_brought_up_and_down_also_from_a_folder_below(example: Callable[..., Example]) -> None:
    workspace = example("procfile", **IN_PLACE_OF_THE_API)
    (workspace.folder / "parts").mkdir()
    base = str(free_port())
    worked(workspace.run("inv", "up", within="parts", PORT=base))
    assert workspace.states("dev", "worker") == ["running", "running"]
    until(lambda: "mails: waiting for jobs" in workspace.inv("worker.logs").stdout)
    worked(workspace.run("inv", "down", within="parts"))
    until(lambda: workspace.processes() == [], "the end of all that ran")
