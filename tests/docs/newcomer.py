"""A stranger's path, timed: from nothing to healthy in five kinds of project, by at most three commands: make newcomer.

What a project has anyway (its code, for two kinds its own Python environment) is there; everything else is typed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent.parent
MOST = 3
KEPT = re.compile(r"PATH|LANG|PIP_.*|UV_.*|.*_proxy|.*_PROXY|SSL_CERT_FILE")
ALONE = ("python3 -m venv .venv", '.venv/bin/pip install --quiet "$SOURCE[api]"', ".venv/bin/sentinel up")
IN_AN_ENVIRONMENT = (
    '.venv/bin/pip install --quiet "$SOURCE[api]"', ".venv/bin/sentinel init --yes", ".venv/bin/sentinel up",
)  # fmt: skip
NODE = """
require("http").createServer((asked, answer) => answer.end("shop")).listen(process.env.PORT, "127.0.0.1")
"""
DJANGO = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("", lambda request: HttpResponse("shop"))]
settings.configure(DEBUG=True, SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
FLASK = """
from flask import Flask

app = Flask(__name__)
"""
FASTAPI = """
from fastapi import FastAPI

app = FastAPI()
"""
PROCFILE = """
release: echo 3 migrations applied
web: python3 -u -m http.server $PORT --bind 127.0.0.1
worker: while sleep 1; do echo worked; done
"""


@dataclass(frozen=True)
class Kind:
    """A kind of project: its files, what its environment has, and what a stranger types."""

    name: str
    files: Mapping[str, str]
    typed: tuple[str, ...]
    wanted: frozenset[str]
    needs: tuple[str, ...] = field(default=())


KINDS = (
    Kind("Node, package.json",
         {"package.json": '{"scripts": {"dev": "node server.js"}}', "server.js": NODE}, ALONE, frozenset({"dev"})),
    Kind("Procfile", {"Procfile": PROCFILE.lstrip()}, ALONE, frozenset({"release", "web", "worker"})),
    Kind("Django", {"manage.py": DJANGO}, IN_AN_ENVIRONMENT, frozenset({"dev", "telemetry"}), ("django",)),
    Kind("Flask", {"app.py": FLASK}, IN_AN_ENVIRONMENT, frozenset({"dev", "telemetry"}), ("flask",)),
    Kind("FastAPI", {"main.py": FASTAPI}, IN_AN_ENVIRONMENT, frozenset({"dev", "telemetry"}), ("fastapi", "uvicorn")),
)  # fmt: skip


def walk(kind: Kind, home: Path) -> list[float]:
    """Types the commands in a fresh folder with an empty home, and sees that all is healthy; the seconds of each."""
    folder = home / "shop"
    folder.mkdir()
    for name, text in kind.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
    environ |= {"HOME": str(home), "TMUX_TMPDIR": str(home), "SOURCE": str(ROOT), "LANG": "C.UTF-8"}
    if kind.needs:
        for command in ("python3 -m venv .venv", f".venv/bin/pip install --quiet {' '.join(kind.needs)}"):
            _run(command, folder, environ)
    try:
        seconds = [_timed(command, folder, environ) for command in kind.typed]
        states = _states(_run(".venv/bin/sentinel ps --json", folder, environ))
        well = {name for name, state in states.items() if state in ("running", "completed")}
        assert kind.wanted <= well, states
    finally:
        _run(".venv/bin/sentinel down", folder, environ)
    return seconds


def _timed(command: str, folder: Path, environ: Mapping[str, str]) -> float:
    began = time.monotonic()
    _run(command, folder, environ)
    return time.monotonic() - began


def _run(command: str, folder: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"$ {command}\n{done.stdout}{done.stderr}exit {done.returncode}")
    return done.stdout


def _states(said: str) -> dict[str, str]:
    return {each["service"]: each["state"] for each in json.loads(said)["workspaces"][0]["services"]}


def _rows() -> Iterator[str]:
    for kind in KINDS:
        assert len(kind.typed) <= MOST
        with TemporaryDirectory(prefix="newcomer") as home:
            seconds = walk(kind, Path(home))
        each = ", ".join(f"{one:.1f}" for one in seconds)
        healthy = ", ".join(sorted(kind.wanted))
        yield f"{kind.name:<20} {len(kind.typed)} commands   {sum(seconds):5.1f} s ({each})   healthy: {healthy}"


if __name__ == "__main__":
    for row in _rows():
        print(row, flush=True)
    sys.exit()
