"""A place to run the real thing: real `inv`, real tmux, real processes and ports, and nothing left behind."""

from __future__ import annotations

import atexit
import json
import os
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import pexpect
import psutil

from tests import zygotes
from tests.begun import Begun
from tests.hints import Hints
from tests.terminal import COLUMNS, LINES, Terminal

INV = str(Path(sys.executable).with_name("inv"))
SENTINEL = str(Path(INV).with_name("sentinel"))
SERVER = Path(__file__).parent / "server.py"
TASKS = "from sentinel_tasks import namespace\n"
PATIENCE = 60.0
"""Seconds that a test waits for what must come, on a machine with much else to do; idle, it takes less than one."""
LONG = 86_400
"""Seconds, the longest wait that a service may be given: one that outlasts every test. Who comes back did not wait."""


STAYS: Mapping[str, Any] = {"command": "echo up; exec sleep 600", "port": None, "health": {"log": "up"}}
"""A service that is ready as soon as it runs; one whose health is never asked is looked at for a second before."""


@dataclass(frozen=True)
class Result:
    """What one `inv` said: exit code, both streams, seconds."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return self.out + self.err


def is_traceback(said: str) -> bool:
    """True for one of our own; a service's last output is told behind a bar."""
    return any(line.startswith("Traceback") for line in said.splitlines())


def until(condition: Callable[[], Any], what: str = "", seconds: float = PATIENCE) -> Any:
    """The condition's first true value; the test fails if there is none in time.

    The longer that takes, the longer are the pauses between two looks: many a look is a whole `inv`.
    """
    began = time.monotonic()
    while (waited := time.monotonic() - began) < seconds:
        if found := condition():
            return found
        time.sleep(pause_after(waited))
    raise AssertionError(f"waited {seconds} s for {what or condition}")


def pause_after(waited: float) -> float:
    """The seconds until the next look."""
    return min(max(waited / 8, 0.02), 0.15)


def _run(argv: Sequence[str], cwd: Path, environ: Mapping[str, str], timeout: float) -> Result:
    began = time.monotonic()
    done = subprocess.run(
        argv, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False
    )
    return Result(done.returncode, _text(done.stdout), _text(done.stderr), time.monotonic() - began)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class Zygote:
    """The client of tests/zygote.py: runs `inv`, or what is named, without an interpreter's time to start."""

    def __init__(self, *named: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="zygote")
        self.path = f"{self.folder.name}/socket"
        self._keeper = zygotes.ask(_zygotes(), self.path, *named)
        atexit.register(self.close)
        until(lambda: Path(self.path).exists(), "the zygote")

    def run(
        self,
        argv: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        timeout: float,
        *,
        merged: bool = False,
        stdin: int | None = None,
        **how: object,
    ) -> Result:
        """The same as a process of its own would say; merged, all in `out`, as on a terminal.

        Its input is empty, or what comes from `stdin`; `how` it is run else is told in tests/zygote.py.
        """
        began = time.monotonic()
        request = _request(argv, cwd, environ, **how)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull, "rb") as nothing:
            streams = [nothing.fileno() if stdin is None else stdin, out.fileno(), (out if merged else err).fileno()]
            code = self._code(request, streams, timeout)
            texts = [_text(_content(stream)) for stream in (out, err)]
        return Result(code, texts[0], texts[1], time.monotonic() - began)

    def begin(self, argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Begun:
        """The same in the background, in a session of its own."""
        request = _request(argv, cwd, environ, is_leader=True)
        return Begun(argv, lambda streams: self._asked(request, streams, None))

    def on_terminal(self, argv: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Terminal:
        """The same on a terminal."""
        request = _request(argv, cwd, environ, is_leader=True)
        return Terminal(lambda streams: self._asked(request, streams, None), PATIENCE)

    def _asked(self, request: bytes, streams: Sequence[int], timeout: float | None) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(self.path)
        sent = socket.send_fds(connection, [request], streams)
        if rest := request[sent:]:  # the fork may have ended by now: to send it nothing would fail, too
            connection.sendall(rest)
        return connection

    def _code(self, request: bytes, streams: list[int], timeout: float) -> int:
        with self._asked(request, streams, timeout) as connection:
            answer = connection.makefile("rb")
            pid = int(answer.readline())
            try:
                return int(answer.readline())
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise

    def close(self) -> None:
        self._keeper.close()
        self.folder.cleanup()


@cache
def _zygotes() -> str:
    """Where they are asked for: the suite's workers have one place, and whoever is alone his own."""
    if found := os.environ.get(zygotes.FOLDER):
        return found
    return zygotes.begin()


def _request(argv: Sequence[str], cwd: Path, environ: Mapping[str, str], **how: object) -> bytes:
    asked = {"argv": list(argv), "cwd": str(cwd), "env": dict(environ), **how}
    return json.dumps(asked).encode() + b"\n"


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


@cache
def zygote() -> Zygote:
    """This test process's one."""
    return Zygote()


def _ports() -> Iterator[int]:
    """Below the ports that are taken for connections and those that are chosen automatically, some for each worker."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 10
    while True:
        yield from range(10_000 + 1_000 * number + secrets.randbelow(400), 10_700 + 1_000 * number)


_PORTS = _ports()


def free_port() -> int:
    """A port that is free now and that no other test is given."""
    return next(port for port in _PORTS if not is_open(port))


class Lab:
    """One workspace with everything it touches in a temporary folder."""

    def __init__(self, folder: Path, name: str = "app") -> None:
        self.folder, self.real, self.port = folder, False, free_port
        self.hints: Hints | None = Hints(zygote)
        self.started: list[subprocess.Popen[bytes]] = []
        self.begun: list[Begun] = []
        self.environ = self._environ()
        self.path = self.workspace(name)

    def _environ(self) -> dict[str, str]:
        own = {"HOME": "home", "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config", "TMUX_TMPDIR": "tmux"}
        for name in own.values():
            (self.folder / name).mkdir(mode=0o700)
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
        folders = {name: str(self.folder / value) for name, value in own.items()}
        return {**kept, **folders, "PATH": path, "LANG": "C.UTF-8", "TERM": "xterm-256color"}

    def workspace(self, name: str, tasks: str = TASKS) -> Path:
        """Makes another workspace folder beside the first."""
        path = self.folder / name
        path.mkdir(parents=True)
        (path / "tasks.py").write_text(tasks)
        return path

    def configure(self, path: Path | None = None, /, **services: Mapping[str, Any]) -> None:
        """Writes `invoke.yaml` with these services (JSON is YAML)."""
        document = {"sentinel": {"services": services}}
        ((path or self.path) / "invoke.yaml").write_text(json.dumps(document))

    def own_default_ports(self) -> None:
        """Gives `dev` and `telemetry` ports that are free here: whoever runs the tests may have servers on theirs."""
        services = {"dev": {"port": self.port()}, "telemetry": {"port": self.port()}}
        document = {"sentinel": {"services": services}}
        Path(self.environ["HOME"], ".invoke.yaml").write_text(json.dumps(document))

    def server(self, *words: str) -> list[str]:
        """The command of a small server that behaves as told (see tests/server.py)."""
        return [sys.executable, str(SERVER), *words]

    # Running

    def inv(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = PATIENCE
    ) -> Result:
        """Runs `inv` as a person or a Makefile would, without a terminal."""
        environ, folder = {**self.environ, **(env or {})}, cwd or self.path
        run = _run if self.real or _decides_how_python_starts(env) else zygote().run
        result = run([INV, *words], folder, environ, timeout)
        assert not is_traceback(result.said), result.said
        if self.hints is not None:
            self.hints.check(result.said, folder, environ)
        return result

    def sentinel(self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Result:
        """Runs `sentinel`, which shows the same as `inv` in half the time: for a look in a test of something else."""
        result = zygote().run([SENTINEL, *words], cwd or self.path, {**self.environ, **(env or {})}, PATIENCE)
        assert not is_traceback(result.said), result.said
        return result

    def spawn(
        self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a program in the background; the lab ends it."""
        process = subprocess.Popen(
            words, cwd=cwd or self.path, env={**self.environ, **(env or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def begin(self, *words: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Begun:
        """Starts `inv` in the background; the lab ends it."""
        self.begun.append(zygote().begin([INV, *words], cwd or self.path, {**self.environ, **(env or {})}))
        return self.begun[-1]

    def begin_waiting(self, *words: str) -> Begun:
        """Starts `inv` in the background; it waits by now, for a service that the test has not let come up yet."""
        task = self.begin(*words)
        assert b"for up to" in task.stderr.readline()  # perhaps for a tmux that takes its time
        until(lambda: self.services() and not _holds_a_lock(task.pid), "the service")
        return task

    def listen(self, port: int, *words: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        """A server outside tmux that listens on the port already."""
        process = self.spawn(*self.server("--port", str(port), *words), cwd=cwd)
        until(lambda: is_open(port), f"port {port}")
        return process

    def tmux(self, *words: str, socket_name: str = "default") -> str:
        """What tmux answers; an empty string if it refuses."""
        command = ["tmux", "-u", "-L", socket_name, *words]
        done = subprocess.run(command, env=self.environ, cwd=self.path, capture_output=True, check=False)
        return done.stdout.decode().rstrip("\n")

    def windows(self) -> list[str]:
        """`session:index:name` of every window."""
        return self.tmux("list-windows", "-a", "-F", "#{session_name}:#{window_index}:#{window_name}").splitlines()

    def state(self, pattern: str = "*") -> list[Path]:
        """The files of all workspaces below the state folder."""
        return sorted(Path(self.environ["XDG_STATE_HOME"]).glob(f"sentinel/*/{pattern}"))

    # Ending

    def processes(self) -> list[psutil.Process]:
        """Everything that runs because of this lab: by what is in its environment or its command line."""
        state = f"XDG_STATE_HOME={self.environ['XDG_STATE_HOME']}".encode()
        folder, found = os.fsencode(self.folder), []
        for pid in psutil.pids():
            with suppress(psutil.Error, OSError):
                if pid != os.getpid() and (folder in _command(pid) or state in _environment(pid)):
                    found.append(psutil.Process(pid))
        return found

    def services(self) -> list[psutil.Process]:
        """The living processes that carry a service's mark of this lab."""
        return [process for process in self.processes() if _mark(process)]

    def running(self, *words: str) -> list[psutil.Process]:
        """Those of this lab that run as this very command by now."""
        return [process for process, _, command in self._described() if command == [*words]]

    def commands(self) -> list[str]:
        """The command lines of all that runs in this lab now, without tmux."""
        return [shlex.join(command) for _, name, command in self._described() if "tmux" not in name]

    def _described(self) -> Iterator[tuple[psutil.Process, str, list[str]]]:
        for each in self.processes():
            with suppress(psutil.Error):  # it has ended since
                yield each, each.name(), each.cmdline()

    def close(self) -> list[str]:
        """Ends what the test itself started; says what services still ran, and ends them too."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        for task in self.begun:
            task.end()
        for socket_path in self.folder.glob("tmux*/tmux-*/*"):
            subprocess.run(
                ["tmux", "-S", str(socket_path), "kill-server"], env=self.environ, capture_output=True, check=False
            )
        deadline = time.monotonic() + PATIENCE
        while (left := self.processes()) and time.monotonic() < deadline:
            for each in left:
                wait_for_end(each.pid, deadline - time.monotonic())
        said = [f"{process.pid} {shlex.join(process.cmdline())}" for process in left if process.is_running()]
        for survivor in left:
            survivor.kill()
        return said


def _decides_how_python_starts(env: Mapping[str, str] | None) -> bool:
    return any(name.startswith(("LC_", "LANG", "PYTHON")) for name in env or {})


@contextmanager
def on_terminal(lab: Lab, *words: str, **env: str) -> Iterator[pexpect.spawn[str] | Terminal]:
    """A program on a terminal of its own."""
    environ = {**lab.environ, **env}
    shown = (
        zygote().on_terminal(words, lab.path, environ)
        if words[0] == INV and not _decides_how_python_starts(env)
        else pexpect.spawn(
            words[0], [*words[1:]], cwd=str(lab.path), env=environ, encoding="utf-8", codec_errors="replace",
            timeout=PATIENCE, dimensions=(LINES, COLUMNS),
        )
    )  # fmt: skip
    try:
        yield shown
    finally:
        end(shown)


def end(shown: pexpect.spawn[str] | Terminal) -> None:
    """Ends the program if it still runs: pexpect itself gives up where one that it kills lives for another 0.1 s."""
    if isinstance(shown, pexpect.spawn):
        shown.kill(signal.SIGKILL)
        shown.wait()
    shown.close(force=True)


def _command(pid: int) -> bytes:
    return _content_of(f"/proc/{pid}/cmdline").partition(b"\0")[2]


def _environment(pid: int) -> list[bytes]:
    return _content_of(f"/proc/{pid}/environ").split(b"\0")


def _content_of(path: str) -> bytes:
    """In half the time that Python's own files take: every process is asked, after every test."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(descriptor, 1 << 16), b""))
    finally:
        os.close(descriptor)


def _holds_a_lock(pid: int) -> bool:
    return f" {pid} " in Path("/proc/locks").read_text()


def _mark(process: psutil.Process) -> bool:
    try:
        return "SENTINEL_SERVICE" in process.environ() and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def wait_for_end(pid: int, seconds: float = PATIENCE) -> None:
    """Until the process has ended, or for so long."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        try:
            select.select([descriptor], [], [], max(0.0, seconds))
        finally:
            os.close(descriptor)


def lives(process: psutil.Process | int) -> bool:
    """False for one that has ended, also between two looks, or is only to be reaped."""
    try:
        found = psutil.Process(process) if isinstance(process, int) else process
        return found.is_running() and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    """True if something accepts there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def words(text: str) -> Sequence[str]:
    """A command line in words."""
    return shlex.split(text)
