"""The public face (contract: Configuration), pinned; and what merely listing the tasks must not cost.

Contract: Limits.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from invoke.collection import Collection

import sentinel_tasks
from sentinel_tasks.names import TASKS_OF_A_SERVICE, TASKS_OF_A_WORKSPACE
from sentinel_tasks.tasks.service_tasks import tasks_of
from sentinel_tasks.tasks.workspace_tasks import workspace_tasks
from tests.contract import CONTRACT

HEAVY = (
    "libtmux", "httpx", "psutil", "starlette", "uvicorn", "websockets", "prometheus_client", "msgspec",
    "platformdirs", "dotenv", "colorama", "asyncio", "subprocess", "mcp",
)  # fmt: skip


@cache
def in_python(code: str, cwd: Path) -> list[Any]:
    """What another Python prints as JSON."""
    environ = {**os.environ, "PYTHONPATH": str(Path(sentinel_tasks.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environ, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, list)
    return found


def test_names() -> None:
    assert sentinel_tasks.__all__ == [
        "dev",
        "from_procfile",
        "namespace",
        "requires",
        "service",
        "telemetry",
        "workspace",
    ]
    for name in sentinel_tasks.__all__:
        assert hasattr(sentinel_tasks, name)


def test_any_other_name_is_no_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sentinel_tasks.nothing  # noqa: B018


def test_pieces_are_ordinary_collections_with_the_tasks_of_the_spec(tmp_path: Path) -> None:
    code = """
import json
from invoke.collection import Collection
from sentinel_tasks import dev, telemetry, namespace, service
assert all(isinstance(each, Collection) for each in (dev, telemetry, namespace, service("web")))
print(json.dumps(sorted(namespace.task_names)))
"""
    names = set(in_python(code, tmp_path))
    assert {f"dev.{verb}" for verb in TASKS_OF_A_SERVICE} <= names
    assert {f"telemetry.{verb}" for verb in ("activate", *TASKS_OF_A_SERVICE[1:])} <= names
    assert names >= TASKS_OF_A_WORKSPACE


def test_start_and_activate_are_one_task() -> None:
    tasks = sentinel_tasks.namespace
    assert all(tasks[f"{name}.start"] is tasks[f"{name}.activate"] for name in ("dev", "telemetry"))


def test_composition_of_the_spec(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("web: serve\nclock_1: tick\n")
    (tmp_path / "tasks.py").write_text("""
from invoke import task
from sentinel_tasks import dev, from_procfile, service, telemetry, workspace

@task
def mine(c):
    pass

worker = service("worker", command="celery -A app worker", health={"log": "ready"}, depends_on=["telemetry"])
namespace = workspace(dev, telemetry, worker, *from_procfile("Procfile"))
namespace.add_task(mine)
""")
    code = """
import json, tasks
services = [each.name for each in tasks.namespace.collections.values()]
print(json.dumps([services, sorted(tasks.namespace.task_names)]))
"""
    services, names = in_python(code, tmp_path)
    assert set(services) == {"dev", "telemetry", "worker", "web", "clock-1"}
    assert {"mine", "up", "worker.start", "web.start", "clock-1.stop", "dev.start"} <= set(names)


def flags_of(task: str) -> set[str]:
    """The long flags that Invoke takes for it, without that of the name that it is typed with."""
    (context,) = [each for each in sentinel_tasks.namespace.to_contexts() if task in (each.name, *each.aliases)]
    return {name for name in context.flags if name.startswith("--")} - {"--name"}


def rows_of_tasks() -> list[tuple[list[str], str]]:
    """The tasks of each row of the contract's table, and its cell of flags."""
    table = CONTRACT.partition("| task | does | flags |")[2].partition("\n\n")[0]
    rows = [line.replace("\\|", "/").split("|")[1::2] for line in table.splitlines() if line.startswith("| `")]
    return [(re.findall(r"`([a-zA-Z.-]+)[ `]", tasks), flags) for tasks, flags in rows]


def test_every_task_in_the_contract_has_the_flags_that_it_is_said_to_have() -> None:
    """`telemetry.open --json`, `attach --json` and `ps --only` were reserved and unknown."""
    for tasks, flags in rows_of_tasks():
        said = set(re.findall(r"`(--[a-z-]+)", flags))
        like = re.search(r"as (?:`NAME\.)?(start|stop|wait)", flags)
        for task in tasks:
            reserved = said | (flags_of(f"dev.{like[1]}") if like else set())
            assert flags_of(task.replace("NAME", "dev")) == reserved, task


def test_every_task_has_its_row_in_the_contract() -> None:
    """Both rows of a verb could be taken out, and no test failed."""
    own = [f"telemetry.{each.verb}" for each in tasks_of("telemetry") if each.verb not in TASKS_OF_A_SERVICE]
    wanted = [*(f"NAME.{verb}" for verb in TASKS_OF_A_SERVICE), *own, *TASKS_OF_A_WORKSPACE]
    assert sorted(task for tasks, _ in rows_of_tasks() for task in tasks) == sorted(wanted)


def test_every_table_of_the_contract_begins_with_its_header() -> None:
    """Two rows of the document's keys stood in front of the table of states."""
    parts = re.findall(r"(?:^\|.*\n)+", CONTRACT, re.M)
    assert len(parts) > 20
    assert [part for part in parts if not re.match(r".*\n\|[-|]+\n", part)] == []


def test_no_service_may_be_called_like_a_task_of_the_workspace() -> None:
    assert {each.name for each in workspace_tasks()} == TASKS_OF_A_WORKSPACE


def test_namespace_is_a_collection() -> None:
    assert isinstance(sentinel_tasks.namespace, Collection)


IMPORT = "import sys, json; import sentinel_tasks; sentinel_tasks.namespace"
LIST = """
import contextlib, io, json, sys
from invoke.main import program
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as said:
    program.run(["inv", "--list"], exit=True)
assert "telemetry.activate" in said.getvalue(), said.getvalue()
"""
BARE = "import json, sys; from invoke.main import program"


@pytest.mark.parametrize("code", [IMPORT, LIST], ids=["import", "inv --list"])
def test_listing_the_tasks_pays_for_nothing_heavy(tmp_path: Path, code: str) -> None:
    (tmp_path / "tasks.py").write_text("from sentinel_tasks import namespace\n")
    show = "\nprint(json.dumps([name for name in sys.modules]))"
    paid = set(in_python(code + show, tmp_path)) - set(in_python(BARE + show, Path("/")))
    assert paid.isdisjoint(HEAVY)
    own = {name for name in paid if name.startswith("sentinel_tasks.")}
    assert own.isdisjoint(
        {
            f"sentinel_tasks.{name}"
            for name in ("engine", "observation", "config.load", "report", "tmux", "health", "system")
        }
    )


def test_a_worker_that_reports_itself_pays_for_nothing_but_the_client(tmp_path: Path) -> None:
    show = "; import json, sys; print(json.dumps([name for name in sys.modules]))"
    paid = set(in_python("from sentinel_tasks.api.client import report" + show, tmp_path))
    assert paid.isdisjoint({*HEAVY, "invoke"} - {"subprocess"})


def test_a_name_that_the_package_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'services'"):
        sentinel_tasks.services  # noqa: B018
