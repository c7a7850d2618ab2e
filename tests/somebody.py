"""An ordinary user beside root: with a home, a workspace and a tmux server, and what the tasks need."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from tests.lab import INV, PATIENCE, SERVER, Result, is_traceback, lives, zygote
from tests.packages import INTERPRETERS, copy_packages, is_clone_open_to_others


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
            "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
        }  # fmt: skip
        for name in ("home", "state", "tmux", "app"):
            (folder / name).mkdir(mode=0o700)
        (self.path / "tasks.py").write_text("from sentinel_tasks import namespace\n")
        self.server, self.python = str(SERVER), sys.executable
        if not is_clone_open_to_others():
            self._copy()

    def _copy(self) -> None:
        """What it may not read in this clone."""
        library = self.folder / "lib"
        copy_packages(library)
        self.environ["PYTHONPATH"] = str(library)
        self.server = str(shutil.copy(SERVER, library))
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
            timeout=PATIENCE,
            check=False,
        )

    def is_running(self) -> bool:
        """True while a process of this user lives."""
        found = (each for each in psutil.process_iter(["uids"]) if each.info["uids"])
        return any(each.info["uids"].real == self.account.pw_uid and lives(each) for each in found)

    def inv(self, *words: str) -> Result:
        """In a fork that has become this user, where that one may read the clone."""
        if is_clone_open_to_others():
            user = self.account.pw_uid, self.account.pw_gid
            said = zygote().run([INV, *words], self.path, self.environ, PATIENCE, user=user)
        else:
            done = self.run(self.python, "-m", "invoke", *words)
            said = Result(done.returncode, done.stdout, done.stderr, 0.0)
        assert not is_traceback(said.said), said.said
        return said
