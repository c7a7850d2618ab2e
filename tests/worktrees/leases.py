"""Owners of leases are killed, also with their pid given to another process at once: what they leased is gone soon."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import Lab

from . import judge
from .judge import Who
from .play import TASKS, Failed

PATIENCE = 2.0
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")


@dataclass
class Leased:
    """A workspace, whoever it is leased for, and what runs of it."""

    path: Path
    owner: subprocess.Popen[bytes]
    running: set[Who] = field(default_factory=set)


class Owners:
    """Some workspaces that are leased; each time one owner is killed."""

    def __init__(self, lab: Lab, chance: random.Random, count: int = 3) -> None:
        self.lab, self.chance, self.slowest, self.reused = lab, chance, 0.0, 0
        self.lab.hints = None
        self.others: list[subprocess.Popen[bytes]] = []
        self.leased = [self.lease(lab.workspace(f"leased{number}", TASKS)) for number in range(count)]

    def lease(self, path: Path) -> Leased:
        daemon = "setsid sleep 3000 & exec sleep 3000"
        services = {"web": {"command": self.lab.server(), "port": "auto", "health": "tcp"}}
        self.lab.configure(path, **services, work={"command": "exec sleep 3000"}, lone={"command": daemon})
        found = Leased(path, subprocess.Popen(["sleep", "3000"]))
        self.start(found)
        return found

    def start(self, leased: Leased) -> None:
        done = self.lab.inv("up", "--while", str(leased.owner.pid), cwd=leased.path, timeout=180)
        if done.code:
            raise Failed(f"up: {done.said}")
        leased.running = judge.of_workspace(leased.path)

    def round(self) -> str:
        """One owner is killed; what it leased must be gone in two seconds, and nothing else."""
        leased = self.chance.choice(self.leased)
        others = [each for each in self.leased if each is not leased]
        reuses = self.chance.random() < 0.5
        leased.owner.kill()
        began = time.monotonic()
        leased.owner.wait()
        if reuses:
            self.take_its_pid(leased.owner.pid)
        while any(map(judge.is_alive, leased.running)):
            if time.monotonic() - began > PATIENCE:
                raise Failed(f"still there after {PATIENCE} s: {[*filter(judge.is_alive, leased.running)]}")
            time.sleep(0.01)
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        if left := judge.of_workspace(leased.path):
            raise Failed(f"left of {leased.path}: {left}")
        if not all(judge.is_alive(who) for each in others for who in each.running):
            raise Failed("what others had leased was ended")
        leased.owner = subprocess.Popen(["sleep", "3000"])
        self.start(leased)
        return f"gone after {took:.2f} s{', its pid reused' if reuses else ''}"

    def take_its_pid(self, pid: int) -> None:
        """Another process is given the pid, where root may ask the kernel for that."""
        with suppress(OSError):
            LAST_PID.write_text(str(pid - 1))
            self.others.append(subprocess.Popen(["sleep", "3000"]))
            self.reused += self.others[-1].pid == pid

    def close(self) -> None:
        for process in (*self.others, *(each.owner for each in self.leased)):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()
        for each in self.leased:
            self.lab.inv("down", cwd=each.path, timeout=180)
        self.lab.close()
