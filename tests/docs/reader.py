"""Somebody who follows a page of the documentation: writes its files, types its commands, sees what they print."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tests.docs.page import Typed, Written, pattern
from tests.forked import with_programs
from tests.lab import INV, LONG, SERVER, Lab, is_traceback, pause_after, zygote

PLAIN = re.compile(r"(?:inv|sentinel) [\w ,.:=/-]+")
"""Commands that mean the same to a shell and to us."""
LONGEST = 150.0
"""Seconds for one command, which may start three services in a row: each one's own `startup_timeout` is 30 s."""
LOOKS = re.compile(r"(?:inv|sentinel) (?:ps|status|doctor|logs|[a-z]+\.(?:status|workers|logs|url|open))\b")
"""Commands that only look, and that a loaded machine answers late: status gives a health check 5 s."""
PATIENT = re.compile(
    r"(?:(?:(?<=inv )|(?<=sentinel ))(?:up|restart)|\b[a-z]+\.(?:start|activate|restart))\b(?!.*--(?:timeout|no-wait))"
)
"""Starts, which have more than their 30 s here."""
STAND_INS = ("bundle", "celery", "docker", "npm", "pg_isready", "redis-server", "uvicorn")
"""Programs of others that a page runs: here they listen where they are told to, say that they are ready, or exit."""
STAND_IN = f"""#!/bin/sh
case "$*" in *migrate*|*check*|*--quiet*) exit;; esac
for word; do
    case "$before $word" in
        *" "*:[0-9]*) port=${{word##*:}};;
        "--port "*) port=$word;;
    esac
    before=$word
done
[ "$port" ] && exec {sys.executable} {SERVER} --port "$port"
echo ready
exec sleep {LONG}
"""
MANAGE = f"import os, sys\nos.execvp({STAND_INS[0]!r}, sys.argv)\n"
GIVEN = {"manage.py": MANAGE, "frontend/package.json": "{}"}
"""Files of the projects that a page is for."""
USUAL_PORTS = {"WORKER_API_PORT": "3000", "DEV_SERVER_PORT": "3002", "PORT": "5000"}
"""The variables that move a port, the last one that of a Procfile's first process."""

NEEDED = "   it needed SIG"
"""How a service was ended that did not heed the first signal: no page tells of that, and a busy machine may."""


class Reader:
    """Somebody who follows a page in a folder `shop`; the usual ports are others here, and read as usual."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.path = lab, lab.workspace("shop")
        self.environ = {**lab.environ, "PATH": f"{self._programs()}:{lab.environ['PATH']}"}
        self.of_shell = with_programs(lab.folder / "forked", self.environ["PATH"])
        self.ports = {name: str(lab.port()) for name in USUAL_PORTS}

    def has(self, markdown: str) -> None:
        """Makes this the kind of project that the page is for."""
        for name, text in GIVEN.items():
            if name in markdown or name.partition("/")[0] in markdown:
                (self.path / name).parent.mkdir(exist_ok=True)
                (self.path / name).write_text(text, encoding="utf-8")

    def _programs(self) -> Path:
        folder = self.lab.folder / "programs"
        folder.mkdir()
        for name in STAND_INS:
            (folder / name).write_text(STAND_IN, encoding="utf-8")
            (folder / name).chmod(0o755)
        return folder

    def follow(self, step: Written | Typed) -> None:
        if isinstance(step, Written):
            (self.path / step.name).write_text(step.text, encoding="utf-8")
        else:
            self._type(step)

    def _type(self, step: Typed) -> None:
        began = time.monotonic()
        wrong = self._wrong(step)
        while wrong and LOOKS.match(step.command) and (waited := time.monotonic() - began) < LONGEST:
            time.sleep(pause_after(waited))
            wrong = self._wrong(step)
        assert not wrong, wrong

    def _wrong(self, step: Typed) -> str:
        """What is not as the page says; empty if all is."""
        code, printed = self._run(PATIENT.sub(rf"\g<0> --timeout {LONGEST:g}", step.command))
        said = self.as_usual(printed)
        as_shown = code == step.code and (not step.output or pattern(step.output).fullmatch(said))
        if as_shown and not is_traceback(said):
            return ""
        return f"$ {step.command}\n{said}\nexit {code}, but the page says\n{step.output}\nexit {step.code}"

    def _run(self, command: str) -> tuple[int, str]:
        """Exit code and output; a shell is only used for what needs one."""
        environ = {**self.environ, **self.ports}
        if PLAIN.fullmatch(command):
            program, *words = shlex.split(command)
            said = zygote().run([str(Path(INV).with_name(program)), *words], self.path, environ, LONGEST, merged=True)
            return said.code, said.out
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.path, env={**environ, "PATH": self.of_shell}, timeout=LONGEST,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.decode()

    def as_usual(self, said: str) -> str:
        """What it says with the usual ports, in the reader's home, and without the lines that are for no terminal."""
        for name, port in self.ports.items():
            said = said.replace(port, USUAL_PORTS[name])
        said = said.replace(str(self.path), "/home/me/shop")
        return "".join(line for line in said.splitlines(keepends=True) if not line.startswith(("⏳", NEEDED)))
