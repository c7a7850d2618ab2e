"""An ordinary user beside root: with a home, a workspace, a tmux server and a copy of what the tasks need."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from tests.lab import PATIENCE, SERVER, Result
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
            timeout=PATIENCE,
            check=False,
        )

    def inv(self, *words: str) -> Result:
        done = self.run(self.python, "-m", "invoke", *words)
        assert "Traceback" not in done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr, 0.0)
