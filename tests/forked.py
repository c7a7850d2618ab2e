"""Scripts that run `inv` or `sentinel` in a fork of tests/zygote.py: for a shell, a makefile or a server."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.lab import INV, SENTINEL, Lab, zygote

SCRIPT = """#!{python} -IS
import _socket, os, sys
from _json import encode_basestring_ascii as text
environ = {{**os.environ, "PATH": os.environ["PATH"].replace({folder!r}, "", 1)}}
argv = ",".join(map(text, [{program!r}, *sys.argv[{words}]]))
variables = ",".join(f"{{text(name)}}:{{text(value)}}" for name, value in environ.items())
asked = f'{{{{"argv":[{{argv}}],"cwd":{{text(os.getcwd())}},"umask":{{os.umask(0)}},"env":{{{{{{variables}}}}}}}}}}\\n'
request = asked.encode()
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
connection = _socket.socket(_socket.AF_UNIX)
connection.connect({socket!r})
sent = connection.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
while sent < len(request):
    sent += connection.send(request[sent:])
told = b""
while (more := connection.recv(100)):
    told += more
code = int(told.split()[1])
sys.exit(code if code >= 0 else 128 - code)
"""
"""Without the modules `json` and `socket`: importing them would take longer than all else that it does."""


def typed(lab: Lab) -> str:
    """The path of an `inv` for a shell of this lab's."""
    folder = lab.folder / "forked"
    if not folder.exists():
        with_programs(folder, "")
    return str(folder / "inv")


def with_programs(folder: Path, path: str) -> str:
    """Makes the folder with both scripts; the `PATH` on which a shell finds them before the others.

    The program itself does not: it would tell whoever is to type its name to type the whole path. The scripts work as
    long as this test process lives.
    """
    folder.mkdir()
    for name in ("inv", "sentinel"):
        _write(folder / name, str(Path(INV).with_name(name)), "1:")
    return f"{folder}:{path}"


def python(folder: Path) -> str:
    """An interpreter for `-m sentinel_tasks` and nothing else."""
    _write(folder / "python", SENTINEL, 'sys.argv.index("sentinel_tasks") + 1:')
    return str(folder / "python")


def _write(path: Path, program: str, words: str) -> None:
    text = SCRIPT.format(
        python=sys.executable, program=program, words=words, socket=zygote().path, folder=f"{path.parent}:"
    )
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
