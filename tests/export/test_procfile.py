"""Procfiles: what honcho and a platform make of them."""

from __future__ import annotations

import subprocess

import pytest
from honcho.environ import parse_procfile

from sentinel_tasks.model import Health, Service
from tests.export.workspaces import exported, service


def lines(*services: Service) -> dict[str, str]:
    """The lines by name, in order."""
    return dict(parse_procfile(exported("procfile", *services).files["Procfile"]).processes)


@pytest.mark.parametrize(
    ("given", "seen"), [({"SENTINEL_PORT_WEB": "8000", "PORT": "5000"}, "8000"), ({"PORT": "5000"}, "5000")]
)
def test_a_platforms_own_port_is_taken_where_there_is_no_other(given: dict[str, str], seen: str) -> None:
    line = lines(service(command="printf %s $PORT", port=8000))["web"]
    done = subprocess.run(["sh", "-c", line], env=given, capture_output=True, check=True)
    assert done.stdout.decode() == seen


def test_what_runs_once_is_the_release_phase_in_order() -> None:
    once = [service(name, ("echo", name), health=Health("exit"), cwd="/") for name in ("first", "second")]
    found = lines(*once, service())
    assert list(found) == ["release", "web"]
    done = subprocess.run(["sh", "-c", found["release"]], capture_output=True, check=True)
    assert done.stdout == b"first\nsecond\n"


def test_what_fails_keeps_the_rest_from_running() -> None:
    once = [service(name, f"echo {name}; exit 3", health=Health("exit"), cwd="/") for name in ("first", "second")]
    done = subprocess.run(["sh", "-c", lines(*once)["release"]], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"first\n")


def test_a_service_that_is_called_release_keeps_its_name() -> None:
    assert list(lines(service("job", health=Health("exit")), service("release"))) == ["release-phase", "release"]


def test_a_folder_below_the_workspace_is_relative() -> None:
    assert "cd 'back end' && " in lines(service(cwd="/srv/app/back end"))["web"]
    assert "cd ./-x && " in lines(service(cwd="/srv/app/-x"))["web"]
