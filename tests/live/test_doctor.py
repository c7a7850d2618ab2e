"""Each check of the doctor: planted, reported, and mended by --fix where the contract says so."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab import PATIENCE, STAYS, Lab, Result, until, zygote

pytestmark = pytest.mark.usefixtures("own_default_ports")
SECRET = "hunter2-planted"


def examined(lab: Lab, *flags: str, code: int, cwd: Path | None = None) -> dict[str, dict[str, Any]]:
    """The doctor's checks by name; of two of one name, one that does not hold."""
    said = lab.inv("doctor", "--json", *flags, cwd=cwd)
    assert said.code == code, said.said
    assert said.json["ok"] is (code == 0)
    checks = sorted(said.json["checks"], key=lambda check: not check["ok"])
    return {check["name"]: check for check in checks}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def started(lab: Lab, **services: Any) -> None:
    lab.configure(**(services or {"dev": STAYS}))
    up = lab.inv("dev.start")
    assert up.code == 0, up.said


def socket_of(lab: Lab) -> Path:
    return lab.folder / "tmux" / f"tmux-{os.getuid()}" / "default"


def test_a_machine_that_is_ready_and_safe(lab: Lab) -> None:
    assert examined(lab, code=0)["socket"]["reason"] == "no server has been started"
    lab.environ |= {"DEPLOY_TOKEN": SECRET, "API_PASSWORD": SECRET}
    started(lab)
    checks = examined(lab, "--fix", code=0)
    assert {"environment", "status-line", "history-limit", "dev.command", "strays", "locks"} <= set(checks)
    assert set(checks["tmux"]) == {"name", "ok", "severity", "reason", "remedy", "fixed"}
    assert not any(check["fixed"] for check in checks.values())
    assert (mode(socket_of(lab)), mode(socket_of(lab).parent)) == (0o600, 0o700)
    page = lab.inv("doctor")
    assert (page.code, page.err) == (0, "")
    assert all(line.startswith("✅ ") for line in page.out.splitlines())
    assert_nowhere(lab, SECRET, page)


def assert_nowhere(lab: Lab, secret: str, *said: Result) -> None:
    """The secret is in no output, no file below the state folder, and not in what tmux keeps."""
    texts = [each.said for each in said] + [lab.tmux("show-environment", "-t", "=sentinel-app:")]
    texts += [path.read_bytes().decode("utf-8", "replace") for path in lab.state() if path.is_file()]
    assert not any(secret in text for text in texts)


def failed(lab: Lab, *flags: str) -> dict[str, list[dict[str, Any]]]:
    """The doctor's checks that do not hold, by name; it has one or more."""
    said = lab.inv("doctor", "--json", *flags)
    assert (said.code, said.json["ok"]) == (1, False), said.said
    wrong = [check for check in said.json["checks"] if not check["ok"]]
    return {check["name"]: [each for each in wrong if each["name"] == check["name"]] for check in wrong}


def test_modes_the_history_limit_and_locks_are_mended_and_what_is_a_persons_is_told_and_left(lab: Lab) -> None:
    started(lab)
    (log,) = lab.state("dev.log")
    root = log.parent.parent
    assert lab.state("*.lock") == [], "a task takes its locks with it"
    for path, wrong in ((socket_of(lab), 0o660), (socket_of(lab).parent, 0o770), (root, 0o755), (log, 0o644)):
        path.chmod(wrong)
    lab.tmux("set-option", "-t", "=sentinel-app:", "history-limit", "2000")
    lab.tmux("set-option", "-g", "history-limit", "1234")
    plant_secrets(lab)
    plant_commands(lab)
    left, spec, held = log.parent / "dev.lock", log.parent / "dev.0.spec", log.parent / "web.lock"
    for path in (left, held):
        path.touch(0o600)
    os.mkfifo(spec, 0o600)
    for path in (spec, held):
        os.utime(path, (0, 0))
    names = ("socket", "socket-folder", "state-folder", "history-limit")
    with held.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        planted = failed(lab)
        assert {*planted} == {*names, "environment", "status-line", "locks"}
        assert all(planted[name][0]["remedy"] for name in names)
        assert mode(log) == 0o644
        assert len(planted["locks"]) == 3
        assert any(f"process {os.getpid()}" in check["reason"] for check in planted["locks"])
        kept = failed(lab, "--fix")
        assert ({*kept}, len(kept["locks"])) == ({"environment", "status-line", "locks"}, 1)
        assert [path.exists() for path in (left, spec, held)] == [False, False, True]
    assert [mode(path) for path in (socket_of(lab), socket_of(lab).parent, root, log)] == [0o600, 0o700, 0o700, 0o600]
    assert lab.tmux("show-options", "-g", "-v", "history-limit") == "1234"
    assert "locks" not in failed(lab, "--fix")
    page = lab.inv("doctor")
    assert_secrets_are_told_by_name_and_left(lab, page, kept["environment"])
    assert_commands_are_told_and_left(lab, kept["status-line"])


def plant_secrets(lab: Lab) -> None:
    lab.tmux("set-environment", "-g", "DEPLOY_TOKEN", f"x\n{SECRET}_PASSWORD=1")
    lab.tmux("set-environment", "-t", "=sentinel-app:", "DB_PASSWORD", SECRET)


def assert_secrets_are_told_by_name_and_left(lab: Lab, page: Result, checks: list[dict[str, Any]]) -> None:
    for told in (page.out, str(checks)):
        assert ("DEPLOY_TOKEN" in told, "DB_PASSWORD" in told, SECRET in told) == (True, True, False)
    assert "tmux set-environment -g -u DEPLOY_TOKEN" in page.out
    assert SECRET in lab.tmux("show-environment", "-g", "DEPLOY_TOKEN")


def plant_commands(lab: Lab) -> None:
    lab.tmux("set-option", "-g", "status-right", "#(uptime)\nx")
    lab.tmux("set-option", "-g", "@theme", "#{E:@weather}", ";", "set-option", "-g", "@weather", "#(curl wttr.in)")
    lab.tmux("set-option", "-g", "status-left", "#{E:@theme}")
    lab.tmux("set-option", "-w", "-t", "=sentinel-app:", "window-status-format", "`id`")


def assert_commands_are_told_and_left(lab: Lab, checks: list[dict[str, Any]]) -> None:
    options = ("status-left", "status-right", "window-status-format")
    assert all(name in check["reason"] for name, check in zip(options, checks, strict=True))
    assert "uptime" in lab.tmux("show-options", "-g", "-v", "status-right")


def test_sessions_with_another_name_or_without_a_workspace(lab: Lab) -> None:
    """The remedy gave another workspace's session this workspace's name, and a path with a backslash was not found."""
    other = lab.workspace("back\\slash one")
    lab.configure(other, dev=STAYS)
    assert lab.inv("dev.start", cwd=other).code == 0
    started(lab)
    (session,) = {window.partition(":")[0] for window in lab.windows()} - {"sentinel-app"}
    assert examined(lab, code=0)["gone-workspaces"]["ok"]
    lab.tmux("rename-session", "-t", f"={session}", "x")
    remedy = examined(lab, code=1)["session-names"]["remedy"]
    assert remedy.endswith(f" {session}")
    lab.tmux(*shlex.split(remedy)[1:])
    running = {each["workspace"] for each in lab.inv("ps", "--all", "--json").json["workspaces"]}
    assert running == {str(lab.path), str(other)}
    shutil.rmtree(other)
    lab.tmux("rename-session", "-t", "=sentinel-app", "my app")
    checks = examined(lab, "--fix", code=1)
    assert "my app" in checks["session-names"]["reason"]
    assert str(other) in checks["gone-workspaces"]["reason"]
    assert checks["gone-workspaces"]["remedy"] == f"tmux kill-session -t '={session}'", "zsh can't find a bare =word"
    assert len(lab.services()) == 2, "no running process is touched"


def test_a_command_that_is_not_there_and_a_port_that_is_taken(lab: Lab) -> None:
    port = lab.port()
    holder = lab.listen(port, cwd=lab.folder)
    lab.configure(
        dev={"command": "no-such-program --serve", "port": port},
        telemetry={"command": ["./here"], "port": None, "health": None, "env_file": ".env"},
        web={"command": "exec true", "cwd": "nowhere", "port": None, "health": None},
    )
    checks = examined(lab, "--fix", code=1)
    assert "no-such-program" in checks["dev.command"]["reason"]
    assert "env_file" in checks["telemetry.command"]["reason"]
    assert "nowhere" in checks["web.command"]["reason"]
    assert f"pid {holder.pid}" in checks["dev.port"]["reason"]
    assert "--on-conflict takeover" in checks["dev.port"]["remedy"]
    assert holder.poll() is None
    (lab.path / ".env").touch()
    assert "./here" in examined(lab, code=1)["telemetry.command"]["reason"]
    (lab.path / "here").touch(0o755)
    lab.configure(dev={"command": "true", "port": lab.port()}, telemetry={"command": ["./here"], "port": lab.port()})
    assert all(check["ok"] for check in examined(lab, code=0).values())


def test_two_workspaces_on_two_tmux_servers_that_want_the_same_port(lab: Lab) -> None:
    """Only the workspace's own server was looked at."""
    port, other = lab.port(), lab.workspace("other")
    service = {**STAYS, "port": port}
    document = {"sentinel": {"socket_name": "elsewhere", "services": {"dev": service}}}
    (other / "invoke.yaml").write_text(json.dumps(document))
    lab.configure(dev=service)
    assert lab.inv("dev.start", cwd=other).code == 0
    assert lab.inv("dev.stop", cwd=other).code == 0
    check = examined(lab, code=1)["shared-ports"]
    assert f"want port {port}" in check["reason"]
    assert str(other) in check["reason"]
    lab.configure(dev={**service, "port": "auto"})
    assert examined(lab, code=0)["shared-ports"]["ok"]


def test_a_log_that_is_kept_for_a_follower_that_does_not_read_on(lab: Lab) -> None:
    """The pump takes up to 64 KB at once, and begins another file only behind them: there must be several of these."""
    go = lab.path / "go"
    command = f"echo begin; until test -e {go}; do sleep 0.05; done; seq 40000; exec sleep 600"
    lab.configure(
        telemetry={"command": command, "port": None, "health": {"log": "begin"}, "log_max_mb": 0.01, "log_backups": 1}
    )
    assert lab.inv("telemetry.activate").code == 0
    follower = lab.begin("telemetry.logs", "--follow")
    assert follower.stdout.readline() == b"begin\n"
    assert examined(lab, code=0)["logs"]["ok"]
    os.kill(follower.pid, signal.SIGSTOP)
    go.touch()
    until(lambda: "40000" in lab.sentinel("logs", "telemetry", "--lines", "1").out)
    told = examined(lab, code=1)["logs"]
    assert (told["ok"], told["severity"]) == (False, "warning")
    assert f"kept for process {follower.pid}" in told["reason"]
    assert f"kill {follower.pid}" in told["remedy"]
    follower.kill()
    follower.wait()
    assert examined(lab, code=0)["logs"]["ok"]


def test_a_log_that_is_a_link_or_a_fifo_is_told_never_followed_and_hides_nothing_else(lab: Lab) -> None:
    """A link made every task fail, start of a healthy service and `ps` of all; a FIFO was waited for."""
    ends = {"command": "exit 3", "port": None, "health": {"command": "false"}}
    started(lab, dev={**STAYS, "health": {"command": "true"}}, telemetry=ends)
    assert lab.inv("telemetry.activate").code == 1
    until(lambda: len(lab.state("*.log")) == 2, "both logs")
    assert lab.inv("down").code == 0
    link, fifo = (lab.state("dev.run.json")[0].with_name(name) for name in ("dev.log", "telemetry.log"))
    for log in (link, fifo):
        log.unlink()
    victim = lab.folder / "victim"
    victim.write_text("mine")
    link.symlink_to(victim)
    os.mkfifo(fifo, 0o600)
    assert lab.inv("dev.start").code == 0
    crashed = lab.inv("telemetry.activate")
    assert (crashed.code, "exit 3" in crashed.err) == (1, True)
    told = lab.sentinel("ps", "--json")
    states = [each["state"] for each in told.json["workspaces"][0]["services"]]
    assert (told.code, states) == (0, ["running", "crashed"])
    shown = lab.sentinel("logs", "dev")
    assert ("dev.log" in shown.err, "mine" in shown.out) == (True, False)
    wrong = [check["reason"] for check in lab.inv("doctor", "--fix", "--json").json["checks"] if not check["ok"]]
    assert len(wrong) == 2
    assert [word for word in ("symbolic link", "neither a file") if word not in " ".join(wrong)] == []
    assert lab.inv("dev.stop").code == 0
    assert (victim.read_text(), link.is_symlink()) == ("mine", True)
    shutil.rmtree(link.parent.parent)
    link.parent.parent.symlink_to(lab.folder)
    assert "symbolic link" in examined(lab, code=1)["state-folder"]["reason"]


def test_a_wrong_configuration_is_a_check_too(lab: Lab) -> None:
    lab.configure(dev={"port": 70_000, "comand": "x"})
    said = lab.inv("doctor", "--json")
    assert said.code == 2
    assert [problem["key"] for problem in said.json["problems"]]
    assert said.json["ok"] is False
    checks = {check["name"]: check for check in said.json["checks"]}
    assert checks["tmux"]["ok"]
    assert not checks["configuration"]["ok"]
    assert "70000" in lab.inv("doctor").out
    assert lab.inv("doctor", env={"WORKSPACE_FOLDER": "/nowhere/at/all"}).code == 2


def test_without_tmux_or_with_an_old_one(lab: Lab) -> None:
    lab.environ["PATH"] = str(Path(sys.executable).parent)
    check = examined(lab, "--fix", code=1)["tmux"]
    assert "not installed" in check["reason"]
    assert "install tmux" in check["remedy"]
    old = lab.folder / "old"
    old.mkdir()
    (old / "tmux").write_text('#!/bin/sh\ncase "$*" in *-V*) echo "tmux 3.1c";; *) exit 1;; esac\n')
    (old / "tmux").chmod(0o755)
    lab.environ["PATH"] = f"{old}:/usr/bin:/bin"
    assert "tmux 3.1c is too old" in examined(lab, code=1)["tmux"]["reason"]


def test_keys_that_nothing_reads(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text(
        "from invoke import task\nfrom sentinel_tasks import namespace\n\n"
        "@task\ndef own(c):\n    print(c.deployment.host)\n\nnamespace.add_task(own)\n"
    )
    document = {"sentinal": {"services": {}}, "deployment": {"host": "x"}, "run": {"ehco": True, "echo": False}}
    (lab.path / "invoke.yaml").write_text(json.dumps(document))
    said = lab.inv("doctor", "--json")
    assert said.code == 1
    wrong = [check["reason"] for check in said.json["checks"] if not check["ok"]]
    assert wrong == ["nothing reads sentinal", "nothing reads run.ehco"]


def alone(lab: Lab, cwd: Path) -> Result:
    """What `python -m sentinel_tasks doctor` says there."""
    return zygote().run(["-m", "sentinel_tasks", "doctor"], cwd, lab.environ, PATIENCE)


def test_a_tasks_file_that_builds_no_namespace(lab: Lab) -> None:
    (lab.path / "tasks.py").write_text("from sentinel_tasks import dev, telemetry\n")
    assert "doctor" in lab.inv("doctor").err
    said = alone(lab, lab.path)
    assert said.code == 1, said.err
    assert "tasks.py has dev, telemetry" in said.out
    assert "namespace = workspace(dev, telemetry)" in said.out
    pieces = "from invoke import Collection\nfrom sentinel_tasks import dev, telemetry\n"
    (lab.path / "tasks.py").write_text(f"{pieces}namespace = Collection(dev, telemetry)\n")
    said = alone(lab, lab.path)
    assert said.code == 0, said.out
    assert "dev.command" in said.out
    empty = lab.folder / "empty"
    empty.mkdir()
    said = alone(lab, empty)
    assert said.code == 1, said.out
    assert f"there is no tasks.py in {empty}" in said.out
    (lab.path / "invoke.yaml").write_text("sentinel: [")
    said = alone(lab, lab.path)
    assert (said.code, said.err) == (2, ""), said.err
    assert "invoke.yaml' can't be read" in said.out.replace("':", "'")


@pytest.mark.parametrize("kind", ["link", "group", "other-user"])
def test_a_socket_folder_that_can_not_be_trusted_is_refused(lab: Lab, kind: str) -> None:
    folder, elsewhere = socket_of(lab).parent, lab.folder / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if kind == "link":
        folder.symlink_to(elsewhere)
    else:
        folder.mkdir(mode=0o700)
    if kind == "group":
        folder.chmod(0o770)
    if kind == "other-user":
        if os.getuid():
            pytest.skip("needs root to give a folder away")
        os.chown(folder, 12345, -1)
    lab.configure(dev=STAYS)
    refused = lab.inv("dev.start")
    assert refused.code == 1
    assert str(folder) in refused.err
    assert "inv doctor" in refused.err
    assert [*folder.iterdir(), *elsewhere.iterdir()] == []
    check = examined(lab, "--fix", code=0 if kind == "group" else 1)["socket-folder"]
    assert check["fixed"] is (kind == "group")
    assert lab.inv("dev.start").code == (0 if kind == "group" else 1)
