"""What it plays in: one lab with a workspace, and whoever holds its port; everything random comes from a seed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.begun import Begun
from tests.chaos import flavours
from tests.chaos.flavours import INIT, WEB, WORK, Flavour
from tests.lab import Lab, Result, is_traceback
from tests.oracle import Oracle
from tests.watch import Watch, is_living

SLOWEST = 45.0
"""Seconds that any one command may take: a lock that is stuck takes longer."""
TASKS = "from sentinel_tasks import service, workspace\n\nnamespace = workspace({})\n"


class Broken(AssertionError):
    """A promise that did not hold, with the steps that led there."""


@dataclass(frozen=True)
class Holder:
    """Somebody who holds web's port: what they run, and whether a start may end them."""

    process: subprocess.Popen[bytes] | None
    pids: tuple[int, ...]
    is_inside: bool = False
    is_protected: bool = False

    @property
    def is_in_a_pane(self) -> bool:
        """True if it lives on the tmux server that is the workspace's too, not on one of its own."""
        return self.process is None and len(self.pids) == 1

    @property
    def lives(self) -> bool:
        return all(map(is_living, self.pids))


class Scene:
    """One workspace under fault; everything random comes from `seed`."""

    def __init__(self, lab: Lab, seed: int, watch: Watch) -> None:
        self.lab, self.seed, self.watch = lab, seed, watch
        self.random, self.log = random.Random(seed), list[str]()
        self.roster = lab.folder / "roster"
        self.roster.mkdir()
        self.roster.chmod(0o1777)  # a service of another user enters itself, too
        self.oracle = Oracle(lab, watch, self.roster)
        self.holders: list[Holder] = []
        self.kills = 0
        self.forged: dict[str, list[int]] = {}
        """The launchers whose record was altered or lost, by service."""
        self.elsewhere = lab.folder / "elsewhere"
        self.elsewhere.mkdir()
        (lab.path / "tasks.py").write_text(TASKS.format(", ".join(f'service("{name}")' for name in (WEB, WORK, INIT))))
        (lab.path / ".env").write_text("FROM_A_FILE=1\n")
        self.configure()

    def configure(self) -> None:
        """Draws what the services are like; nothing of them runs."""
        port = self.lab.port()
        self.flavour: Flavour = flavours.drawn(self.random, port, str(self.roster))
        self.lab.configure(**self.flavour.services)
        settings = {name: {**keys, "command": "…"} for name, keys in self.flavour.services.items()}
        self.log.append(f"   configured: {self.flavour.name}: {json.dumps(settings)}")

    @property
    def names(self) -> tuple[str, ...]:
        return WEB, WORK

    def some(self) -> str:
        return self.random.choice(self.names)

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    # Doing

    def inv(self, *words: str, **keys: str) -> Result:
        """One command as a person types it, judged for what any command must do: end in time, without a traceback."""
        done = self.lab.inv(*words, env=keys or None, timeout=SLOWEST)
        self.note(f"inv {' '.join(words)} -> {done.code} ({done.seconds:.1f} s) {brief(done)}")
        return done

    def spawn(self, *words: str) -> subprocess.Popen[bytes]:
        return self.lab.spawn(*words)

    def begin(self, *words: str) -> Begun:
        """One command of ours in the background, in a session of its own."""
        return self.lab.begin(*words)

    def finish(self, process: subprocess.Popen[bytes] | Begun) -> Result:
        """What a command that was spawned said in the end."""
        began = time.monotonic()
        out, err = process.communicate(timeout=SLOWEST)
        assert process.returncode is not None
        done = Result(
            process.returncode, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - began
        )
        self.note(f"{process.args!s:.200} -> {done.code} ({done.seconds:.1f} s) {brief(done)}")
        self.expect(not is_traceback(done.said) or has_not_begun(done), "no traceback")
        return done

    def kill(self, pid: int, number: signal.Signals) -> None:
        self.log.append(f"   kill -{number.name} {pid}")
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def note(self, text: str) -> None:
        self.log.append(f"   {text}")

    # Knowing

    def port(self) -> int | None:
        """The port that web uses or would use: its own, or the one that was picked for it."""
        port: int | None = self.told()[WEB]["port"]
        return port

    def told(self) -> dict[str, dict[str, Any]]:
        """What `ps` tells, by service."""
        done = self.lab.inv("ps", "--json", timeout=SLOWEST)
        self.expect(done.code == 0 and done.out[:1] == "{", f"ps tells of all services: {done.code} {done.said}")
        services = done.json["workspaces"][0]["services"]
        self.log.append(f"   ps: {[(each['service'], each['state'], each['pid'], each['error']) for each in services]}")
        return {each["service"]: each for each in services}

    def expect(self, holds: bool, promise: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}: {promise}")


def has_not_begun(done: Result) -> bool:
    """True if Ctrl-C came while Python still imported Invoke: nobody could catch it."""
    return "KeyboardInterrupt" in done.said and "program.run()" not in done.said


def brief(done: Result) -> str:
    """What it said, without the commands of tmux that `--echo` tells."""
    lines = [line for line in done.said.splitlines() if not line.startswith("tmux -u")]
    return " / ".join(lines)[:500]
