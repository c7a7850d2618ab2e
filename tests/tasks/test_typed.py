"""How a command is proposed: as it can be typed here, whatever the tasks file calls it and however `inv` is found."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import INV, Lab, words

pytestmark = pytest.mark.usefixtures("own_default_ports")
NESTED = """
from invoke import Collection
from sentinel_tasks import service, workspace
namespace = Collection()
namespace.add_collection(workspace(service("dev", command="sleep 600", port=None, health=None)), name="svc")
"""
TWICE = """
from invoke import Collection
from sentinel_tasks import service, workspace
dev = service("dev", command="sleep 600", port=None, health=None)
namespace = Collection(dev)
namespace.add_collection(workspace(dev), name="svc")
"""
RENAMED = """
from invoke import Collection
from sentinel_tasks import service
from sentinel_tasks.tasks.workspace_tasks import ps
dev = service("dev", command="sleep 600", port=None, health=None)
namespace = Collection()
for task in dev.tasks.values():
    namespace.add_task(task, name=f"my-{task.name}")
"""
WITHOUT_A_WORKSPACE = "from invoke import Collection\nfrom sentinel_tasks import dev\nnamespace = Collection(dev)\n"


@pytest.fixture(autouse=True)
def own_port(lab: Lab) -> None:
    """Somebody else on this machine may have the default one."""
    lab.environ["DEV_SERVER_PORT"] = str(lab.port())


def proposed(lab: Lab, *command: str, cwd: Path | None = None) -> list[str]:
    """The commands below `Commands:`."""
    _, _, below = lab.inv(*command, cwd=cwd).out.partition("Commands:\n")
    return [line.partition(" - ")[0].strip() for line in below.splitlines()]


def test_status_in_a_nested_collection_proposes_no_command_of_which_inv_has_no_idea(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(NESTED)
    assert proposed(lab, "svc.dev.status") == ["inv svc.dev.start", "inv svc.dev.logs"]
    for command in proposed(lab, "svc.dev.status"):
        assert lab.inv(*words(command)[1:], "--help").code == 0


def test_a_service_that_is_listed_twice_is_proposed_as_it_was_called(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(TWICE)
    assert proposed(lab, "svc.dev.status")[0] == "inv svc.dev.start"
    assert proposed(lab, "dev.status")[0] == "inv dev.start"


def test_tasks_that_were_renamed_are_proposed_by_their_names_here(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(RENAMED)
    assert proposed(lab, "my-status") == ["inv my-start", "inv my-logs"]


@pytest.mark.parametrize("core", ["-c other", "-r elsewhere", "-f more.yaml"])
def test_the_flags_that_choose_the_tasks_are_part_of_the_command(lab: Lab, core: str) -> None:
    (lab.path / "other.py").write_text(NESTED)
    (lab.path / "tasks.py").write_text(NESTED)
    (lab.path / "more.yaml").write_text("{}")
    shutil.copytree(lab.path, lab.path / "elsewhere")
    assert proposed(lab, *words(core), "svc.dev.status")[0] == f"inv {core} svc.dev.start"


def test_from_a_folder_below_the_command_is_the_same(lab: Lab) -> None:
    (below := lab.path / "a" / "b").mkdir(parents=True)
    assert proposed(lab, "dev.status", cwd=below)[0] == "inv dev.start"


def test_without_a_doctor_in_the_list_the_one_that_always_answers_is_proposed(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(WITHOUT_A_WORKSPACE)
    (lab.folder / "state" / "sentinel").mkdir(parents=True)
    (lab.folder / "state" / "sentinel").chmod(0o777)
    refused = lab.inv("dev.start")
    assert refused.err.splitlines()[-1].endswith("python -m sentinel_tasks doctor --fix")


def test_inv_that_is_not_on_the_path_is_proposed_as_it_was_called(lab: Lab) -> None:
    lab.real, lab.hints = True, None
    lab.environ["PATH"] = "/usr/bin:/bin"
    assert proposed(lab, "dev.status")[0] == f"{shlex.quote(INV)} dev.start"


@pytest.mark.parametrize("variable", ["UV_RUN_RECURSION_DEPTH", "PDM_RUN_CWD"])
def test_a_runner_that_called_inv_is_part_of_the_command(lab: Lab, variable: str) -> None:
    lab.hints = None
    lab.environ[variable] = "1"
    assert proposed(lab, "dev.status")[0].endswith(" run inv dev.start")


def test_invoke_that_was_called_as_a_module_is_proposed_so(lab: Lab) -> None:
    argv = [sys.executable, "-m", "invoke", "dev.status"]
    said = subprocess.run(argv, cwd=lab.path, env=lab.environ, capture_output=True, text=True, check=False)
    assert "  python -m invoke dev.start" in said.stdout
