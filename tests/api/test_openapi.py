"""The OpenAPI document is true: schemathesis asks everything it describes, and much that it does not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import RunningApi, Start
from tests.lab import PATIENCE

PROGRAM = shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or shutil.which("schemathesis")
SLEEP = '["sleep", "60"]'
KEPT = {"HYPOTHESIS_STORAGE_DIRECTORY": str(Path(__file__).parents[2] / ".hypothesis")}
"""Where the suite's own Hypothesis keeps its tables of characters: making them is half of the work."""


@pytest.mark.skipif(PROGRAM is None, reason="schemathesis is missing")
@pytest.mark.timeout(600)
def test_every_answer_is_as_described(start: Start) -> None:
    api = start(SENTINEL_WORKER_COMMAND=SLEEP, TES_DEV_TOKEN="t")
    command = [
        str(PROGRAM),
        "run",
        f"{api.url}/openapi.json",
        "-H",
        "X-TES-Dev-Token: t",
        "--checks",
        "all",
        "--exclude-path-regex",
        "^/api/services",  # each answer is a process of its own: tests/api/test_services.py
        "-n",
        "4",
        "--suppress-health-check",
        "too_slow",
        "--request-timeout",
        str(PATIENCE),
        "--max-response-time",
        str(PATIENCE),
    ]
    environ = {**os.environ, **KEPT}
    result = subprocess.run(command, cwd=api.workspace, env=environ, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "8 selected / 11 total" in result.stdout


def test_every_route_is_described(empty_api: RunningApi) -> None:
    from sentinel_tasks.api.app import ROUTES

    described = {path.replace("{id}", "{id:any}") for path in empty_api.http.get("/openapi.json").json()["paths"]}
    pages = {"/", "/dashboard.js", "/page.js", "/services.js", "/dashboard.css", "/openapi.json"}
    pages |= {"/ws/workers/telemetry", "/ws/services"}
    assert {getattr(route, "path", None) for route in ROUTES} == described | pages
