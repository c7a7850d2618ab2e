"""Scripts called `inv` and `sentinel` that run the program in a fork of tests/zygote.py: for a shell or a makefile."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.lab import INV, zygote

SCRIPT = """#!{python} -IS
import json, os, socket, sys
environ = {{**os.environ, "PATH": os.environ["PATH"].replace({folder!r}, "", 1)}}
words = {{"argv": [{program!r}, *sys.argv[1:]], "cwd": os.getcwd(), "env": environ}}
request = json.dumps(words).encode() + b"\\n"
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect({socket!r})
    sent = socket.send_fds(connection, [request], [0, 1, 2])
    connection.sendall(request[sent:])
    _, code = connection.makefile("rb").read().split()
sys.exit(int(code) if int(code) >= 0 else 128 - int(code))
"""


def with_programs(folder: Path, path: str) -> str:
    """Makes the folder with both scripts; the `PATH` on which a shell finds them before the others.

    The program itself does not: it would tell whoever is to type its name to type the whole path. The scripts work as
    long as this test process lives.
    """
    folder.mkdir()
    for name in ("inv", "sentinel"):
        program = str(Path(INV).with_name(name))
        text = SCRIPT.format(python=sys.executable, program=program, socket=zygote().path, folder=f"{folder}:")
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    return f"{folder}:{path}"
