"""The programs: what each one needs, how it is started, and where it listens."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.lab import Lab

PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
BIN = Path(sys.executable).parent
ORDINARY_USER = "nobody"
WSGI = "def app(environ, start):\n    start('200 OK', [])\n    return [b'ok']\n"
NODE = "require('http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT, '127.0.0.1')\n"
JOBS = "from celery import Celery\napp = Celery(broker='redis://127.0.0.1:{port}/0')\n"
WITHOUT_TITLE = "import sys; sys.modules['setproctitle'] = None; from gunicorn.app.wsgiapp import run; run()"

Services = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Program:
    """One program: `services` prepares the lab's workspace and tells the configuration; the last service is judged."""

    name: str
    needs: tuple[str, ...]
    services: Callable[[Lab, int], Services]
    as_ordinary_user: bool = False

    def missing(self) -> list[str]:
        """What of its needs is not there: programs, or modules (`python:NAME`) of this Python."""
        return [need for need in self.needs if not _is_there(need)]


def program(name: str) -> str:
    """Its path, also where only the administrator looks, or where PostgreSQL puts its own."""
    newest = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nowhere"))
    return shutil.which(name, path=f"{PATH}:{BIN}:{newest}:{os.environ.get('PM2_BIN', '')}") or ""


def _is_there(need: str) -> bool:
    kind, _, name = need.rpartition(":")
    return bool(find_spec(name) if kind else program(need))


def alone(command: str, port: int | None, **more: object) -> Services:
    return {"web": {"command": command, "port": port, "stop_timeout": 3, "startup_timeout": 20, **more}}


def redis(lab: Lab, port: int, flags: str = "") -> Services:
    return alone(f"{program('redis-server')} --port {port} --save '' --appendonly no {flags}", port)


def nginx(lab: Lab, port: int, flags: str) -> Services:
    user = "user root;\n" if os.getuid() == 0 and "root" in flags else ""
    places = "".join(
        f"  {kind}_temp_path {lab.path};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (lab.path / "nginx.conf").write_text(
        f"{user}worker_processes 2;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{places}"
        f"  access_log off;\n  server {{ listen 127.0.0.1:{port}; return 200 ok; }}\n}}\n"
    )
    return alone(f"{program('nginx')} -p {lab.path} -c nginx.conf {'' if 'daemon' in flags else NOT_A_DAEMON}", port)


NOT_A_DAEMON = "-g 'daemon off;'"


def memcached(lab: Lab, port: int, flags: str) -> Services:
    user = "-u root" if os.getuid() == 0 else ""
    return alone(f"{program('memcached')} {user} -l 127.0.0.1 -p {port} {flags}", port)


def postgres(lab: Lab, port: int, background: bool) -> Services:
    data = lab.path / "data"
    subprocess.run([program("initdb"), "-D", data, "-A", "trust"], check=True, capture_output=True)
    flags = f"-p {port} -k {data}"
    if background:
        return alone(f"{program('pg_ctl')} -D {data} -w -o {shlex.quote(flags)} start", port)
    return alone(f"{program('postgres')} -D {data} {flags}", port)


def gunicorn(lab: Lab, port: int, command: str) -> Services:
    (lab.path / "site.py").unlink(missing_ok=True)
    (lab.path / "wsgi.py").write_text(WSGI)
    return alone(f"{command} -w 2 -b 127.0.0.1:{port} wsgi:app", port, health="/")


def caddy(lab: Lab, port: int) -> Services:
    (lab.path / "Caddyfile").write_text(f"{{\n admin off\n}}\nhttp://127.0.0.1:{port} {{\n respond ok\n}}\n")
    return alone(f"{program('caddy')} run --config Caddyfile --adapter caddyfile", port, health="/")


def pm2(lab: Lab, port: int) -> Services:
    (lab.path / "server.js").write_text(NODE)
    return alone(f"{program('pm2')} start server.js", port, env={"PM2_HOME": str(lab.folder / "pm2")}, health="/")


def celery(lab: Lab, port: int) -> Services:
    (lab.path / "jobs.py").write_text(JOBS.format(port=port))
    worker = alone(f"{program('celery')} -A jobs worker -c 2 -l info", None, health={"log": " ready\\."})
    return {"redis": redis(lab, port)["web"], "web": {**worker["web"], "depends_on": "redis"}}


CATALOGUE = (
    Program("redis", ("redis-server",), redis),
    Program("redis --daemonize", ("redis-server",), lambda lab, port: redis(lab, port, "--daemonize yes")),
    Program("nginx", ("nginx",), lambda lab, port: nginx(lab, port, "root")),
    Program("nginx, daemon", ("nginx",), lambda lab, port: nginx(lab, port, "root daemon")),
    Program("nginx, workers of another user", ("nginx",), lambda lab, port: nginx(lab, port, "")),
    Program("memcached", ("memcached",), lambda lab, port: memcached(lab, port, "")),
    Program("memcached -d", ("memcached",), lambda lab, port: memcached(lab, port, "-d")),
    Program("postgres", ("postgres",), lambda lab, port: postgres(lab, port, background=False), True),
    Program("pg_ctl start", ("postgres",), lambda lab, port: postgres(lab, port, background=True), True),
    Program(
        "gunicorn, its title set", ("gunicorn", "python:setproctitle"),
        lambda lab, port: gunicorn(lab, port, program("gunicorn")),
    ),
    Program(
        "gunicorn", ("gunicorn",),
        lambda lab, port: gunicorn(lab, port, shlex.join([sys.executable, "-c", WITHOUT_TITLE])),
    ),
    Program("caddy", ("caddy",), caddy),
    Program("pm2, its daemon", ("pm2",), pm2),
    Program("celery with redis", ("celery", "python:redis", "redis-server"), celery),
)  # fmt: skip
