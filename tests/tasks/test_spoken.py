"""`sentinel start web` in Invoke's words."""

from __future__ import annotations

import pytest
from invoke.collection import Collection

from sentinel_tasks.errors import ConfigurationError
from sentinel_tasks.tasks.declare import collection
from sentinel_tasks.tasks.spoken import as_tasks
from sentinel_tasks.tasks.workspace_tasks import workspace_tasks


@pytest.fixture(scope="module")
def tasks() -> Collection:
    root = Collection(*map(collection, ("web", "api", "telemetry")))
    for each in workspace_tasks():
        root.add_task(each)
    return root


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("start web", "web.start"),
        ("start web --port 3001 --json", "web.start --port 3001 --json"),
        ("start --port 3001 web", "web.start --port 3001"),
        ("start -p auto web api", "up --only web,api -p auto"),
        ("start web,api", "up --only web,api"),
        ("start telemetry", "telemetry.start"),
        ("activate telemetry", "telemetry.activate"),
        ("workers telemetry", "telemetry.workers"),
        ("stop web", "web.stop"),
        ("stop web api", "stop --only web,api"),
        ("up", "up"),
        ("start --json", "up --json"),
        ("stop", "stop"),
        ("stop --all", "stop --all"),
        ("up web", "up --only web"),
        ("up --group front", "up --group front"),
        ("down web", "down --only web"),
        ("restart", "restart"),
        ("restart web api", "restart --only web,api"),
        ("status", "ps"),
        ("status --json", "ps --json"),
        ("status web api", "web.status api.status"),
        ("logs", "logs"),
        ("logs -f web", "web.logs -f"),
        ("logs web api -n 5", "logs --only web,api -n 5"),
        ("wait web", "web.wait"),
        ("env", "env"),
        ("env web --reveal", "web.env --reveal"),
        ("env-names web", "web.env --names"),
        ("run web -- ls -l", "web.run -- ls -l"),
        ("run web -- start api", "web.run -- start api"),
        ("why web", "web.why"),
        ("url web", "web.url"),
        ("attach", "attach"),
        ("scale web=3 api=2", "scale web=3 api=2"),
        ("export systemd", "export systemd"),
        ("doctor --fix", "doctor --fix"),
        ("web.start --no-wait", "web.start --no-wait"),
        ("start --help", "web.start --help"),
        ("up --json -h", "up --help"),
        ("url --help", "url name --help"),
        ("url web --help", "web.url --help"),
        ("scale web=3 -h", "scale counts --help"),
        ("run web -- ls --help", "web.run -- ls --help"),
        ("mine --help", "mine --help"),
        ("nonsense here", "nonsense here"),
        ("--list", "--list"),
    ],
)
def test_a_verb_and_services_become_invokes_tasks(line: str, wanted: str, tasks: Collection) -> None:
    assert as_tasks(line.split(), tasks) == wanted.split()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("start wbe", "start: 'wbe': unknown service; did you mean web?"),
        ("logs web nowhere", "logs: 'nowhere': unknown service; known are api, telemetry, web"),
    ],
)
def test_a_service_that_is_not_there_is_told(line: str, told: str, tasks: Collection) -> None:
    with pytest.raises(ConfigurationError, match=r".") as refused:
        as_tasks(line.split(), tasks)
    assert refused.value.what == told
