"""Runs `inv` in forks of one interpreter that has imported everything already: the same program, without the imports.

An interpreter's start and its imports are two thirds of a short task, and the live tests run more than a thousand. Each
request comes over a Unix socket with the three standard streams; the answer is the exit code. What depends on how an
interpreter starts (another locale, a module that must not be imported) is tested with the real `inv` instead.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import threading
import traceback
from typing import Any

import invoke.main

import sentinel_tasks
from sentinel_tasks.health import http

NOT_NEEDED = ("sentinel_tasks.api", "sentinel_tasks.__main__", "sentinel_tasks.supervisor")
LIBRARIES = ("psutil", "msgspec", "filelock", "platformdirs", "dotenv", "colorama", "libtmux.common")


def load() -> None:
    """Imports what any task may need, and nothing that declares a service."""
    for name in LIBRARIES:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(sentinel_tasks.__path__, "sentinel_tasks."):
        if not module.name.startswith(NOT_NEEDED):
            importlib.import_module(module.name)
    http.load()


def serve(listener: socket.socket) -> None:
    """A fork for each request, and in it one for the program, so that nobody but its own fork waits for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:  # whoever started us has ended
            return
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            answer(connection)
        connection.close()


def answer(connection: socket.socket) -> None:
    data, streams, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    while not data.endswith(b"\n"):
        data += connection.recv(1 << 20)
    pid = os.fork()
    if pid == 0:
        connection.close()
        run(json.loads(data), streams)
    for stream in streams:
        os.close(stream)
    connection.sendall(f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def run(request: dict[str, Any], streams: list[int]) -> None:
    """The program, as its console script would run it; ends the process."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    open_streams()
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


def open_streams() -> None:
    """What Python found out about its streams as it started, such as whether they can be sought in, is so no more."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        known, mode, buffering = getattr(sys, name), "w" if number else "r", 1 if number == 2 else -1
        setattr(sys, name, open(number, mode, buffering, known.encoding, known.errors, closefd=False))  # noqa: SIM115


def program() -> int:
    try:
        invoke.main.program.run()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    except BaseException:  # noqa: BLE001 (as the interpreter itself would)
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    load()
    gc.freeze()  # a collection in a fork would copy every page it looks at
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{sys.argv[1]}.new")
        server.listen(64)
        os.rename(f"{sys.argv[1]}.new", sys.argv[1])
        serve(server)
