"""Any number of services: up, down, ps, logs, one-shots, restarts, automatic ports, worktrees.

Contract: Configuration, Tasks.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sentinel_tasks.names import AUTO_COUNT, digest
from tests.forked import typed
from tests.lab import LONG, PATIENCE, STAYS, Lab, Result, until

WORKSPACE = "from sentinel_tasks import {names}service, workspace\n\n{body}\n"
RUNS = "exec sleep 600"
UP = STAYS["command"]


def declare(lab: Lab, body: str, names: str = "") -> None:
    (lab.path / "tasks.py").write_text(WORKSPACE.format(names=names, body=body))


def states(result: Result) -> dict[str, str]:
    return {each["service"]: each["state"] for each in result.json["services"]}


def listed(lab: Lab, cwd: Path | None = None, env: dict[str, str] | None = None) -> dict[str, dict[str, object]]:
    (group, *_) = lab.sentinel("ps", "--json", cwd=cwd, env=env).json["workspaces"]
    return {each["service"]: each for each in group["services"]}


def test_up_starts_in_order_and_down_leaves_nothing(lab: Lab) -> None:
    order = lab.folder / "order"
    declare(
        lab,
        f"""
db = service("db", command="echo db >> {order}; {UP}", health={{"log": "up"}})
migrate = service("migrate", command="echo migrate >> {order}; sleep 0.2", health="exit", depends_on=["db"])
web = service("web", command="echo web >> {order}; {UP}", health={{"log": "up"}}, depends_on={{"migrate": "completed"}})
namespace = workspace(web, migrate, db)
""",
    )
    up = lab.inv("up", "--json")
    assert up.code == 0, up.said
    assert states(up) == {"db": "running", "migrate": "completed", "web": "running"}
    assert order.read_text().split() == ["db", "migrate", "web"]
    again = lab.inv("up", "--json")
    assert [each["changed"] for each in again.json["services"]] == [False, False, False]
    assert lab.inv("down").code == 0
    assert lab.services() == []
    assert lab.windows() == []


def worktrees(lab: Lab, project: Path, branch: str) -> list[Path]:
    """The project as a git repository, and a worktree of it beside it."""
    other = project.with_name(branch)
    person = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["worktree", "add", "-q", "-b", branch, other]):
        subprocess.run(["git", *person, *words], cwd=project, env=lab.environ, check=True)
    return [project, other]


def test_up_with_automatic_ports_starts_a_second_copy_of_a_project_with_fixed_ones(lab: Lab) -> None:
    declare(lab, "namespace = workspace()")
    port, other = lab.port(), lab.workspace("feature", (lab.path / "tasks.py").read_text())
    for path in (lab.path, other):
        lab.configure(path, api={"command": lab.server(), "port": port}, idle={**STAYS, "autostart": False})
    assert lab.inv("up").code == 0
    assert lab.inv("up", cwd=other).code == 4
    done = lab.inv("up", "--port", "auto", "--json", cwd=other)
    assert done.code == 0, done.said
    found = listed(lab, other)
    assert found["api"]["port"] not in (None, port)
    assert found["idle"]["port"] is None


def test_two_worktrees_with_automatic_ports_run_side_by_side_and_keep_them(lab: Lab) -> None:
    tasks = WORKSPACE.format(
        names="",
        body=f"""
api = service("api", port="auto", command="{shlex.join(lab.server())}")
web = service("web", command="echo api is $SENTINEL_PORT_API; {RUNS}", health={{"log": "api is"}}, depends_on=["api"])
namespace = workspace(api, web)
""",
    )
    trees = worktrees(lab, lab.workspace("project", tasks), "feature")
    starts = [lab.begin("up", cwd=tree) for tree in trees]
    assert [start.wait(PATIENCE) for start in starts] == [0, 0]
    ports = [listed(lab, tree)["api"]["port"] for tree in trees]
    assert ports[0] != ports[1]
    for tree, port in zip(trees, ports, strict=True):
        assert f"api is {port}" in lab.sentinel("logs", "web", cwd=tree).out
        assert lab.sentinel("status", "api", "--json", cwd=tree).json["listener"]["relation"] == "ours"
    everywhere = lab.inv("ps", "--all", "--json", cwd=trees[0]).json["workspaces"]
    assert {str(tree) for tree in trees} == {group["workspace"] for group in everywhere}
    assert lab.inv("api.stop", cwd=trees[1]).code == 0
    assert lab.inv("api.start", "--json", cwd=trees[1]).json["port"] == ports[1]


def on_server(lab: Lab, name: str) -> Path:
    """A workspace with one service, on a tmux server of its own."""
    path = lab.workspace(name, "from sentinel_tasks import workspace\n\nnamespace = workspace()\n")
    document = {"sentinel": {"socket_name": name, "services": {"api": STAYS}}}
    (path / "invoke.yaml").write_text(json.dumps(document))
    return path


def apart(lab: Lab, number: int) -> dict[str, str]:
    """The variables of somebody with tmux servers and a state folder of their own."""
    folders = {"TMUX_TMPDIR": lab.folder / f"tmux{number}", "XDG_STATE_HOME": lab.folder / f"state{number}"}
    for folder in folders.values():
        folder.mkdir(mode=0o700)
    return {variable: str(folder) for variable, folder in folders.items()}


def that_would_choose_the_same_port(lab: Lab, service: str) -> tuple[Path, Path]:
    """Two folders for which the search for a port begins at the same place."""
    seen: dict[int, Path] = {}
    while True:
        path = lab.folder / f"project-{len(seen)}"
        start = int(digest(f"{path}\0{service}"), 16) % AUTO_COUNT
        if start in seen:
            return seen[start], path
        seen[start] = path


def test_workspaces_that_know_nothing_of_each_other_never_choose_the_same_port(lab: Lab) -> None:
    """Neither the tmux server nor the state folder is shared, and neither service listens."""
    paths = that_would_choose_the_same_port(lab, "api")
    homes = [apart(lab, number) for number in range(2)]
    for path in paths:
        lab.workspace(path.name, WORKSPACE.format(names="", body='namespace = workspace(service("api"))'))
        lab.configure(path, api={**STAYS, "port": "auto"})
    places = list(zip(paths, homes, strict=True))
    starts = [lab.begin("up", cwd=path, env=home) for path, home in places]
    assert [start.wait(PATIENCE) for start in starts] == [0, 0]
    ports = [listed(lab, path, home)["api"]["port"] for path, home in places]
    assert len(set(ports)) == 2
    assert lab.inv("restart", cwd=paths[1], env=homes[1]).code == 0
    assert [listed(lab, path, home)["api"]["port"] for path, home in places] == ports


def test_ps_shows_the_workspaces_of_every_tmux_server(lab: Lab) -> None:
    paths = [on_server(lab, name) for name in ("first", "second")]
    for path in paths:
        assert lab.inv("up", cwd=path).code == 0
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(next((lab.folder / "tmux").glob("tmux-*")) / "gone"))
    shown = lab.inv("ps", "--all", "--json", cwd=paths[0]).json["workspaces"]
    assert {group["workspace"]: group["services"][0]["state"] for group in shown} == dict.fromkeys(
        map(str, paths), "running"
    )
    assert str(paths[1]) in lab.inv("ps", "--all", cwd=paths[0]).out


def test_a_procfile_runs_as_honcho_runs_it(lab: Lab) -> None:
    show = 'echo "PORT=$PORT A=$A in $PWD"'
    wait = "until test -e seen; do sleep .05; done"
    (lab.path / "Procfile").write_text(f"one: {show}; {wait}\ntwo: {show}; {wait}\n")
    (lab.path / ".env").write_text(f"A='from the file'\nPORT={lab.port()}\n")
    declare(lab, 'namespace = workspace(*from_procfile("Procfile"))', "from_procfile, ")
    honcho = str(Path(sys.executable).with_name("honcho"))
    theirs = lab.path / "theirs"
    running = lab.spawn("sh", "-c", f"exec {honcho} start >{theirs}", env={"PYTHONUNBUFFERED": "1"})
    until(lambda: theirs.exists() and theirs.read_text().count("PORT") == 2)
    (lab.path / "seen").touch()
    running.wait(PATIENCE)
    (lab.path / "seen").unlink()
    assert lab.inv("up").code == 0
    ours = until(lambda: (said := lab.sentinel("logs").out).count("PORT") == 2 and said)
    lab.inv("down")
    told = {line.split("| ")[1] for line in theirs.read_text().splitlines() if "PORT" in line}
    assert len(told) == 2
    assert told == {line.split("| ")[1] for line in ours.splitlines() if "PORT" in line}


def test_a_procfiles_web_runs_once(lab: Lab) -> None:
    """It ran as `dev` and as `web`, and without `.env` as `dev`."""
    command = f"{shlex.join(lab.server())} --port $PORT"
    (lab.path / "Procfile").write_text(f"web: test $FROM_FILE = yes && exec {command}\nworker: {RUNS}\n")
    (lab.path / ".env").write_text("FROM_FILE=yes\n")
    declare(lab, "namespace = workspace(dev, *from_procfile())", "dev, from_procfile, ")
    told = lab.inv("up", "--only", "dev", env={"DEV_SERVER_PORT": str(lab.port())})
    assert told.code == 0, told.said
    assert [*listed(lab)] == ["dev", "worker"]


def test_a_procfile_does_not_count_from_the_port_of_the_service_that_calls(lab: Lab) -> None:
    """`inv web.restart` in the window of `worker` gave `web` the port of `worker`."""
    (lab.path / "Procfile").write_text(f"web: {RUNS}\nworker: {RUNS}\n")
    declare(lab, "namespace = workspace(*from_procfile())", "from_procfile, ")

    def port(**environ: str) -> int:
        return int(lab.inv("web.status", "--json", env=environ).json["port"])

    assert port(PORT="6100") == 6100
    assert port(PORT="5100", SENTINEL_SERVICE="worker") == port() == 5000


def test_one_look_at_many_services_is_one_tmux_process(lab: Lab) -> None:
    lab.configure(**{f"s{number}": STAYS for number in range(20)})
    (lab.path / "tasks.py").write_text("from sentinel_tasks import workspace\n\nnamespace = workspace()\n")
    echoed = lab.inv("ps", "--echo").err
    assert len([line for line in echoed.splitlines() if line.startswith("tmux ")]) == 1


def test_a_missing_env_file_is_told_before_anything_is_started(lab: Lab) -> None:
    lab.configure(db=STAYS, web={**STAYS, "depends_on": ["db"], "env_file": "nope.env"})
    (lab.path / "tasks.py").write_text("from sentinel_tasks import workspace\n\nnamespace = workspace()\n")
    for words in (["up"], ["--dry", "up"]):
        told = lab.inv(*words)
        assert told.code == 2
        assert "nope.env" in told.err
    assert lab.services() == []


def test_a_port_that_was_moved_to_is_remembered_after_a_crash(lab: Lab) -> None:
    port = lab.port()
    lab.listen(port, cwd=lab.folder)
    lab.configure(web={"command": lab.server(), "port": port, "on_conflict": "auto", "health": "/"})
    declare(lab, 'namespace = workspace(service("web"))')
    moved = lab.inv("web.start", "--json").json
    assert moved["port"] != port
    os.kill(moved["pid"], signal.SIGKILL)
    crashed = until(
        lambda: (found := lab.sentinel("status", "web", "--json").json)["state"] == "crashed" and found, "the crash"
    )
    assert crashed["port"] == moved["port"]


def test_what_is_run_without_a_configuration_is_told_with_the_reason(lab: Lab) -> None:
    lab.configure(dev={"port": lab.port()})
    assert "there is no package.json script" in lab.inv("--dry", "dev.start").out


def test_a_service_may_not_be_called_like_a_task_of_the_workspace(lab: Lab) -> None:
    declare(lab, 'namespace = workspace(service("logs", command="true"))')
    told = lab.inv("up")
    assert told.code == 2
    assert "called like a task" in told.err


def test_a_service_that_the_namespace_gets_later_is_part_of_the_workspace(lab: Lab) -> None:
    runs = f'command="{RUNS}"'
    (lab.path / "tasks.py").write_text(
        f'from sentinel_tasks import namespace, service\nnamespace.add_collection(service("late", {runs}))\n'
    )
    assert "would start late" in lab.inv("--dry", "up").out
    assert "would start late" in lab.inv("--dry", "late.start").out
    declare(
        lab,
        "from invoke import Collection\n"
        f'jobs = workspace(service("late", {runs}))\n'
        f'namespace = workspace(dev)\nnamespace.add_collection(Collection("more", service("later", {runs})))\n'
        'namespace.add_collection(jobs, "jobs")\n',
        "dev, ",
    )
    own_port = {"DEV_SERVER_PORT": str(lab.port())}
    for task in ("up", "jobs.up", "jobs.late.start", "more.later.start"):
        assert lab.inv("--dry", task, env=own_port).code == 0, task
    told = lab.inv("--dry", "up", env=own_port).out
    assert all(f"would start {name}" in told for name in ("dev", "late", "later")), told
    assert "telemetry" not in told


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('service("my_worker", command="true")', "'my_worker': a service's name"),
        ('service("web", command="true", port=4000), service("web", command="true")', "'web': is declared twice"),
        ('"web"', "workspace: \"'web'\": must be a Collection"),
    ],
)
def test_a_service_that_is_declared_wrong_is_told_and_not_left_out(lab: Lab, body: str, problem: str) -> None:
    declare(lab, f'namespace = workspace(service("fine", command="true"), {body})')
    told = lab.inv("--dry", "up")
    assert (told.code, problem in told.err) == (2, True), told.said


def test_a_procfile_that_is_not_there_is_told(lab: Lab) -> None:
    declare(lab, 'namespace = workspace(*from_procfile("Procfil"))', "from_procfile, ")
    assert lab.inv("--list").code == 0
    for words, code in ((["up"], 2), (["ps"], 0)):
        done = lab.inv(*words)
        assert (done.code, "'Procfil': there is no such file" in done.err) == (code, True), done.said


def test_a_terminal_too_small_for_all_services_is_left_clean(lab: Lab) -> None:
    names = [f"s{number}" for number in range(4)]
    wait = "while [ ! -e table-was-seen ]; do sleep 0.2; done"
    ready = {"command": f"{wait}; {UP}", "health": {"log": "up"}, "startup_timeout": LONG}
    lab.configure(**dict.fromkeys(names, ready))
    declare(lab, "namespace = workspace()")
    lab.tmux("new-session", "-d", "-s", "person", "-x", "60", "-y", "4", "sh", socket_name="screen")
    lab.tmux("send-keys", "-t", "person", f"clear; {typed(lab)} up; echo code=$?", "Enter", socket_name="screen")
    until(lambda: "s0: starting" in (shown := screen(lab)) and "more" in shown, "the table")
    (lab.path / "table-was-seen").touch()
    until(lambda: "code=0" in screen(lab), "the end")
    history = screen(lab, "-S", "-")
    assert f" of {LONG} s" not in history
    assert [line.count("started") for line in history.splitlines() if "window" in line] == [1] * len(names)


def screen(lab: Lab, *words: str) -> str:
    """What a person's terminal shows."""
    return lab.tmux("capture-pane", "-p", "-t", "person", *words, socket_name="screen")


def test_up_takes_part_of_a_workspace_with_what_that_needs_and_nothing_is_not_everything(lab: Lab) -> None:
    declare(lab, "namespace = workspace()")
    lab.configure(
        web={**STAYS, "groups": ["frontend"], "depends_on": ["api"]},
        api={**STAYS, "autostart": False},
        docs={**STAYS, "groups": "frontend", "autostart": False},
        job=STAYS,
    )
    assert states(lab.inv("up", "--only", "web", "--json")) == {"api": "running", "web": "running"}
    assert sorted(states(lab.inv("up", "--except", "job", "--json"))) == ["api", "web"]
    assert sorted(states(lab.inv("up", "--group", "frontend", "--json"))) == ["api", "docs", "web"]
    assert listed(lab)["job"]["state"] == "stopped"
    wrong = lab.inv("up", "--group", "fronted")
    assert (wrong.code, "did you mean frontend?" in wrong.err) == (2, True), wrong.said
    wrong = lab.inv("up", "--only", "weeb", "--json")
    assert (wrong.code, "did you mean web?" in wrong.err) == (2, True), wrong.said
    assert wrong.json["problems"][0]["key"] == "--only"
    for verb in ("down", "up", "logs"):  # as `inv down --only "$NAMES"` with an empty variable
        refused = lab.inv(verb, "--only", "")
        assert (refused.code, "--only" in refused.err) == (2, True), refused.said
    assert len(lab.services()) == 3
