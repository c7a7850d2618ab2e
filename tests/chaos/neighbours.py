"""Who else is there, and must neither be ended nor sent a signal, whatever is done."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress

from tests.chaos.scene import Scene
from tests.lab import until
from tests.oracle import still_living

OTHER = "other"


class Neighbours:
    """An editor, a program elsewhere, a person's tmux server and own windows, and another workspace."""

    def __init__(self, scene: Scene) -> None:
        self.scene, lab = scene, scene.lab
        rostered = lab.server("--roster", str(scene.roster))
        editor = lab.spawn(*rostered, cwd=lab.path)
        elsewhere = lab.spawn(*rostered, cwd=scene.elsewhere)
        self.others = [editor.pid, elsewhere.pid, *self._precious()]
        until(lambda: all((scene.roster / str(each.pid)).exists() for each in (editor, elsewhere)), "the neighbours")
        self.guests: list[int] = []
        self.workspace = lab.workspace(OTHER)
        lab.configure(self.workspace, dev={"command": "sleep 3600", "port": None, "health": None})
        self.welcome()

    def _precious(self) -> list[int]:
        """A tmux server that was first started from the terminal of an IDE that is a service of this workspace."""
        lab, folder = self.scene.lab, self.scene.lab.folder / "tmux-precious"
        folder.mkdir(mode=0o700)
        marks = {"SENTINEL_SERVICE": "web", "SENTINEL_WORKSPACE": str(lab.path)}
        if self.scene.chance(0.5):
            marks["TMUX_TMPDIR"] = str(folder)
        inside = " ".join(lab.server("--roster", str(self.scene.roster), "--ignore", "SIGWINCH"))
        words = [
            "tmux",
            "-u",
            "-L",
            "precious",
            "new-session",
            "-d",
            "-P",
            "-F",
            "#{pid} #{pane_pid}",
            f"exec {inside}",
        ]
        told = subprocess.run(words, env={**lab.environ, **marks}, cwd=lab.path, check=True, stdout=subprocess.PIPE)
        return [int(pid) for pid in told.stdout.split()]

    def welcome(self) -> None:
        """Lets those come back that a fault of ours has ended: they lived on the tmux server that was killed."""
        lab, oracle = self.scene.lab, self.scene.oracle
        if not oracle.watch.of(oracle.service("dev", OTHER)):
            done = lab.inv("dev.start", cwd=self.workspace)
            self.scene.expect(done.code == 0, f"another workspace starts its service: {done.said}")
            self.guests = still_living(self.guests)
            self.guests += self.of_the_other_workspace()
        if not lab.tmux("list-sessions", "-F", "#{session_name}", "-f", "#{==:#{session_name},mine}"):
            lab.tmux("new-session", "-d", "-s", "mine", "sleep 3600")
            with suppress(ValueError):
                self.guests.append(int(lab.tmux("list-panes", "-s", "-t", "=mine:", "-F", "#{pane_pid}")))

    def of_the_other_workspace(self) -> list[int]:
        watch, service = self.scene.watch, self.scene.oracle.service("dev", OTHER)
        return [*watch.of(service), *watch.launchers(service)]

    def check(self) -> None:
        """They live, and none of them received a signal."""
        self.scene.expect(still_living(self.others) == self.others, f"neighbours live: {self.others}")
        received = {pid: dict(got) for pid, got in self.scene.oracle.received(self.others).items() if got}
        self.scene.expect(not received, f"no neighbour receives a signal: {received}")
        gone = {*self.guests} - {*still_living(self.guests)}
        self.scene.expect(not gone, f"other people's windows are left alone: {gone}")

    def forget_guests(self) -> None:
        """The tmux server that they live on is about to be ended, and they and who holds the port there with it."""
        self.guests.clear()
        self.scene.holders = [holder for holder in self.scene.holders if not holder.is_in_a_pane]

    def clean(self) -> None:
        for pid in self.others:
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
        self.scene.lab.inv("dev.stop", cwd=self.workspace)
