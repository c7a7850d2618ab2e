"""Commands beside a service: its environment, its address, and waiting for it."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pexpect
import psutil

from tests.forked import typed
from tests.lab import INV, LONG, STAYS, Lab, on_terminal

SHOW = "import os, sys; print(os.environ['A'], os.getcwd(), sys.argv[1:]); sys.exit(7)"


def test_a_command_runs_in_a_services_surroundings(lab: Lab) -> None:
    (lab.path / "sub").mkdir()
    lab.configure(dev={"command": "sleep 600", "port": None, "health": None, "cwd": "sub", "env": {"A": "from dev"}})
    words = ["two words", 'a "quoted" one', "$A", ""]
    for task in (["run", "dev"], ["dev.run"]):
        told = lab.inv(*task, "--", sys.executable, "-c", SHOW, *words)
        assert (told.code, told.out) == (7, f"from dev {lab.path / 'sub'} {words}\n"), told.said


def test_what_is_typed_at_a_command_is_the_commands_alone(lab: Lab) -> None:
    """C-c at the prompt of a database's shell ended that shell with all that was typed in it."""
    lab.configure(dev={"command": "sleep 600", "port": None, "health": None})
    traps = "trap 'echo heard' INT; echo ready; until [ -e go ]; do sleep .05; done; exit 5"
    with on_terminal(lab, INV, "run", "dev", "--", "sh", "-c", traps) as shown:
        shown.expect_exact("ready")
        shown.sendintr()
        shown.expect_exact("heard")
        (lab.path / "go").touch()
        shown.expect_exact(pexpect.EOF)
        shown.close()
    assert shown.exitstatus == 5


def test_a_command_in_the_background_of_a_script_does_not_hear_c_c_either(lab: Lab) -> None:
    lab.configure(dev={"command": "sleep 600", "port": None, "health": None})
    command = shlex.join([INV, "run", "dev", "--", "sh", "-c", "kill -INT $$; echo lives"])
    script = ["sh", "-c", f"trap '' INT; exec {command}"]
    done = subprocess.run(script, cwd=lab.path, env=lab.environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "lives\n"), done.stderr


def test_a_command_that_is_not_there_is_told(lab: Lab) -> None:
    told = lab.inv("run", "dev", "--", "no-such-program")
    assert (told.code, "no-such-program: command not found" in told.err) == (127, True), told.said
    assert lab.inv("run", "dev").code == 2


def test_a_command_that_a_person_runs_beside_a_service_outlives_it(lab: Lab) -> None:
    """A shell of `run web -- python manage.py shell` was killed by `down` in another terminal."""
    lab.configure(web=STAYS)
    assert lab.inv("web.start").code == 0
    beside = lab.begin("web.run", "--", "sh", "-c", f"echo begun; exec sleep {LONG}")
    assert beside.stdout.readline() == b"begun\n"
    (program,) = psutil.Process(beside.pid).children()
    for task in ("doctor --fix", "down"):
        done = lab.inv(*task.split())
        assert done.code == 0, done.said
        assert program.is_running()
        assert beside.poll() is None


def test_an_environment_can_be_taken_over_by_a_shell(lab: Lab) -> None:
    port = lab.port()
    lab.configure(dev={"command": lab.server("--port", str(port)), "port": port, "env": {"A": "it's $5"}})
    script = f'eval "$({typed(lab)} dev.env --export)"; printf "%s %s" "$A" "$PORT"'
    (lab.path / "invoke.yaml").write_text((lab.path / "invoke.yaml").read_text().replace("$5", "$$5"))
    done = subprocess.run(
        ["sh", "-c", script], cwd=lab.path, env=lab.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"it's $5 {port}"
    addresses = lab.inv("env", "--json").json
    assert addresses["SENTINEL_URL_DEV"] == f"http://localhost:{port}"


def test_secrets_are_masked_unless_they_are_wanted(lab: Lab) -> None:
    lab.configure(dev={"command": "sleep 600", "port": None, "health": None, "env": {"API_TOKEN": "hunter2"}})
    assert "hunter2" not in lab.inv("dev.env").said + lab.inv("dev.env", "--json").said
    assert "API_TOKEN='hunter2'" in lab.inv("dev.env", "--dotenv", "--reveal").out


def test_an_address_is_told_only_where_somebody_answers(lab: Lab) -> None:
    port = lab.port()
    lab.configure(dev={"command": lab.server("--port", str(port)), "port": port})
    assert lab.inv("url", "dev").code == 3
    assert lab.inv("dev.start", "--no-wait").code == 0
    assert lab.inv("wait", "--only", "dev", "--timeout", str(LONG)).code == 0
    assert lab.inv("dev.url").out == f"http://localhost:{port}\n"
    lab.configure(dev={"command": lab.server("--port", str(port)), "port": port, "health": "tcp"})
    assert lab.inv("dev.url").out == f"localhost:{port}\n"
    assert lab.inv("dev.url", "--json").json == {"service": "dev", "url": None, "address": f"localhost:{port}"}


def test_a_restart_that_can_not_start_again_stops_nothing(lab: Lab) -> None:
    """Everything was stopped, and then the broken env file was told."""
    port = lab.port()
    (lab.path / ".env").write_text("A=1\n")
    keys = {**STAYS, "port": port, "env_file": ".env"}
    lab.configure(dev=keys)
    assert lab.inv("dev.start").code == 0
    pid = lab.sentinel("status", "dev", "--json").json["pid"]
    (lab.path / ".env").write_text("what is this\n")
    assert lab.inv("dev.restart").code == 2
    (lab.path / ".env").write_text("A=1\n")
    lab.configure(dev={**keys, "cwd": "gone"})
    assert lab.inv("restart", "--only", "dev").code == 2
    taken = lab.port()
    lab.listen(taken, cwd=lab.folder)
    lab.configure(dev={**keys, "port": taken})
    assert lab.inv("dev.restart").code == 4
    lab.configure(dev=keys)
    assert lab.sentinel("status", "dev", "--json").json["pid"] == pid


def test_why_tells_what_changed_since_it_last_ran_well(lab: Lab) -> None:
    """A branch was changed and the service broke; which of both did it was a search in five places."""
    git = ["git", "-C", str(lab.path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "works"], check=True)
    lab.configure(dev=STAYS)
    assert lab.inv("dev.start").code == 0
    assert lab.inv("dev.why", "--json").json["changes"] == []
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "breaks"], check=True)
    lab.configure(dev={"command": "echo boom; exit 3", "port": None, "health": {"log": "never"}})
    assert lab.inv("dev.restart").code == 1
    told = lab.inv("why", "dev", "--json")
    assert (told.code, told.json["state"], told.json["cause"]) == (3, "crashed", "exit 3: boom"), told.said
    assert (told.json["changes"], told.json["last_output"]) == (["command", "health"], ["boom"])
    assert told.json["commit"] not in (None, told.json["ran_well"]["commit"])
