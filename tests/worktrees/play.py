"""One workspace after the other is started in a worktree, and something happens to one of them; then `gc` is judged."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sentinel_tasks.names import digest
from tests.lab import Lab, until

from . import judge
from .judge import Who

TASKS = "from sentinel_tasks import service, workspace\nnamespace = workspace(*map(service, ('web', 'work', 'lone')))\n"
SERVERS = ("default", "second")
FEW = 5
"""Workspaces that are kept at once."""


@dataclass
class Tree:
    """One worktree with a workspace: where it was started, on which tmux server, and what became of it."""

    path: Path
    server: str
    fate: str = "here"
    now: Path | None = None
    disk: Path | None = None
    before: set[Who] = field(default_factory=set)
    reserved: set[str] = field(default_factory=set)
    person: subprocess.Popen[bytes] | None = None


class Failed(AssertionError):
    """Something is left, or something else was touched."""


class Play:
    """The worktrees of one repository, and what happens to them."""

    def __init__(self, lab: Lab, chance: random.Random) -> None:
        self.lab, self.chance, self.trees, self.count = lab, chance, list[Tree](), 0
        self.gone: list[Tree] = []
        self.told: dict[str, int] = {}
        self.lab.hints = None
        sleeps = "sleep 3000 & trap '' HUP; while :; do sleep 3000 & wait $!; done"
        lab.configure(
            web={"command": lab.server(), "port": "auto", "health": "tcp"}, work={"command": sleeps, "stop_timeout": 1},
            lone={"command": "setsid sleep 3000 & exec sleep 3000", "depends_on": ["web"]},
        )  # fmt: skip
        (lab.path / "tasks.py").write_text(TASKS)
        for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
            self.git(*words)
        lab.tmux("new-session", "-d", "-s", "person", "-c", str(lab.folder), "sleep 3000")
        (self.shell,) = lab.tmux("list-panes", "-t", "=person:", "-F", "#{pane_pid}").splitlines()

    def git(self, *words: str) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = ["git", "-C", str(self.lab.path), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
        if done.returncode:
            raise Failed(f"git {' '.join(words)}: {done.stderr}")

    # What happens

    def begin(self) -> Tree:
        """Another worktree, sometimes on a disk of its own, and its services."""
        self.count += 1
        disk = None
        above = self.lab.folder
        if os.getuid() == 0 and self.chance.random() < 0.3:
            disk = above = self.lab.folder / f"disk{self.count}"
            disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "none", str(disk)], check=True)
        name = self.chance.choice(["app", "tree", "tree", f"tree{self.count}"])
        path = above / f"{name}{'' if not (above / name).exists() and name != 'app' else self.count}"
        if any(each.path == path for each in (*self.trees, *self.gone)):
            path = above / f"other{self.count}"
        self.git("worktree", "add", "-q", "-f", "--detach", str(path))
        tree = Tree(path, self.chance.choice(SERVERS), disk=disk)
        self.trees.append(tree)
        self.start(tree)
        return tree

    def start(self, tree: Tree) -> None:
        environ = {} if tree.server == "default" else {"INVOKE_SENTINEL_SOCKET_NAME": tree.server}
        done = self.lab.inv("up", cwd=tree.path, env=environ, timeout=180)
        if done.code:
            raise Failed(f"up: {done.said}")
        tree.person = subprocess.Popen(["sleep", "3000"], cwd=tree.path, start_new_session=True)
        self.see(tree)

    def see(self, tree: Tree) -> None:
        """What runs of it now, and the ports that are reserved to it."""
        tree.before = judge.of_workspace(tree.path)
        owner = digest(str(tree.path))
        tree.reserved = {name for name in judge.reservations() if f"-{owner}-" in name}

    def happens(self, tree: Tree) -> str:
        acts: dict[str, Callable[[Tree], None]] = {
            "remove": self.remove, "remove --force": self.remove_by_force, "rm -rf": self.delete, "mv": self.rename,
            "worktree move": self.move, "kill tmux": self.kill_tmux, "kill tmux, rm -rf": self.kill_and_delete,
            "kill launchers, rm -rf": self.kill_launchers, "nothing": lambda tree: None,
        }  # fmt: skip
        if tree.disk is not None:
            acts |= {"unmount": self.unmount, "unmount ": self.unmount}
        name = self.chance.choice([*acts])
        acts[name](tree)
        return name.strip()

    def remove(self, tree: Tree) -> None:
        self.git("worktree", "remove", str(tree.path))
        tree.fate = "gone"

    def remove_by_force(self, tree: Tree) -> None:
        (tree.path / "untracked").touch()
        self.git("worktree", "remove", "--force", str(tree.path))
        tree.fate = "gone"

    def delete(self, tree: Tree) -> None:
        shutil.rmtree(tree.path)
        tree.fate = "gone"

    def rename(self, tree: Tree) -> None:
        above = self.chance.choice([tree.path.parent, tree.path.parent / f"deep{self.count}" / "er"])
        above.mkdir(parents=True, exist_ok=True)
        tree.now = tree.path.rename(above / f"renamed{self.count}")
        tree.fate = "moved"

    def move(self, tree: Tree) -> None:
        tree.now = tree.path.parent / f"moved{self.count}"
        self.git("worktree", "move", str(tree.path), str(tree.now))
        tree.fate = "moved"

    def unmount(self, tree: Tree) -> None:
        subprocess.run(["umount", "-l", str(tree.disk)], check=True)
        tree.fate = "not-mounted"

    def kill_tmux(self, tree: Tree) -> None:
        """Every launcher of that server ends its service."""
        if server := self.lab.tmux("display-message", "-p", "#{pid}", socket_name=tree.server):
            os.kill(int(server), signal.SIGKILL)
        ending = [each for each in self.trees if each.server == tree.server]
        until(lambda: not any(judge.of_workspace(each.path) for each in ending), "the end of what tmux showed", 60)
        for each in ending:
            self.see(each)
        if tree.server == "default":
            self.lab.tmux("new-session", "-d", "-s", "person", "-c", str(self.lab.folder), "sleep 3000")
            (self.shell,) = self.lab.tmux("list-panes", "-t", "=person:", "-F", "#{pane_pid}").splitlines()

    def kill_and_delete(self, tree: Tree) -> None:
        self.kill_tmux(tree)
        self.delete(tree)

    def kill_launchers(self, tree: Tree) -> None:
        """What they started lives on, if the kernel does not tell it."""
        for pid, _ in tree.before:
            with suppress(FileNotFoundError, ProcessLookupError):  # one that ends with a launcher killed before it
                if b"launch.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        self.delete(tree)

    # What gc makes of it

    def collect(self) -> None:
        """Runs it from the repository, and judges."""
        for tree in self.trees:
            tree.before = {who for who in tree.before if judge.is_alive(who)}
        keep = self.chance.choice([[], [], ["--keep-logs", "0"]])
        done = self.lab.inv("gc", "--json", *keep, timeout=180)
        document = json.loads(done.out)
        if done.code:
            raise Failed(f"gc: {done.said}")
        told = {each["workspace"]: each["state"] for each in document["workspaces"]}
        held, ports = judge.sessions(self.lab, SERVERS), judge.reservations()
        for tree in self.trees:
            self.judge(tree, told.get(str(tree.path), "here"), held, ports)
        if not judge.ticks_of(int(self.shell)):
            raise Failed("a person's window was closed")
        if keep:
            left = {path.name for path in Path(self.lab.environ["XDG_STATE_HOME"], "sentinel").iterdir()}
            for tree in self.trees:
                has_state = any(name.endswith(f"-{digest(str(tree.path))}") for name in left)
                if has_state != (tree.fate != "gone"):
                    raise Failed(f"state of {tree.path}, {tree.fate}: {has_state}")
        self.forget()

    def judge(self, tree: Tree, told: str, held: set[str], ports: set[str]) -> None:
        left, is_gone = judge.of_workspace(tree.path), tree.fate == "gone"
        if told != tree.fate:
            raise Failed(f"{tree.path} is {tree.fate}, and was told to be {told}")
        if is_gone and (left or str(tree.path) in held or tree.reserved & ports):
            raise Failed(f"left of {tree.path}: {left}, {held}, {tree.reserved & ports}")
        if is_gone and any(map(judge.is_alive, tree.before)):
            raise Failed(f"processes of {tree.path} live on: {tree.before}")
        if not is_gone and not all(map(judge.is_alive, tree.before)):
            raise Failed(f"processes of {tree.path} were ended, and it is {tree.fate}")
        if not is_gone and not tree.reserved <= ports:
            raise Failed(f"ports of {tree.path} were let go of, and it is {tree.fate}")
        if tree.person is not None and tree.person.poll() is not None:
            raise Failed(f"a person's process in {tree.path} was ended")

    def forget(self) -> None:
        """What is gone is over; of the others no more than a few are kept."""
        for tree in [each for each in self.trees if each.fate == "gone"]:
            self.drop(tree)
        while len(self.trees) > FEW:
            tree = self.chance.choice(self.trees)
            done = self.lab.inv("down", "--workspace", str(tree.path), timeout=180)
            if done.code or judge.of_workspace(tree.path):
                raise Failed(f"down --workspace {tree.path}: {done.said}, {judge.of_workspace(tree.path)}")
            self.drop(tree)
            for path in (tree.now, tree.path):
                if path is not None and path.exists():
                    shutil.rmtree(path)

    def drop(self, tree: Tree) -> None:
        self.trees.remove(tree)
        self.gone = [*self.gone, tree][-50:]
        if tree.person is not None:
            tree.person.kill()
            tree.person.wait()
        if tree.disk is not None and tree.fate != "not-mounted":
            subprocess.run(["umount", "-l", str(tree.disk)], check=False)

    def round(self) -> str:
        """Something new, something that happens, and the judgement."""
        if len(self.trees) < 2 or self.chance.random() < 0.8:
            self.begin()
        living = [each for each in self.trees if each.fate == "here"]
        name = self.happens(self.chance.choice(living)) if living else "nothing"
        self.collect()
        self.told[name] = self.told.get(name, 0) + 1
        return name

    def close(self) -> None:
        for tree in [*self.trees]:
            self.lab.inv("down", "--workspace", str(tree.path), timeout=180)
            self.drop(tree)
        self.lab.close()
