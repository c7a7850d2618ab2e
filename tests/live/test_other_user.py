"""As a user without rights beside processes of root: nothing of root's is touched or claimed, and that is said."""

from __future__ import annotations

import os
import pwd
import shlex

from tests.lab import Lab, free_port, is_open, until
from tests.somebody import Somebody

NO_ACCOUNT = 61_234


def test_what_is_roots_is_neither_touched_nor_claimed(lab: Lab, somebody: Somebody) -> None:
    taken, free = lab.port(), lab.port()
    server = shlex.join([somebody.python, str(somebody.server)])
    lab.configure(somebody.path, dev={"command": server, "port": taken}, telemetry={"command": server, "port": free})
    somebody.own()
    marks = {"SENTINEL_WORKSPACE": str(somebody.path), "SENTINEL_SERVICE": "dev", "PORT": str(taken)}
    lab.environ |= marks
    holder = lab.spawn(*lab.server(), cwd=somebody.path)
    for name in marks:
        del lab.environ[name]
    until(lambda: is_open(taken), "root's server")
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(somebody.path), "sleep 600")

    refused = somebody.inv("dev.start", "--on-conflict", "takeover")
    assert refused.code == 4, refused.said
    assert "can't be seen" in refused.err or "of user root" in refused.err
    status = somebody.inv("dev.status", "--json")
    assert status.code == 4
    assert status.json["listener"]["relation"] in ("other-user", "unknown")
    assert status.json["pid"] is None

    started = somebody.inv("telemetry.activate", "--json")
    assert started.code == 0, started.said
    assert started.json["listener"]["relation"] == "ours"

    doctor = somebody.inv("doctor", "--json", "--fix")
    assert doctor.code == 1
    wrong = {check["name"]: check["reason"] for check in doctor.json["checks"] if not check["ok"]}
    assert set(wrong) == {"dev.port"}
    assert "can't be seen" in wrong["dev.port"] or "of user root" in wrong["dev.port"]

    down = somebody.inv("down")
    assert down.code == 0, down.said
    assert not is_open(free)
    assert holder.poll() is None
    assert is_open(taken)
    assert lab.windows() != []


def test_the_doctor_tells_of_files_that_root_left_behind(lab: Lab, somebody: Somebody) -> None:
    sleeper = {"command": "sleep 600", "port": None, "health": {"command": "true"}}
    lab.configure(somebody.path, dev=sleeper, telemetry={"port": free_port()})
    somebody.own()
    assert somebody.inv("dev.start").code == 0
    (log,) = until(lambda: [*(somebody.folder / "state").glob("sentinel/*/dev.log")], "the log writer")
    os.chown(log, 0, 0)
    doctor = somebody.inv("doctor", "--fix", "--json")
    assert doctor.code == 1
    assert [check["reason"] for check in doctor.json["checks"] if not check["ok"]] == [f"{log} belongs to another user"]
    assert log.stat().st_uid == 0
    assert [somebody.inv(task).code for task in ("dev.restart", "ps", "down")] == [0, 0, 0]


def test_a_random_user_id_without_a_home_is_told_which_variables_help(somebody: Somebody) -> None:
    """In a container every task, the doctor too, ended in a traceback."""
    somebody.account = pwd.struct_passwd(("nobody knows", "x", NO_ACCOUNT, NO_ACCOUNT, "", "/nowhere", ""))
    somebody.own()
    del somebody.environ["HOME"], somebody.environ["XDG_STATE_HOME"]
    for task in ("dev.start", "ps", "doctor"):
        done = somebody.inv(task)
        assert (done.code, len(done.err.splitlines())) == (1, 1), done.said
        assert "set HOME, or XDG_STATE_HOME" in done.err
    somebody.environ |= {"XDG_STATE_HOME": str(somebody.folder / "state"), "DEV_SERVER_PORT": str(free_port())}
    somebody.environ["WORKER_API_PORT"] = str(free_port())
    started = somebody.inv("dev.start", "--json")
    assert started.code == 0, started.said
    assert somebody.inv("down").code == 0
