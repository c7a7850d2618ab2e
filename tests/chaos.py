"""Random things done to a workspace, each followed by an oracle made of /proc, tmux and sockets alone, not of our code.

`python -m tests.chaos [ROUNDS] [SEED]` runs a long one and prints its seed; tests/live/test_chaos.py runs a short one.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import INV, Lab, Result, is_open, is_traceback, until
from tests.oracle import Oracle

WEB, WORK = "web", "work"
DISK_BYTES = 64 << 10
HAS_FAKETIME = shutil.which("faketime") is not None
SLOWEST = 40.0
"""Seconds that any one command may take: a lock that is stuck takes longer."""


class Broken(AssertionError):
    """A reservation that did not hold, with the steps that led there."""


@dataclass
class Chaos:
    """One workspace under fault; everything random comes from `seed`."""

    lab: Lab
    seed: int
    log: list[str] = field(default_factory=list)
    foreign: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.port = self.lab.port()
        self.oracle = Oracle(self.lab, str(self.lab.path))
        self.lab.configure(
            web={
                "command": self.lab.server("--children", "2", "--daemons", "1"),
                "port": self.port,
                "stop_timeout": 2,
                "health": "/",
            },
            work={"command": "trap 'exit 0' INT; while :; do sleep 0.2; done", "stop_timeout": 2},
        )
        (self.lab.path / "tasks.py").write_text(
            'from sentinel_tasks import service, workspace\n\nnamespace = workspace(service("web"), service("work"))\n'
        )
        self.elsewhere = self.lab.folder / "elsewhere"
        self.elsewhere.mkdir()
        self.neighbour = self.lab.spawn("sleep", "3600", cwd=self.elsewhere)
        self.other = self.lab.workspace("other")
        self.lab.configure(self.other, dev={"command": "sleep 3600", "port": None, "health": None})
        self.guests: list[int] = []
        self.welcome_neighbours()

    # What is done

    def steps(self) -> dict[Callable[[], None], int]:
        """Every step with how often it is drawn."""
        return {
            self.start: 6, self.stop: 4, self.restart: 2, self.up: 3, self.down: 2, self.killed_task: 6,
            self.two_starts: 2, self.start_and_stop: 2, self.two_of_many: 2, self.kill_service: 3, self.kill_child: 2,
            self.kill_launcher: 2, self.suspend_service: 2, self.suspend_launcher: 1, self.kill_server: 2,
            self.kill_window: 2, self.kill_session: 1, self.open_own_window: 2, self.doctor: 2,
            self.rename_and_move: 2, self.respawn_by_hand: 1, self.steal_port: 2, self.give_port_back: 3,
            self.race_for_port: 3, self.lose_state: 1, self.plant_stale_files: 1, self.jump_in_time: 1,
            self.plant_stale_sockets: 1, self.plant_stale_windows: 1,
            **({self.fill_disk: 1, self.read_only_state: 1} if os.geteuid() == 0 else {}),
        }  # fmt: skip

    def run(self, rounds: int) -> None:
        """That many random steps, each judged; Broken if a reservation does not hold."""
        steps = self.steps()
        for number in range(rounds):
            step = self.random.choices(list(steps), list(steps.values()))[0]
            self.log.append(f"{number}: {step.__name__}")
            step()
            self.check_neighbours()
            self.judge_status()
            self.welcome_neighbours()
        self.give_port_back()
        self.judge_stop(self.inv("down").code, WEB, WORK)

    def inv(self, *words: str) -> Result:
        done = self.lab.inv(*words, timeout=SLOWEST)
        self.log.append(f"   inv {' '.join(words)} -> {done.code} {done.said.strip()[:300]}")
        return done

    def some(self) -> str:
        return self.random.choice((WEB, WORK))

    def start(self) -> None:
        name = self.some()
        self.judge_start(name, self.inv(f"{name}.start").code)

    def stop(self) -> None:
        name = self.some()
        self.judge_stop(self.inv(f"{name}.stop").code, name)

    def restart(self) -> None:
        name = self.some()
        self.judge_start(name, self.inv(f"{name}.restart").code)

    def up(self) -> None:
        code = self.inv("up").code
        self.expect(code == (4 if self.foreign else 0), f"up starts all that nothing is in the way of, not {code}")
        self.check_running(WORK)
        if code == 0:
            self.check_running(WEB)

    def down(self) -> None:
        self.judge_stop(self.inv("down").code, WEB, WORK)

    def killed_task(self) -> None:
        """kill -9 of our own process at a random moment; the next must not be hindered."""
        name = self.some()
        words = self.random.choice([f"{name}.start", f"{name}.stop", f"{name}.restart", "up", "down", "doctor --fix"])
        process = self.lab.spawn(INV, *words.split())
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.random.uniform(0.0, 0.7))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.log.append(f"   inv {words} killed with -9")
        self.judge_status()
        if self.random.random() < 0.5:
            self.judge_stop(self.inv(f"{name}.stop").code, name)
        self.judge_start(name, self.inv(f"{name}.start").code)

    def two_starts(self) -> None:
        name = self.some()
        both = [self.lab.spawn(INV, f"{name}.start") for _ in range(2)]
        codes = [self.finish(process) for process in both]
        for code in codes:
            self.judge_start(name, code)

    def start_and_stop(self) -> None:
        name = self.some()
        both = [self.lab.spawn(INV, f"{name}.{verb}") for verb in ("start", "stop")]
        for process in both:
            self.finish(process)
        self.judge_stop(self.inv(f"{name}.stop").code, name)

    def two_of_many(self) -> None:
        """Any two tasks at once, of the whole workspace too."""
        words = ["up", "down", "restart", "web.restart", "work.stop", "work.start", "web.stop", "doctor --fix"]
        both = [self.lab.spawn(INV, *self.random.choice(words).split()) for _ in range(2)]
        for process in both:
            self.finish(process)
        self.judge_stop(self.inv("down").code, WEB, WORK)

    def finish(self, process: subprocess.Popen[bytes]) -> int:
        out, err = process.communicate(timeout=SLOWEST)
        said = (out + err).decode(errors="replace").strip()
        self.log.append(f"   {process.args!s} -> {process.returncode} {said[:300]}")
        self.expect(not is_traceback(said), "no traceback")
        return process.returncode

    # Faults

    def kill_service(self) -> None:
        for pid in self.oracle.own_pids(self.some())[:1]:
            self.kill(pid, signal.SIGKILL)

    def kill_child(self) -> None:
        pids = self.oracle.own_pids(WEB)
        if pids:
            self.kill(self.random.choice(pids), signal.SIGKILL)

    def kill_launcher(self) -> None:
        pids = [pid for _, pid, dead in self.oracle.panes() if not dead and pid not in self.guests]
        if pids:
            self.kill(self.random.choice(pids), signal.SIGKILL)

    def suspend_service(self) -> None:
        """A service that was stopped by SIGSTOP answers nobody: no start calls it healthy, and a stop ends it."""
        name = self.some()
        pids = self.oracle.own_pids(name)
        for pid in pids:
            self.kill(pid, signal.SIGSTOP)
        if name == WEB and self.is_in_a_window(pids) and not self.foreign:
            code = self.inv("web.start", "--timeout", "1").code
            self.expect(code == 1, f"a suspended service is not healthy, but start ends in {code}")
            told = self.inv("web.status").out  # unhealthy, or still starting if no start has seen it healthy yet
            self.expect("Status: Running" not in told, "status tells that a suspended service does not answer")
        self.judge_stop(self.inv(f"{name}.stop").code, name)

    def suspend_launcher(self) -> None:
        pids = [pid for _, pid, dead in self.oracle.panes() if not dead and pid not in self.guests]
        if pids:
            self.kill(self.random.choice(pids), signal.SIGSTOP)
        self.judge_stop(self.inv("down").code, WEB, WORK)

    def is_in_a_window(self, pids: list[int]) -> bool:
        """False for strays alone, which a start ends."""
        living = {pid for _, pid, dead in self.oracle.panes() if not dead}
        return any(living & set(self.oracle.ancestors(pid)) for pid in pids)

    def kill(self, pid: int, number: signal.Signals) -> None:
        self.log.append(f"   kill -{number.name} {pid}")
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def kill_server(self) -> None:
        self.guests.clear()
        server = self.lab.tmux("display-message", "-p", "#{pid}")
        if server and self.random.random() < 0.5:
            self.kill(int(server), signal.SIGKILL)
        else:
            self.lab.tmux("kill-server")

    def kill_window(self) -> None:
        self.lab.tmux("kill-window", "-t", self.random_window())

    def kill_session(self) -> None:
        inside = self.lab.tmux("list-panes", "-s", "-t", "=sentinel-app:", "-F", "#{pane_pid}").split()
        self.guests = [pid for pid in self.guests if str(pid) not in inside]
        self.lab.tmux("kill-session", "-t", "=sentinel-app:")

    def rename_and_move(self) -> None:
        window = self.random_window()
        self.lab.tmux("rename-window", "-t", window, self.random.choice(["x", "#{pid}", "a b", "📡"]))
        self.lab.tmux("move-window", "-s", window, "-t", f"=sentinel-app:{self.random.randrange(20, 90)}")

    def open_own_window(self) -> None:
        """A person opens a window of their own in our session, which nothing that we do may end."""
        words = ("new-window", "-d", "-P", "-F", "#{pane_pid}", "-t", "=sentinel-app:", "sleep 3600")
        self.guests += map(int, self.lab.tmux(*words).split())

    def doctor(self) -> None:
        """Whatever it finds, it ends nothing that runs in a window."""
        before = self.in_windows()
        code = self.inv("doctor", *self.random.choice((["--fix"], []))).code
        self.expect(code in (0, 1), f"the doctor ends in a code of its own, not {code}")
        ended = before - self.in_windows()
        self.expect(not ended, f"the doctor ends no running process: {ended}")

    def in_windows(self) -> set[int]:
        panes = {pid for _, pid, dead in self.oracle.panes() if not dead}
        return {pid for name in (WEB, WORK) for pid in self.oracle.own_pids(name) if self.oracle.parent(pid) in panes}

    def respawn_by_hand(self) -> None:
        """A person puts a shell of their own into our window: it is theirs from then on."""
        window = self.random_window()
        self.lab.tmux("respawn-window", "-k", "-t", window, "sleep 5")

    def random_window(self) -> str:
        ours = ("-f", "#{!=:#{@sentinel_service},}")
        windows = self.lab.tmux("list-windows", "-t", "=sentinel-app:", "-F", "#{window_id}", *ours).split()
        return self.random.choice(windows) if windows else "@999"

    def steal_port(self) -> None:
        if not is_open(self.port):
            words = self.lab.server("--port", str(self.port))
            thief = self.lab.spawn(*words, cwd=self.elsewhere)
            until(lambda: is_open(self.port) or thief.poll() is not None, "the thief")
            self.foreign.append(thief)
            self.expect(self.inv("web.start").code == 4, "a foreign holder is refused with exit 4")

    def race_for_port(self) -> None:
        """Somebody binds the port between our look and the service's own bind, or a moment before or after."""
        if self.oracle.own_pids(WEB) or self.foreign:
            return
        starting = self.lab.spawn(INV, "web.start")
        time.sleep(self.random.uniform(0.1, 0.6))
        thief = self.lab.spawn(*self.lab.server("--port", str(self.port)), cwd=self.elsewhere)
        code = self.finish(starting)
        self.expect(code in (0, 1, 4), "a start that races for its port ends in a code of its own")
        if code == 0:
            self.check_running(WEB)
        else:
            self.expect(thief.poll() is None, "whoever took the port is left alone")
        if thief.poll() is None:
            self.foreign.append(thief)
            self.give_port_back()

    def give_port_back(self) -> None:
        for thief in self.foreign:
            with suppress(ProcessLookupError):
                os.killpg(thief.pid, signal.SIGKILL)
            thief.communicate()
        self.foreign.clear()

    def lose_state(self) -> None:
        for path in self.lab.state("*.run.json"):
            path.unlink(missing_ok=True)

    def plant_stale_files(self) -> None:
        for folder in (self.lab.folder / "state").glob("sentinel/app-*"):
            with suppress(FileExistsError):
                os.mkfifo(folder / f"web.{self.random.randrange(10**6)}.spec", 0o600)

    def fill_disk(self) -> None:
        """A state folder without room hinders neither a start nor a stop."""
        with self.small_disk() as small:
            (small / "filler").write_bytes(b"x" * self.random.choice((50_000, 60_000, DISK_BYTES)))
            name = self.some()
            self.judge_start(name, self.inv(f"{name}.start").code)
            self.judge_stop(self.inv(f"{name}.stop").code, name)

    def read_only_state(self) -> None:
        """A state folder that can't be written to: a start says so or finds the service running, a stop still works."""
        with self.small_disk() as small:
            subprocess.run(["mount", "-o", "remount,ro", small], check=True)
            name = self.some()
            code = self.inv(f"{name}.start").code
            self.expect(code in (0, 1, 4), f"{name}.start tells of a read-only folder")
            if code == 0:
                self.check_running(name)
            self.inv(f"{name}.restart")
            self.judge_stop(self.inv(f"{name}.stop").code, name)

    @contextmanager
    def small_disk(self) -> Iterator[Path]:
        """For a while, another state folder on a disk of its own."""
        small = self.lab.folder / "small"
        small.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", small], check=True)
        before = self.lab.environ["XDG_STATE_HOME"]
        self.lab.environ["XDG_STATE_HOME"] = str(small)
        try:
            yield small
        finally:
            self.lab.environ["XDG_STATE_HOME"] = before
            subprocess.run(["umount", "-l", small], check=True)

    def jump_in_time(self) -> None:
        """A clock that is days ahead for one command."""
        if not HAS_FAKETIME:
            self.log.append("   left out: there is no faketime")
            return
        name, command = self.some(), ["faketime", "+3 days", INV]
        for verb in ("start", "status", "stop"):
            done = self.lab.spawn(*command, f"{name}.{verb}")
            code = self.finish(done)
            if verb == "start" and code == 0:
                self.check_running(name)
            if verb == "stop":
                self.judge_stop(code, name)

    def plant_stale_sockets(self) -> None:
        """Sockets of tmux servers that are gone."""
        for folder in (self.lab.folder / "tmux").glob("tmux-*"):
            for number in range(200):
                with suppress(OSError), socket.socket(socket.AF_UNIX) as stale:
                    stale.bind(str(folder / f"stale{number}"))
        self.expect(self.inv("ps", "--all").code == 0, "sockets of servers that are gone are passed over")

    def plant_stale_windows(self) -> None:
        """Windows of somebody else whose commands have ended."""
        window = ("new-window", "-d", "-t", "=stale:", "true", ";")
        self.lab.tmux("new-session", "-d", "-s", "stale", "sleep 3600", ";", "set-option", "remain-on-exit", "on")
        self.lab.tmux("set-option", "-g", "remain-on-exit", "on", ";", *window * 200)

    # The oracle

    def expect(self, holds: bool, reservation: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}: {reservation}\n" + "\n".join(self.log[-40:]))

    def judge_start(self, name: str, code: int) -> None:
        self.expect(code in (0, 1, 4), f"{name}.start ends in a code of its own, not {code}")
        if code == 0:
            self.check_running(name)
        elif not self.foreign:
            self.expect(False, f"{name}.start works when nothing is in its way")

    def judge_stop(self, code: int, *names: str) -> None:
        """Nothing that happens here is a reason for which a stop may fail."""
        self.expect(code == 0, f"{', '.join(names)} can be stopped: exit {code}")
        self.check_nothing_left(*names)

    def check_running(self, name: str) -> None:
        """Started means healthy and ours: a living pane's own process tree, and for web its listener."""
        panes = {pid for pane, pid, dead in self.oracle.panes() if not dead}
        mine = [pid for pid in self.oracle.own_pids(name) if panes & set(self.oracle.ancestors(pid))]
        self.expect(bool(mine), f"{name} runs in a window of tmux")
        if name == WEB:
            owners = self.oracle.listeners(self.port)
            self.expect(bool(owners) and owners <= set(mine), f"port {self.port} is held by web: {owners} of {mine}")
        mains = [pid for pid in self.oracle.own_pids(name) if self.oracle.parent(pid) in panes]
        self.expect(len(mains) <= 1, f"{name} runs once, not as {mains}")

    def check_nothing_left(self, *names: str) -> None:
        for name in names:
            self.expect(not self.oracle.own_pids(name), f"no process of {name} is left: {self.oracle.own_pids(name)}")
        if WEB in names and not self.foreign:
            self.expect(not is_open(self.port), "the port is free")

    def judge_status(self) -> None:
        """What is told of a service is what /proc and tmux show; asked when nothing else goes on."""
        services = self.lab.inv("ps", "--json", timeout=SLOWEST).json["workspaces"][0]["services"]
        self.log.append(f"   ps: {[(each['service'], each['state'], each['pid']) for each in services]}")
        for told in services:
            name, state, pid = told["service"], told["state"], told["pid"]
            panes = {pane for _, pane, dead in self.oracle.panes() if not dead}
            living = [each for each in self.oracle.own_pids(name) if panes & set(self.oracle.ancestors(each))]
            if state == "running":
                self.expect(pid in living, f"{name} runs as {pid}, which is none of {living}")
            if state in ("stopped", "crashed"):
                mains = [each for each in living if self.oracle.parent(each) in panes]
                self.expect(not mains, f"{name} is {state}, but {mains} run in a window")
            if state == "conflict":
                self.expect(bool(self.oracle.listeners(self.port) - set(living)), f"{name} has a conflict with nobody")
        for events in self.lab.state("events.jsonl"):
            for line in events.read_text().splitlines():
                self.expect(isinstance(json.loads(line), dict), f"an event is one whole line: {line}")
        held = [path for path in self.lab.state("*.lock") if self.oracle.is_held(path)]
        self.expect(not held, f"no lock is held when no task runs: {held}")

    def welcome_neighbours(self) -> None:
        """A service of another workspace and a person's own window, on the same tmux server, where they are gone."""
        if not self.oracle.own_pids("dev", str(self.other)):
            self.expect(self.lab.inv("dev.start", cwd=self.other).code == 0, "another workspace starts its service")
            self.guests = [pid for pid in self.guests if self.oracle.status(pid)[0] not in "ZX"]
            self.guests += self.oracle.launchers("dev", str(self.other))
        if not self.lab.tmux("list-sessions", "-F", "#{session_name}", "-f", "#{==:#{session_name},mine}"):
            self.lab.tmux("new-session", "-d", "-s", "mine", "sleep 3600")
            self.guests.append(int(self.lab.tmux("list-panes", "-s", "-t", "=mine:", "-F", "#{pane_pid}")))

    def check_neighbours(self) -> None:
        self.expect(self.neighbour.poll() is None, "a process of ours elsewhere is left alone")
        self.expect(all(thief.poll() is None for thief in self.foreign), "a foreign holder of the port is left alone")
        gone = [pid for pid in self.guests if self.oracle.status(pid)[0] in "ZX"]
        self.expect(not gone, f"other people's windows are left alone: {gone}")

    def clean(self) -> list[str]:
        """Ends what is left, continuing what was suspended."""
        for name in (WEB, WORK):
            for pid in self.oracle.own_pids(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.lab.inv("dev.stop", cwd=self.other)
        return self.lab.close()


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    began = time.monotonic()
    print(
        f"{rounds} rounds, seed {seed}{'' if HAS_FAKETIME else ', no jumps in time: faketime is missing'}", flush=True
    )
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder))
        lab.real = True
        chaos = Chaos(lab, seed)
        try:
            chaos.run(rounds)
        except Broken as broken:
            print(broken)
            return 1
        finally:
            chaos.clean()
    print(f"every reservation held, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
