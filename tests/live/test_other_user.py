"""As a user without rights beside processes of root: nothing of root's is touched or claimed, and that is said."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import SERVER, Lab, Result, is_open, until
from tests.packages import INTERPRETERS, copy_packages


def program(name: str) -> str:
    """Its path, also where only the administrator looks for programs; empty if it is not there."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or ""


class Somebody:
    """A user made for this test, with a home, a workspace and a tmux server of its own."""

    def __init__(self, folder: Path, account: pwd.struct_passwd) -> None:
        self.folder, self.account = folder, account
        self.path = folder / "app"
        self.environ = {
            "HOME": str(folder / "home"), "XDG_STATE_HOME": str(folder / "state"), "TMUX_TMPDIR": str(folder / "tmux"),
            "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONPATH": str(folder / "lib"),
        }  # fmt: skip
        for name in ("home", "state", "tmux", "app"):
            (folder / name).mkdir(mode=0o700)
        (self.path / "tasks.py").write_text("from sentinel_tasks import namespace\n")
        copy_packages(folder / "lib")
        self.server = shutil.copy(SERVER, folder / "lib")
        self.python = next((each for each in INTERPRETERS if self._runs(each)), "")

    def own(self) -> None:
        """Gives everything in the folder to the user."""
        for path in (self.folder, *self.folder.rglob("*")):
            os.lchown(path, self.account.pw_uid, self.account.pw_gid)

    def _runs(self, python: str) -> bool:
        self.own()
        return self.run("env", python, "-c", "import invoke, msgspec, psutil, sentinel_tasks").returncode == 0

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        user = [f"--reuid={self.account.pw_uid}", f"--regid={self.account.pw_gid}", "--clear-groups"]
        return subprocess.run(
            [program("setpriv"), *user, "--", *words],
            cwd=self.path,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def inv(self, *words: str) -> Result:
        done = self.run(self.python, "-m", "invoke", *words)
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr, 0.0)


@pytest.fixture
def somebody() -> Iterator[Somebody]:
    if os.getuid() or not all(map(program, ("useradd", "userdel", "setpriv"))):
        pytest.skip("needs root, useradd, userdel and setpriv")
    name = f"sentinel-test-{os.getpid()}"
    subprocess.run([program("useradd"), "--no-create-home", "--shell", "/usr/sbin/nologin", name], check=True)
    folder = Path(tempfile.mkdtemp(prefix="sentinel-user-"))
    try:
        made = Somebody(folder, pwd.getpwnam(name))
        if not made.python:
            pytest.skip("no Python with these packages that another user may run")
        yield made
        made.run("tmux", "kill-server")
    finally:
        subprocess.run([program("userdel"), "--force", name], check=True, capture_output=True)
        shutil.rmtree(folder)


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

    for flags in ([], ["--on-conflict", "takeover"]):
        refused = somebody.inv("dev.start", *flags)
        assert refused.code == 4, refused.said
        assert "can't be seen" in refused.err or "of user root" in refused.err
    status = somebody.inv("dev.status", "--json")
    assert status.code == 4
    assert status.json["listener"]["relation"] in ("other-user", "unknown")
    assert status.json["pid"] is None

    started = somebody.inv("telemetry.activate", "--json")
    assert started.code == 0, started.said
    assert started.json["listener"]["relation"] == "ours"

    for flags in ([], ["--fix"]):
        doctor = somebody.inv("doctor", "--json", *flags)
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
    lab.configure(somebody.path, dev={"command": "sleep 600", "port": None, "health": None})
    somebody.own()
    assert somebody.inv("dev.start").code == 0
    (log,) = (somebody.folder / "state").glob("sentinel/*/dev.log")
    os.chown(log, 0, 0)
    doctor = somebody.inv("doctor", "--fix", "--json")
    assert doctor.code == 1
    assert [check["reason"] for check in doctor.json["checks"] if not check["ok"]] == [f"{log} belongs to another user"]
    assert log.stat().st_uid == 0
    assert [somebody.inv(task).code for task in ("dev.restart", "ps", "dev.status")] == [0, 0, 0]
    assert somebody.inv("down").code == 0
