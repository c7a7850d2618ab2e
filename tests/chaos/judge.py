"""What must hold: after a start, after a stop, and whenever nothing goes on."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter, defaultdict
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.chaos.flavours import WEB, WORK
from tests.chaos.scene import Holder, Scene
from tests.lab import Result, until
from tests.oracle import is_port_open, still_living
from tests.watch import is_living

UNREACHABLE = "can't be signalled"
LOOKS_FOR_A_CHAIN = 10
ENDED = ("stopped", "crashed", "completed")


class Judge:
    """Compares what is told with what the oracle sees."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.oracle, self.expect = scene, scene.oracle, scene.expect
        self.read: dict[Path, int] = defaultdict(int)
        self.ever: dict[int, Holder] = {}

    # After a task

    def started(self, name: str, done: Result) -> None:
        """A start ends as its policy for the port says, and if well, the service runs as told."""
        self.expect(done.code in (0, 1, 4), f"{name}.start ends in a code of its own, not {done.code}")
        if self.is_unreachable(done, name):
            return
        wanted = self.code_of_a_start(name)
        self.expect(
            done.code == wanted, f"{name}.start ends in {wanted} under {self.scene.flavour.policy}: {done.said}"
        )
        self.holders()
        if done.code == 0:
            self.running(name)

    def code_of_a_start(self, name: str) -> int:
        holders = self.scene.holders if name == WEB else []
        return 4 if any(not self.gives_way(each) for each in holders) and self.scene.flavour.policy != "auto" else 0

    def gives_way(self, holder: Holder) -> bool:
        """True if a start may end whoever holds its port."""
        policy = self.scene.flavour.policy
        return not holder.is_protected and (policy == "takeover" or (policy == "stop" and holder.is_inside))

    def holders(self) -> None:
        """Whoever held the port lives, unless it had to give way."""
        for holder in self.scene.holders:
            self.ever.update(dict.fromkeys(holder.pids, holder))
            self.expect(holder.lives or self.gives_way(holder), f"a holder that is to be left alone is: {holder}")
            received = {pid: dict(got) for pid, got in self.oracle.received(holder.pids).items() if got}
            self.expect(
                not received or self.gives_way(holder), f"a holder that is left alone gets no signal: {received}"
            )
        self.scene.holders = [holder for holder in self.scene.holders if holder.lives]

    def stopped(self, done: Result, before: dict[str, list[int]], *names: str, ending: Collection[str] = ()) -> None:
        """Nothing here is a reason for a stop to fail, or to deny what ran and was not `ending` by itself."""
        if self.is_unreachable(done, *names):
            return
        self.expect(done.code == 0, f"{', '.join(names)} can be stopped: exit {done.code}: {done.said}")
        self.nothing_left(*names)
        self.holders()
        told = self.scene.told()
        for name in names:
            if before[name]:
                state = told[name]["state"]
                self.expect(state in ("stopped", "conflict"), f"{name}, which ran, was stopped, but is {state}")
                is_denied = f"{name}: not running" in done.said and name not in ending
                self.expect(not is_denied, f"{name} ran as {before[name]}: {done.said}")

    def is_unreachable(self, done: Result, *names: str) -> bool:
        """A process of another user without its window: told as that, and ended here instead."""
        others = [name for name in names if self.scene.flavour.is_of_nobody(name)]
        if not others or done.code != 1:
            return False
        self.expect(UNREACHABLE in done.said, f"what can't be signalled is told as that: {done.said}")
        for pid in [pid for name in others for pid in self.oracle.living(name)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return True

    def signals(self, done: Result, before: list[int], protected: list[int]) -> None:
        """What `--echo` tells was sent to nobody that is protected, and was received by whoever still lives."""
        told: dict[int, Counter[str]] = defaultdict(Counter)
        for name, pids in re.findall(r"^\s*kill -([A-Z]+)((?: -?\d+)+)", done.err, re.MULTILINE):
            for pid in pids.split():
                told[int(pid)][f"SIG{name}"] += 1
        self.expect(not told.keys() & {*protected}, f"signals were told for neighbours: {dict(told)}")
        for pid, received in self.oracle.received(still_living(before)).items():
            wrong = {name for name in told[pid] if name in ("SIGINT", "SIGTERM") and not received[name]}
            self.expect(not wrong, f"{wrong} is told for {pid}, which received {received}")

    # While nothing goes on

    def running(self, name: str) -> None:
        """Started means healthy and ours: one launcher in a living pane, its processes, and for web its listeners."""
        windows = self.oracle.in_windows(name)
        self.expect(len(windows) == 1, f"{name} runs in one window of tmux: {windows}")
        launchers = self.oracle.launchers(name)
        self.expect(launchers == windows, f"{name} has one launcher: {launchers}")
        mine = self.oracle.living(name)
        self.expect(bool(mine), f"{name} has processes: {mine}")
        mains = self.oracle.mains(name)
        are_many = self.scene.flavour.leaves_children
        self.expect(len(mains) <= 1 or are_many, f"{name} runs once, not as {mains}")
        port = self.scene.port() if name == WEB else None
        if port is not None:
            self.served(port)

    def served(self, port: int) -> None:
        """Web listens on its port, alone, and whoever answers there is web."""
        with suppress(AssertionError):
            until(lambda: self.oracle.listeners(port))
        owners, mine = self.oracle.listeners(port), {*self.oracle.living(WEB)}
        self.expect(bool(owners), f"web listens on {port}")
        self.expect(owners <= mine, f"port {port} is held by web: {owners} of {mine}")
        answers = self.oracle.who_answers(port)
        self.expect(answers <= mine, f"web answers on {port}: {answers} of {mine}")

    def nothing_left(self, *names: str) -> None:
        for name in names:
            left = self.left(name) + self.oracle.launchers(name)
            self.expect(not left, f"no process of {name} is left: {left}")
        port = self.scene.flavour.port
        if WEB in names and port is not None and not self.scene.holders:
            self.expect(not is_port_open(port), "the port is free")

    def left(self, name: str) -> list[int]:
        """Its processes. Most looks see none of a chain of forks: what was seen has ended, its child began later."""
        looks = LOOKS_FOR_A_CHAIN if "fork chain" in self.scene.flavour.name and name == WORK else 1
        return next(filter(None, (self.oracle.living(name) for _ in range(looks))), [])

    def status(self) -> None:
        """What is told of a service is what the oracle sees; judged where nothing changed during the look."""
        before = {name: self.look(name) for name in self.scene.names}
        told = self.scene.told()
        for name in self.scene.names:
            if self.look(name) == before[name]:
                self.state(name, told[name], *before[name])
        self.files()

    def look(self, name: str) -> tuple[list[int], list[int]]:
        """The service's processes, and its launchers."""
        return self.oracle.living(name), self.oracle.launchers(name)

    def everything(self, name: str) -> list[int]:
        living, launchers = self.look(name)
        return living + launchers

    def state(self, name: str, told: dict[str, Any], living: list[int], launchers: list[int]) -> None:
        """Judges by what lived before and after it was told: a moment later some of it may have ended."""
        state, pid = told["state"], told["pid"]
        if state == "running":
            self.expect(pid in living, f"{name} runs as {pid}, which is none of {living}")
            if name == WEB and told["port"]:
                answers = self.oracle.who_answers(told["port"], times=1)
                self.expect(answers <= {*living}, f"{name} is called running, but {answers} answer, not {living}")
        elif state in ENDED:
            if launchers:  # it ends what the run has left, if no stop does
                with suppress(AssertionError):
                    until(lambda: not self.oracle.launchers(name), seconds=9)
                living = self.left(name)
            self.expect(not living, f"{name} is {state}, but {living} live")
        elif state == "conflict":
            others = self.oracle.listeners(told["port"] or 0) - {*living}
            self.expect(bool(others), f"{name} has a conflict with nobody")
        else:
            self.expect(bool(living or launchers), f"{name} is {state}, but there is nothing")

    def files(self) -> None:
        """Events are whole lines that tell only what happened; no lock is held when no task runs."""
        for path in self.scene.lab.state("events.jsonl"):
            text = path.read_text()
            for line in text[self.read[path] :].splitlines():
                self.event(json.loads(line))
            self.read[path] = len(text)
        held = [path for path in self.scene.lab.state("*.lock") if self.oracle.is_held(path)]
        self.expect(not held, f"no lock is held when no task runs: {held}")

    def event(self, told: dict[str, Any]) -> None:
        if told["event"] == "takeover":
            holder = self.ever.get(told["pid"])
            self.expect(holder is None or not holder.is_protected, f"nobody protected gives way: {told}")
            self.expect(not is_living(told["pid"]), f"who is told to have given way has ended: {told}")
        if told["event"] == "stray":
            self.expect(not is_living(told["pid"]), f"a stray that is told to have ended has: {told}")
