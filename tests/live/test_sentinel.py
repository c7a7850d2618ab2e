"""The program `sentinel` beside `inv`: the same words, documents and exit codes (contract: The program sentinel)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import LONG, PATIENCE, STAYS, Lab, Result, is_traceback, until, zygote

TASKS = "from sentinel_tasks import workspace\n\nnamespace = workspace()\n"
PROGRAM = str(Path(sys.executable).with_name("sentinel"))
HEAVY = {
    "concurrent", "dataclasses", "httpx", "inspect", "invoke", "ipaddress", "json", "libtmux", "locale", "pathlib",
    "psutil", "selectors", "shlex", "signal", "socket", "subprocess", "urllib",
}  # fmt: skip
"""What `status` of a healthy service does without: those of the standard library were 10 of its 70 ms."""
VARYING = ("uptime_s", "latency_ms", "rss_bytes")


@pytest.fixture(autouse=True)
def tasks_file(lab: Lab) -> Path:
    """One whose services are those of invoke.yaml alone: no default port is taken."""
    path = lab.path / "tasks.py"
    path.write_text(TASKS)
    return path


def sentinel(lab: Lab, *words: str, cwd: Path | None = None, **environ: str) -> Result:
    """What its own process would say, which is one of `is_loaded`: here it is a fork of one that has imported all."""
    said = zygote().run([PROGRAM, *words], cwd or lab.path, {**lab.environ, **environ}, PATIENCE)
    assert not is_traceback(said.said), said.err
    return said


def steady(document: Any) -> Any:
    """The document without what no two looks have in common."""
    if isinstance(document, dict):
        return {key: steady(value) for key, value in document.items() if key not in VARYING}
    return [steady(each) for each in document] if isinstance(document, list) else document


def is_loaded(lab: Lab, *words: str, cwd: Path | None = None) -> bool:
    """True if this call loaded Invoke."""
    return "invoke" in loaded(lab, *words, cwd=cwd)


def loaded(lab: Lab, *words: str, cwd: Path | None = None) -> set[str]:
    """The modules that this call loaded."""
    code = (
        "import sys\nbefore = {*sys.modules}\nfrom sentinel_tasks.cli.main import main\nsys.argv[0] = 'sentinel'\n"
        "code = main()\nprint('', *sys.modules.keys() - before, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=cwd or lab.path, env=lab.environ, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False,
    )  # fmt: skip
    found = {*done.stderr.splitlines()[-1].split()}
    assert "sentinel_tasks" in found, done.stderr
    return found


SAME = [
    (("ps",), ("ps",)),
    (("status", "web"), ("web.status",)),
    (("status", "broken"), ("broken.status",)),
    (("url", "web"), ("web.url",)),
    (("logs", "web", "-n", "3"), ("web.logs", "-n", "3")),
    (("logs",), ("logs",)),
    (("logs", "off"), ("off.logs",)),
    (("wait", "web"), ("web.wait",)),
    (("wait", "off", "--for", "nothing"), ("off.wait", "--for", "nothing")),
    (("env-names", "web"), ("web.env", "--names")),
]


@pytest.mark.timeout(600)  # sixty calls in a row, each of which takes long on a machine with much else to do
def test_it_tells_what_invoke_tells(lab: Lab) -> None:
    lab.configure(
        web={"command": lab.server(), "port": lab.port(), "health": "/", "env": {"MODE": "x"}},
        job={"command": "echo done", "health": "exit"},
        broken={"command": "echo no such thing >&2; exit 7", "health": "exit"},
        off={"command": f"exec sleep {LONG}", "autostart": False},
    )
    assert lab.inv("up").code == 1
    for ours, theirs in SAME:
        one, other = sentinel(lab, *ours), lab.inv(*theirs)
        assert (one.code, one.err) == (other.code, other.err), (ours, one.said)
        if one.code == 0:
            assert steady(sentinel(lab, *ours, "--json").json) == steady(lab.inv(*theirs, "--json").json), ours
    assert not is_loaded(lab, "logs", "web")
    assert HEAVY & loaded(lab, "status", "web") == set()


def test_it_reads_the_configuration_again_once_that_has_changed(lab: Lab) -> None:
    lab.configure(web=STAYS)
    lab.inv("up", "--only", "web")
    lab.configure(web={**STAYS, "command": f"{STAYS['command']}0"}, new={"command": "x"})
    assert is_loaded(lab, "ps")
    told = {each["service"]: each["config"] for each in sentinel(lab, "ps", "--json").json["workspaces"][0]["services"]}
    assert told == {"web": "changed", "new": None}
    assert not is_loaded(lab, "ps")
    assert steady(sentinel(lab, "ps", "--json").json) == steady(lab.inv("ps", "--json").json)


def test_a_broken_tasks_file_hides_nothing_that_runs(lab: Lab) -> None:
    tasks = lab.path / "tasks.py"
    tasks.write_text(
        "from sentinel_tasks import service, workspace\n"
        f"namespace = workspace(service('web', command='exec sleep {LONG}'))\n"
    )
    assert sentinel(lab, "up").code == 0
    tasks.write_text(f"{tasks.read_text()}def (\n")
    told = sentinel(lab, "status", "web", "--json")
    assert (told.code, told.json["state"]) == (0, "running")
    assert "tasks.py can't be loaded: SyntaxError" in told.err
    assert "(line 3)" in told.err
    refused = sentinel(lab, "start", "web", "--json")
    assert (refused.code, refused.json["problems"][0]["key"]) == (2, "tasks.py")
    (memory,) = lab.state("workspace.json")
    memory.unlink()
    assert sentinel(lab, "ps", "--json").json["workspaces"][0]["services"][0]["state"] == "running"
    assert sentinel(lab, "stop", "web").code == 0
    assert sentinel(lab, "ps", "--json").json["workspaces"][0]["services"] == []


@pytest.mark.parametrize(
    ("file", "text", "services"),
    [
        ("Procfile", "web: exec sleep 1000\nworker: exec sleep 1001\n", {"web", "worker"}),
        ("Procfile.dev", "css: exec sleep 1000\n", {"css"}),
        ("package.json", json.dumps({"scripts": {"dev": "python3 -m http.server $PORT"}}), {"dev"}),
        ("invoke.yaml", "sentinel: {services: {job: {command: exec sleep 1000}}}\n", {"job"}),
        ("index.html", "<h1>Shop</h1>", {"dev"}),
    ],
)
def test_a_folder_without_a_tasks_file_is_served(lab: Lab, file: str, text: str, services: set[str]) -> None:
    (lab.path / "tasks.py").unlink()
    (lab.path / file).write_text(text)
    told = sentinel(lab, "ps", "--json")
    assert {each["service"] for each in told.json["workspaces"][0]["services"]} == services


def test_what_can_not_be_used_is_told_where_there_is_no_tasks_file(lab: Lab) -> None:
    """It said that there was no Procfile."""
    (lab.path / "tasks.py").unlink()
    (lab.path / "index.html").write_text("")
    (lab.path / "Procfile").write_text("web: a\nweb: b\n")
    told = sentinel(lab, "up")
    assert (told.code, "Procfile: line 2 declares web again" in told.err) == (2, True)
    assert "line 2 declares web again" in sentinel(lab, "ps").err


def test_a_page_beside_what_is_configured_is_not_served(lab: Lab) -> None:
    (lab.path / "tasks.py").unlink()
    (lab.path / "index.html").write_text("")
    lab.configure(job={"command": f"exec sleep {LONG}"})
    told = sentinel(lab, "ps", "--json")
    assert [each["service"] for each in told.json["workspaces"][0]["services"]] == ["job"]


def test_it_runs_a_procfile_alone(lab: Lab) -> None:
    (lab.path / "tasks.py").unlink()
    (lab.path / "Procfile").write_text(f"worker: exec sleep {LONG}\n")
    assert sentinel(lab, "up").code == 0
    told = sentinel(lab, "status", "worker")
    assert told.code == 0
    assert "sentinel stop worker" in told.out
    assert not is_loaded(lab, "status", "worker")
    assert sentinel(lab, "down").code == 0


def test_where_there_is_nothing_it_says_so(lab: Lab) -> None:
    (lab.path / "tasks.py").unlink()
    told = sentinel(lab, "up")
    assert told.code == 2
    assert "there is nothing here to run" in told.err
    assert "sentinel init --yes" in told.err


def test_what_no_window_shows_is_told_from_below_the_project(lab: Lab) -> None:
    lab.configure(web=STAYS)
    lab.inv("web.start")
    below = lab.path / "deep" / "down"
    below.mkdir(parents=True)
    until(lambda: sentinel(lab, "status", "web", cwd=below).code == 0)
    assert not is_loaded(lab, "status", "web", cwd=below)
