"""Runs `inv` and `sentinel`, or the API, in forks of an interpreter that has imported all: the same, without the wait.

An interpreter's start and its imports are two thirds of a short task, and the live tests run more than a thousand. Each
request comes over a Unix socket with the three standard streams; the answer is the exit code. What depends on how an
interpreter starts (another locale, a module that must not be imported) is tested with the real `inv` instead.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import termios
import threading
import traceback
from contextlib import suppress
from typing import Any

import invoke.main

import sentinel_tasks
from sentinel_tasks.cli import main
from sentinel_tasks.health import http
from sentinel_tasks.text import masking

API = "sentinel_tasks.api"
NOT_NEEDED = (API, "sentinel_tasks.__main__", "sentinel_tasks.supervisor", "sentinel_tasks.mcp")
PR_SET_DUMPABLE = 4
LIBRARIES = ("psutil", "msgspec", "platformdirs", "dotenv", "colorama", "libtmux.common")


def load() -> None:
    """Imports what any task may need, and nothing that declares a service."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(sentinel_tasks.__path__, "sentinel_tasks."):
        if not module.name.startswith(NOT_NEEDED):
            importlib.import_module(module.name)
    http.load()
    for name in ("ascii", "utf_8_sig"):
        importlib.import_module(f"encodings.{name}")
    masking.masked_text("")  # compiles its patterns
    masking.masked(["x", "y"])


def load_api() -> None:
    """Imports what the API does while it starts, and before its first client."""
    for name in ("__main__", "app", "server"):
        importlib.import_module(f"sentinel_tasks.api.{name}")
    importlib.import_module("uvicorn.protocols.websockets.websockets_sansio_impl")


def serve(listener: socket.socket, keeper: socket.socket) -> None:
    """A fork for each request, which is the program itself; its end is told to whoever asked, and to nobody else.

    Who asked and has ended takes it along, as a shell's script that is killed; and the keeper's other end all of it.
    """
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        asking = {connection: pid for pid, connection in running.values()}
        watched: list[Any] = [listener, keeper, *running, *asking]
        ready, _, _ = select.select(watched, [], [])
        if keeper in ready:
            return
        for ended in running.keys() & set(ready):
            pid, connection = running.pop(ended)
            tell_end(ended, pid, connection)
            asking.pop(connection)
        for gone in asking.keys() & set(ready):
            os.kill(asking[gone], signal.SIGKILL)
        if listener in ready:
            connection, _ = listener.accept()
            pid = begin(connection, [listener, keeper, *(each for _, each in running.values())])
            running[os.pidfd_open(pid)] = pid, connection
            with suppress(OSError):
                connection.sendall(f"{pid}\n".encode())


def begin(connection: socket.socket, others: list[socket.socket]) -> int:
    """Starts what is asked for; the pid is that of the program, so that it gets every signal."""
    data, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not data.endswith(b"\n") and (more := connection.recv(1 << 20)):
        data += more
    pid = os.fork()
    if pid == 0:
        for each in (connection, *others):
            each.close()
        run(json.loads(data), streams)
    for stream in streams:
        os.close(stream)
    return pid


def tell_end(ended: int, pid: int, connection: socket.socket) -> None:
    _, status = os.waitpid(pid, 0)
    os.close(ended)
    with connection, suppress(OSError):  # who has left does not want to know
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def run(request: dict[str, Any], streams: list[int]) -> None:
    """The program, as its console script would run it; ends the process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if request.get("is_leader"):  # of a session, whose terminal is its input, if that is one
        os.setsid()
        if os.isatty(0):
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    open_streams()
    if request.get("without_stdin"):  # as Python finds it after `<&-`
        os.close(0)
        sys.stdin = None
    if user := request.get("user"):
        become(*user)
    if "umask" in request:
        os.umask(request["umask"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = request["argv"]
    code = program()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def become(user: int, group: int) -> None:
    """As setpriv(1) does, and the kernel lets such a user's new program look at itself."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


def open_streams() -> None:
    """What Python found out about its streams as it started, such as whether they can be sought in, is so no more."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        known, mode, buffering = getattr(sys, name), "w" if number else "r", 1 if number == 2 else -1
        stream: Any = open(number, mode, buffering, known.encoding, known.errors, closefd=False)  # noqa: SIM115
        stream.buffer.raw.name = known.name
        setattr(sys, name, stream)


def program() -> int:
    try:
        if sys.argv[0] == API:
            gc.enable()
            return int(sys.modules[f"{API}.__main__"].main(sys.argv[1:]))
        if sys.argv[0] == "-m":
            runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
        if os.path.basename(sys.argv[0]).startswith("sentinel"):
            main.program()
        invoke.main.program.run()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # noqa: BLE001 (as the interpreter itself would)
        traceback.print_exc()
        return 1
    return 0


def begin_to_serve(path: str, keeper: socket.socket, *api: str) -> None:
    """Listens at the path once it may be asked; of an API, what follows are its name and what runs its tasks."""
    if api:
        sys.executable = api[1]
    gc.disable()  # a fork ends before there is much to collect
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{path}.new")
        server.listen(64)
        os.rename(f"{path}.new", path)
        serve(server, keeper)
