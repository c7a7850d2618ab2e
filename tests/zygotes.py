"""Starts a zygote (tests/zygote.py) for each worker of the suite, from imports that are made once.

They take half a second of a processor, for `inv` and `sentinel`, and a third for the API. A worker may have a process
namespace of its own (tests/workers.py): its zygote is born into that.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

FOLDER = "ZYGOTES"
"""The variable that tells the workers of a suite where they ask for theirs."""
NAMESPACES = (("pid_for_children", 0x20000000), ("mnt", 0x00020000))
"""CLONE_NEWPID and CLONE_NEWNS."""


def begin() -> str:
    """Starts it for as long as this process lives; the folder in which its socket is, and listens at once."""
    folder = tempfile.mkdtemp(prefix="zygotes")
    atexit.register(shutil.rmtree, folder)
    environ = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/socket")
        listener.listen(64)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.zygotes", str(listener.fileno())], stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()], cwd=Path(__file__).parent.parent, env={**environ, "LANG": "C.UTF-8"},
        )  # fmt: skip
    atexit.register(process.communicate)
    return folder


def ask(folder: str, path: str, *api: str) -> socket.socket:
    """Has a zygote listen at the path, for as long as the connection stays open."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"{folder}/socket")
    connection.sendall(json.dumps([path, *api]).encode() + b"\n")
    return connection


def serve(listener: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:  # whoever started us has ended
            return
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as asked:
            path, *api = json.loads(asked.readline())
            bear(listener, connection, path, api)


def bear(listener: socket.socket, connection: socket.socket, path: str, api: list[str]) -> None:
    """A child enters the namespaces of whoever asks, and its child is in them."""
    from tests import zygote

    (zygote.load_api if api else zygote.load)()
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        listener.close()
        enter(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])
        if os.fork() == 0:
            os.setsid()
            zygote.begin_to_serve(path, connection, *api)
    except BaseException:  # noqa: BLE001 (as the interpreter itself would)
        traceback.print_exc()
    finally:
        os._exit(0)


def enter(process: int) -> None:
    """The namespaces of the process, where they are others than ours."""
    found = [(f"/proc/{process}/ns/{name}", f"/proc/self/ns/{name}", kind) for name, kind in NAMESPACES]
    others = [(os.open(path, os.O_RDONLY), kind) for path, own, kind in found if os.readlink(path) != os.readlink(own)]
    libc = ctypes.CDLL(None, use_errno=True)
    for namespace, kind in others:
        if libc.setns(namespace, kind):
            raise OSError(ctypes.get_errno(), "the namespace can't be entered")
        os.close(namespace)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as own:
        serve(own)
