"""Random things done to a workspace, each followed by an oracle made of /proc, tmux and sockets alone, not of our code.

`python -m tests.chaos [ROUNDS] [SEED]` runs a long one and prints its seed; tests/live/test_chaos.py runs a short one.
"""

from __future__ import annotations

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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab import INV, Lab, is_open, until

WEB, WORK = "web", "work"
SLOWEST = 40.0
"""Seconds that any one command may take: a lock that is stuck takes longer."""


def is_traceback(said: str) -> bool:
    """True for one of our own; a service's last output is told behind a bar."""
    return any(line.startswith("Traceback") for line in said.splitlines())


class Broken(AssertionError):
    """A promise that did not hold, with the steps that led there."""


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
        self.home = str(self.lab.path)
        self.lab.configure(
            web={"command": self.lab.server("--children", "2", "--daemons", "1"), "port": self.port, "stop_timeout": 2},
            work={"command": "trap 'exit 0' INT; while :; do sleep 0.2; done", "stop_timeout": 2},
        )
        (self.lab.path / "tasks.py").write_text(
            'from sentinel_tasks import service, workspace\n\nnamespace = workspace(service("web"), service("work"))\n'
        )
        self.elsewhere = self.lab.folder / "elsewhere"
        self.elsewhere.mkdir()
        self.neighbour = self.lab.spawn("sleep", "3600", cwd=self.elsewhere)

    # What is done

    def steps(self) -> dict[Callable[[], None], int]:
        """Every step with how often it is drawn."""
        return {
            self.start: 6, self.stop: 4, self.restart: 2, self.up: 3, self.down: 2, self.killed_start: 4,
            self.two_starts: 2, self.start_and_stop: 2, self.kill_service: 3, self.kill_child: 2, self.kill_launcher: 2,
            self.suspend_service: 1, self.kill_server: 1, self.kill_window: 2, self.kill_session: 1,
            self.rename_and_move: 2, self.respawn_by_hand: 1, self.steal_port: 2, self.give_port_back: 3,
            self.lose_state: 1, self.plant_stale_files: 1, self.fill_disk: 1, self.jump_in_time: 1,
            self.plant_stale_sockets: 1,
        }  # fmt: skip

    def run(self, rounds: int) -> None:
        """That many random steps, each judged; Broken if a promise does not hold."""
        steps = self.steps()
        for number in range(rounds):
            step = self.random.choices(list(steps), list(steps.values()))[0]
            self.log.append(f"{number}: {step.__name__}")
            step()
            self.check_neighbours()
        self.give_port_back()
        self.expect(self.inv("down").returncode == 0, "down ends everything")
        self.check_nothing_left(WEB, WORK)

    def inv(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [INV, *words], cwd=self.lab.path, env=self.lab.environ, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=SLOWEST, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        self.log.append(f"   inv {' '.join(words)} -> {done.returncode} {said[:300]}")
        self.expect(not is_traceback(said), "no traceback")
        return done

    def some(self) -> str:
        return self.random.choice((WEB, WORK))

    def start(self) -> None:
        name = self.some()
        self.judge_start(name, self.inv(f"{name}.start").returncode)

    def stop(self) -> None:
        name = self.some()
        if self.inv(f"{name}.stop").returncode == 0:
            self.check_nothing_left(name)

    def restart(self) -> None:
        name = self.some()
        self.judge_start(name, self.inv(f"{name}.restart").returncode)

    def up(self) -> None:
        if self.inv("up").returncode == 0:
            self.check_running(WEB)
            self.check_running(WORK)

    def down(self) -> None:
        if self.inv("down").returncode == 0:
            self.check_nothing_left(WEB, WORK)

    def killed_start(self) -> None:
        """kill -9 of our own process at a random moment; the next start must not be hindered."""
        name = self.some()
        process = self.lab.spawn(INV, f"{name}.start")
        with suppress(subprocess.TimeoutExpired):
            process.wait(self.random.uniform(0.0, 0.7))
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.judge_start(name, self.inv(f"{name}.start").returncode)

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
        if self.inv(f"{name}.stop").returncode == 0:
            self.check_nothing_left(name)

    def finish(self, process: subprocess.Popen[bytes]) -> int:
        out, err = process.communicate(timeout=SLOWEST)
        said = (out + err).decode(errors="replace").strip()
        self.log.append(f"   {process.args!s} -> {process.returncode} {said[:300]}")
        self.expect(not is_traceback(said), "no traceback")
        return process.returncode

    # Faults

    def kill_service(self) -> None:
        for pid in self.own_pids(self.some())[:1]:
            self.kill(pid, signal.SIGKILL)

    def kill_child(self) -> None:
        pids = self.own_pids(WEB)
        if pids:
            self.kill(self.random.choice(pids), signal.SIGKILL)

    def kill_launcher(self) -> None:
        pids = [pid for _, pid, dead in self.panes() if not dead]
        if pids:
            self.kill(self.random.choice(pids), signal.SIGKILL)

    def suspend_service(self) -> None:
        for pid in self.own_pids(self.some()):
            self.kill(pid, signal.SIGSTOP)
        name = self.some()
        if self.inv(f"{name}.stop").returncode == 0:
            self.check_nothing_left(name)

    def kill(self, pid: int, number: signal.Signals) -> None:
        self.log.append(f"   kill -{number.name} {pid}")
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def kill_server(self) -> None:
        self.lab.tmux("kill-server")

    def kill_window(self) -> None:
        self.lab.tmux("kill-window", "-t", self.random_window())

    def kill_session(self) -> None:
        self.lab.tmux("kill-session", "-t", "=sentinel-app:")

    def rename_and_move(self) -> None:
        window = self.random_window()
        self.lab.tmux("rename-window", "-t", window, self.random.choice(["x", "#{pid}", "a b", "📡"]))
        self.lab.tmux("move-window", "-s", window, "-t", f"=sentinel-app:{self.random.randrange(20, 90)}")

    def respawn_by_hand(self) -> None:
        """A person puts a shell of their own into our window: it is theirs from then on."""
        window = self.random_window()
        self.lab.tmux("respawn-window", "-k", "-t", window, "sleep 5")

    def random_window(self) -> str:
        windows = self.lab.tmux("list-windows", "-a", "-F", "#{window_id}").split()
        return self.random.choice(windows) if windows else "@999"

    def steal_port(self) -> None:
        if not is_open(self.port):
            words = self.lab.server("--port", str(self.port))
            thief = self.lab.spawn(*words, cwd=self.elsewhere)
            until(lambda: is_open(self.port) or thief.poll() is not None, "the thief")
            self.foreign.append(thief)
            self.expect(self.inv("web.start").returncode == 4, "a foreign holder is refused with exit 4")

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
                os.mkfifo(folder / f"web.{self.random.randrange(10**6)}.orders", 0o600)

    def fill_disk(self) -> None:
        """A state folder without room: a start may fail, but says why, and all is well once there is room again."""
        small = self.lab.folder / "small"
        small.mkdir(exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=False).returncode:
            return
        try:
            (small / "filler").write_bytes(b"x" * 60_000)
            self.lab.environ["XDG_STATE_HOME"], before = str(small), self.lab.environ["XDG_STATE_HOME"]
            name = self.some()
            self.expect(self.inv(f"{name}.start").returncode in (0, 1, 4), "a full disk is told")
            if self.inv(f"{name}.stop").returncode == 0:
                self.check_nothing_left(name)
        finally:
            self.lab.environ["XDG_STATE_HOME"] = before
            subprocess.run(["umount", "-l", small], check=True)

    def jump_in_time(self) -> None:
        """A clock that is days ahead for one command."""
        if shutil.which("faketime") is None:
            return
        name, command = self.some(), ["faketime", "+3 days", INV]
        for verb in ("start", "status", "stop"):
            done = self.lab.spawn(*command, f"{name}.{verb}")
            code = self.finish(done)
            if verb == "start" and code == 0:
                self.check_running(name)
            if verb == "stop" and code == 0:
                self.check_nothing_left(name)

    def plant_stale_sockets(self) -> None:
        """Sockets of tmux servers that are gone."""
        for folder in (self.lab.folder / "tmux").glob("tmux-*"):
            for number in range(20):
                with suppress(OSError), socket.socket(socket.AF_UNIX) as stale:
                    stale.bind(str(folder / f"stale{number}"))

    # The oracle

    def expect(self, holds: bool, promise: str) -> None:
        if not holds:
            raise Broken(f"seed {self.seed}: {promise}\n" + "\n".join(self.log[-40:]))

    def judge_start(self, name: str, code: int) -> None:
        self.expect(code in (0, 1, 4), f"{name}.start ends in a code of its own, not {code}")
        if code == 0:
            self.check_running(name)
        elif not self.foreign:
            self.expect(False, f"{name}.start works when nothing is in its way")

    def check_running(self, name: str) -> None:
        """Started means healthy and ours: a living pane's own process tree, and for web its listener."""
        panes = {pid for pane, pid, dead in self.panes() if not dead}
        mine = [pid for pid in self.own_pids(name) if panes & set(self.ancestors(pid))]
        self.expect(bool(mine), f"{name} runs in a window of tmux")
        if name == WEB:
            owners = self.listeners(self.port)
            self.expect(bool(owners) and owners <= set(mine), f"port {self.port} is held by web: {owners} of {mine}")
        mains = [pid for pid in self.own_pids(name) if self.parent(pid) in panes]
        self.expect(len(mains) <= 1, f"{name} runs once, not as {mains}")

    def check_nothing_left(self, *names: str) -> None:
        for name in names:
            self.expect(not self.own_pids(name), f"no process of {name} is left: {self.own_pids(name)}")
        if WEB in names and not self.foreign:
            self.expect(not is_open(self.port), "the port is free")

    def check_neighbours(self) -> None:
        self.expect(self.neighbour.poll() is None, "a process of ours elsewhere is left alone")
        self.expect(all(thief.poll() is None for thief in self.foreign), "a foreign holder of the port is left alone")

    def panes(self) -> list[tuple[str, int, bool]]:
        said = self.lab.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid} #{pane_dead}")
        rows = [line.split() for line in said.splitlines()]
        return [(pane, int(pid), dead == "1") for pane, pid, dead in rows]

    def own_pids(self, name: str) -> list[int]:
        """Living processes that carry this service's mark, from /proc."""
        wanted = {f"SENTINEL_SERVICE={name}".encode(), f"SENTINEL_WORKSPACE={self.home}".encode()}
        return [pid for pid in self.pids() if wanted <= self.environ(pid) and self.status(pid)[0] not in "ZX"]

    @staticmethod
    def pids() -> Iterator[int]:
        return (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())

    @staticmethod
    def environ(pid: int) -> set[bytes]:
        try:
            return set(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
        except OSError:
            return set()

    @staticmethod
    def status(pid: int) -> list[str]:
        """State letter and parent, from /proc."""
        try:
            return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except OSError:
            return ["X", "0"]

    def parent(self, pid: int) -> int:
        return int(self.status(pid)[1])

    def ancestors(self, pid: int) -> Iterator[int]:
        while pid > 1:
            yield pid
            pid = self.parent(pid)

    def listeners(self, port: int) -> set[int]:
        """The pids that listen on the port, from /proc."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        inodes = {row[9] for row in rows if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}
        wanted = {f"socket:[{inode}]" for inode in inodes}
        return {pid for pid in self.pids() if wanted & set(self.open_files(pid))}

    @staticmethod
    def open_files(pid: int) -> Iterator[str]:
        with suppress(OSError):
            for path in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    yield os.readlink(path)

    def clean(self) -> list[str]:
        """Ends what is left, continuing what was suspended."""
        for name in (WEB, WORK):
            for pid in self.own_pids(name):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return self.lab.close()


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    began = time.monotonic()
    print(f"{rounds} rounds, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(Lab(Path(folder)), seed)
        try:
            chaos.run(rounds)
        except Broken as broken:
            print(broken)
            return 1
        finally:
            chaos.clean()
    print(f"every promise held, {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
