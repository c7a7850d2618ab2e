"""What the services are like: everything that a real program does to itself, drawn at random."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.lab import SERVER
from tests.packages import INTERPRETERS, is_open_to_others
from tests.somebody import program

WEB, WORK, INIT = "web", "work", "setup"
POLICIES = ("stop", "takeover", "fail", "auto")

Keys = dict[str, Any]


@dataclass(frozen=True)
class Flavour:
    """One configuration of the workspace, with what the judges must know of it."""

    name: str
    services: dict[str, Keys]
    port: int | None
    policy: str = "stop"

    @property
    def is_shared(self) -> bool:
        """True if the server lets others share its port."""
        return "reuse" in self.name

    def is_of_nobody(self, name: str) -> bool:
        """True for a service that is another user's."""
        return self.name.split(", ")[name == WORK] == "nobody"

    @property
    def leaves_children(self) -> bool:
        """True if processes come to the launcher that lost their parents and are in the window's session still."""
        return "background" in self.name or "fork chain" in self.name

    @property
    def notifies(self) -> bool:
        """True if web tells once that it is ready: its record and the mark of its window alone know it then."""
        return bool(self.services[WEB]["health"] == "notify")

    def restarts(self, name: str) -> bool:
        return bool(self.services[name].get("restart", "never") != "never")


def drawn(random: Random, port: int, roster: str) -> Flavour:
    """A configuration in which everything can be started, whatever was drawn."""
    webs = [name for name in WEBS if name != "nobody" or can_be_nobodys(roster)]
    web, work = random.choice(webs), random.choice([*WORKS])
    policy = random.choice(POLICIES)
    with_port = random.random() < 0.8
    keys: Keys = {
        "command": WEBS[web](server(roster)), "port": port if with_port else "auto", "health": random.choice(HEALTHS),
        "stop_timeout": 2, "on_conflict": policy, "restart": random.choice(("never", "never", "on-failure", "always")),
        "depends_on": random.choice(([], [], WORK, {WORK: "started"}, {INIT: "completed", WORK: "healthy"})),
        **({"env_file": ".env"} if random.random() < 0.3 else {}),
        **({"liveness": random.choice(LIVENESS)} if random.random() < 0.3 else {}),
    }  # fmt: skip
    services = {WEB: keys, WORK: working(random, WORKS[work]), INIT: {"command": "sleep 0.1", "health": "exit"}}
    return Flavour(f"{web}, {work}", services, port if with_port else None, policy)


def working(random: Random, command: str | list[str]) -> Keys:
    restart = random.choice(("never", "never", "on-failure"))
    return {"command": command, "port": None, "stop_timeout": 2, "restart": restart, "log_max_mb": 1, "log_backups": 2}


HEALTHS: list[object] = [
    "/",
    "/",
    "tcp",
    None,
    {"log": "listening on"},
    {"path": "/", "expect": 200},
    {"command": "true"},
    "notify",
    "notify",
]
LIVENESS: list[Keys] = [
    {"path": "/", "interval": 1, "timeout": 3, "retries": 3, "grace": 15},
    {"tcp": True, "interval": 1, "timeout": 3, "retries": 3, "grace": 15},
    {"command": ["true"], "interval": 1},
]


OPTIONS = ' --port $PORT --notify "$NOTIFY_SOCKET"'


def can_be_nobodys(roster: str) -> bool:
    return bool(PYTHON_OF_OTHERS) and is_open_to_others(Path(roster)) and is_open_to_others(SERVER.parent)


PYTHON_OF_OTHERS = next((each for each in INTERPRETERS if is_open_to_others(Path(each).resolve())), "")


def server(roster: str) -> str:
    return shlex.join([sys.executable, str(SERVER), "--roster", roster, "--tell-pid"]) + OPTIONS


def as_nobody(command: str) -> list[str]:
    words = [program("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c"]
    return [*words, command.replace("$", "$$")]


WEBS: dict[str, Callable[[str], str | list[str]]] = {
    "plain": lambda own: f"exec {own}",
    "children": lambda own: f"exec {own} --children 2 --daemons 1",
    "title": lambda own: f"exec {own} --rewrite-title --ignore SIGHUP --children 1",
    "cleared": lambda own: f"exec env -i {own} --ignore SIGHUP",
    "background": lambda own: f"exec {own} --background --rewrite-title",
    "set aside": lambda own: f"setsid -f {own}; exec sleep 1000",
    "deaf to hangups": lambda own: f"trap '' HUP; exec {own}",
    "own group": lambda own: ["bash", "-ic", f"{own.replace('$', '$$')}; exit 1"],
    "late thread": lambda own: f"exec {own} --leave-main-thread",
    "stubborn": lambda own: f"exec {own} --ignore SIGINT --stop-delay 0.3",
    "ipv6": lambda own: f"exec {own} --host ::1 --only-ipv6",
    "wildcard": lambda own: f"exec {own} --host 0.0.0.0",
    "both families": lambda own: f"exec {own} --host ::",
    "reuse": lambda own: f"exec {own} --reuse-port",
    **(
        {"nobody": lambda own: as_nobody(f"exec {own.replace(sys.executable, PYTHON_OF_OTHERS)}")}
        if os.geteuid() == 0 and program("setpriv")
        else {}
    ),
}
LOOP = "trap 'exit 0' INT; while :; do sleep 0.2; done"
WORKS: dict[str, str | list[str]] = {
    "loop": LOOP,
    "flood": "trap 'exit 0' INT; while :; do seq 1 2000; sleep 0.05; done",
    "perl title": ["perl", "-e", "$0 = 'worker: busy' x 9; sleep 1 while 1"],
    "background": "(trap '' HUP; sleep 3600 & exec sleep 3600) & exit 0",
    "cleared": "exec env -i sh -c 'while :; do sleep 0.2; done'",
    "nohup": "exec nohup sleep 3600",
    "fork chain": "perl -e 'while (1) { exit if fork; select undef, undef, undef, 0.01 }' & exec sleep 3600",
    **({"nobody": as_nobody(LOOP)} if os.geteuid() == 0 and program("setpriv") else {}),
}
