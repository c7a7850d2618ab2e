"""The same service under other programs, as their users type it; `make bench-peers` installs them into `bench/.peers`.

A line holds only who is installed. honcho and mprocs have no command that tells a state.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.lab import PATIENCE, Lab, until

FOLDER = Path(__file__).parent / ".peers"
PLACES = (FOLDER / "node_modules" / ".bin", FOLDER / "bin")
PAUSE = 0.005
"""Seconds between two looks at whether the service answers."""


def found(name: str) -> str | None:
    """Where the program is: in the bench's own folder, else on the PATH."""
    return shutil.which(name, path=os.pathsep.join([*map(str, PLACES), os.environ.get("PATH", "")]))


def answers(port: int) -> bool:
    """True if the service says 200 at its page."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        return connection.recv(12).endswith(b"200")
    return False


class Peer:
    """One program that runs the service; its files and its daemon are in a folder of its own."""

    name = program = ""
    tells = True

    def __init__(self, lab: Lab, command: Sequence[str], port: int) -> None:
        self.lab, self.command, self.port = lab, [*command], port
        self.folder = lab.folder / f"{self.name}-{port}"
        self.folder.mkdir()
        self.environ = {**lab.environ, **self.variables()}
        self.path = found(self.program) or self.program
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.prepare()

    def variables(self) -> Mapping[str, str]:
        return {}

    def prepare(self) -> None:
        """Writes its configuration and starts its daemon, if it needs either."""

    def start(self) -> float:
        """Seconds from the command until the service answers."""
        began = time.monotonic()
        self.do_start()
        until(lambda: answers(self.port), f"{self.name} to start it")
        return time.monotonic() - began

    def stop(self) -> float:
        """Seconds from the command until it has returned and nobody answers."""
        began = time.monotonic()
        self.do_stop()
        until(lambda: not answers(self.port), f"{self.name} to stop it")
        return time.monotonic() - began

    def status(self) -> float:
        """Seconds of the command that tells the service's state."""
        began = time.monotonic()
        self.run(*self.status_words())
        return time.monotonic() - began

    def do_start(self) -> None:
        raise NotImplementedError

    def do_stop(self) -> None:
        raise NotImplementedError

    def status_words(self) -> Sequence[str]:
        raise NotImplementedError

    def run(self, *words: str) -> None:
        subprocess.run(
            [self.path, *words], cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip

    def spawn(self, path: str, *words: str) -> None:
        self.daemons.append(
            subprocess.Popen(
                [path, *words], cwd=self.folder, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )
        )  # fmt: skip

    def close(self) -> None:
        """Ends the service and whatever the program has left running."""
        for daemon in self.daemons:
            daemon.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
                continue
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
        self.daemons.clear()


class Pm2(Peer):
    name = program = "pm2"

    def variables(self) -> Mapping[str, str]:
        return {"PM2_HOME": str(self.folder / "home")}

    def prepare(self) -> None:
        self._write({"autorestart": False})
        self.run("ping")

    def _write(self, keys: Mapping[str, object]) -> None:
        script, *arguments = self.command
        app = {"name": "web", "script": script, "args": arguments, "interpreter": "none", **keys}
        (self.folder / "app.json").write_text(json.dumps({"apps": [app]}))

    def watch(self, folder: str) -> None:
        """Starts the service, and anew when a file of that folder changes."""
        self._write({"watch": [folder]})
        self.do_start()

    def do_start(self) -> None:
        self.run("start", "app.json")

    def do_stop(self) -> None:
        self.run("stop", "web")

    def status_words(self) -> Sequence[str]:
        return ["jlist"]

    def close(self) -> None:
        self.run("kill")


class Supervisor(Peer):
    name, program = "supervisor", "supervisorctl"

    def prepare(self) -> None:
        (self.folder / "s.conf").write_text(
            "[unix_http_server]\nfile=s.sock\n[supervisord]\nnodaemon=true\n[rpcinterface:supervisor]\n"
            "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self.folder}/s.sock\n"
            f"[program:web]\ncommand={' '.join(self.command)}\nautostart=false\nautorestart=false\nstopsignal=INT\n"
        )
        self.spawn(found("supervisord") or "supervisord", "-c", "s.conf")
        until((self.folder / "s.sock").exists, "supervisord")

    def do_start(self) -> None:
        self.run("-c", "s.conf", "start", "web")

    def do_stop(self) -> None:
        self.run("-c", "s.conf", "stop", "web")

    def status_words(self) -> Sequence[str]:
        return ["-c", "s.conf", "status"]


class Circus(Peer):
    name, program = "circus", "circusctl"

    def prepare(self) -> None:
        self.control = f"ipc://{self.folder}/c.sock"
        (self.folder / "c.ini").write_text(
            f"[circus]\nendpoint = {self.control}\npubsub_endpoint = ipc://{self.folder}/p.sock\n"
            f"[watcher:web]\ncmd = {' '.join(self.command)}\nautostart = false\nstop_signal = INT\n"
        )
        self.spawn(found("circusd") or "circusd", "c.ini")
        until((self.folder / "c.sock").exists, "circusd")

    def do_start(self) -> None:
        self.run("--endpoint", self.control, "start", "web")

    def do_stop(self) -> None:
        self.run("--endpoint", self.control, "stop", "web")

    def status_words(self) -> Sequence[str]:
        return ["--endpoint", self.control, "status"]


class Foreground(Peer):
    """A program that is there as long as its services are: it starts with them, and ends them at C-c."""

    tells = False
    words: Sequence[str] = ()

    def do_start(self) -> None:
        self.spawn(self.path, *self.words)

    def do_stop(self) -> None:
        self.close()


class Honcho(Foreground):
    name = program = "honcho"
    words = ("start",)

    def prepare(self) -> None:
        (self.folder / "Procfile").write_text(f"web: exec {' '.join(self.command)}\n")


class Mprocs(Foreground):
    """It draws on a terminal, which a tmux server gives it."""

    name = program = "mprocs"

    def do_start(self) -> None:
        command = f"exec {self.path} 'exec {' '.join(self.command)}'"
        self.lab.tmux("new-session", "-d", "-x", "200", "-y", "50", command, socket_name="mprocs")

    def do_stop(self) -> None:
        self.lab.tmux("send-keys", "q", socket_name="mprocs")

    def close(self) -> None:
        self.lab.tmux("kill-server", socket_name="mprocs")


class Watchfiles(Foreground):
    """Its command line starts the service anew when a file of a folder changes."""

    name = program = "watchfiles"

    def do_start(self) -> None:
        self.spawn(self.path, "--sigint-timeout", "5", " ".join(self.command), str(self.folder / "watched"))


PEERS: Sequence[type[Peer]] = (Pm2, Supervisor, Circus, Honcho, Mprocs)


def installed() -> list[type[Peer]]:
    """The programs that can be measured here."""
    return [each for each in PEERS if found(each.program)]
