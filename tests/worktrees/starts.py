"""Many worktrees are started at once: no port is given twice, and none moves to another one afterwards."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.lab import INV, Lab

from .judge import listening, of_workspace, ports_of
from .play import Failed

TASKS = "from sentinel_tasks import service, workspace\nnamespace = workspace(service('web'))\n"
LISTENS = "exec python3 -m http.server $PORT --bind 127.0.0.1"


class Starts:
    """So many workspaces, each with a service on an automatic port."""

    def __init__(self, lab: Lab, count: int) -> None:
        self.lab, self.paths = lab, [lab.folder / f"tree{number}" for number in range(count)]
        lab.hints = None
        lab.configure(web={"command": LISTENS, "port": "auto", "health": "tcp", "startup_timeout": 300})
        (lab.path / "tasks.py").write_text(TASKS)
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
            self.git(*words)
        for path in self.paths:
            self.git("worktree", "add", "-q", "--detach", str(path))

    def git(self, *words: str) -> None:
        command = ["git", "-C", str(self.lab.path), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
        subprocess.run(command, check=True, capture_output=True, env=self.lab.environ)

    def round(self) -> str:
        """All of them are started at once, looked at twice, and stopped."""
        started = [self.lab.spawn(INV, "up", "--json", cwd=path) for path in self.paths]
        ports: dict[Path, int] = {}
        for path, process in zip(self.paths, started, strict=True):
            out, err = process.communicate(timeout=600)
            if process.returncode:
                raise Failed(f"up in {path}: {out.decode()}{err.decode()}")
            ports[path] = json.loads(out)["services"][0]["port"]
        self.lab.started.clear()
        if len(set(ports.values())) < len(ports):
            raise Failed(f"a port was given twice: {ports}")
        for path, port in ports.items():
            if ports_of(of_workspace(path)) != {port}:
                raise Failed(f"{path} was told {port}, and listens on {ports_of(of_workspace(path))}")
        told = self.lab.inv("ps", "--all", "--json", timeout=600).json["workspaces"]
        after = {each["workspace"]: one["port"] for each in told for one in each["services"]}
        if any(after.get(str(path)) != port for path, port in ports.items()):
            raise Failed(f"moved afterwards: {after}, {ports}")
        done = self.lab.inv("down", "--all", "--yes", timeout=600)
        if done.code or {port for port, _ in listening()} & {*ports.values()}:
            raise Failed(f"down --all: {done.said}")
        return f"{len(ports)} ports"

    def close(self) -> None:
        self.lab.inv("down", "--all", "--yes", timeout=600)
        self.lab.close()
