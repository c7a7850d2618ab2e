"""Workspaces for the tests of the export, without a tasks file around them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sentinel_tasks.config.instances import with_number
from sentinel_tasks.export import Exported, Options, export
from sentinel_tasks.model import Health, Service, Workspace

UP = Health("up")


def service(name: str = "web", command: str | tuple[str, ...] = ("serve",), **keys: Any) -> Service:
    """A service with the defaults of the configuration."""
    given: dict[str, Any] = {"title": name, "why": "configured", "cwd": "/srv/app", "port": None, "health": UP, **keys}
    return Service(name=name, command=command, **given)


def instances(one: Service, count: int) -> list[Service]:
    """So many of it, as the configuration makes them."""
    return [with_number(replace(one, instances=count), number) for number in range(1, count + 1)]


def workspace(*services: Service, path: str = "/srv/app") -> Workspace:
    """A workspace of these, in order."""
    return Workspace(path=path, session="sentinel-app", state_folder="/nowhere", services=services)


def exported(target: str, *services: Service, **asked: Any) -> Exported:
    """The export of a workspace of these."""
    return export(workspace(*services), target, Options(**asked))


def put(folder: Path, files: Mapping[str, str]) -> Path:
    """Writes the files as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        (folder / path).write_bytes(text.encode("utf-8", "surrogateescape"))
    return folder


HOSTILE = 'it\'s "100%" $HOME ${X} $(id) \\n `ls` ; # é🚀\n\ttwo lines\\'


def every_kind() -> Workspace:
    """A workspace in which every key of the configuration says something."""
    return workspace(
        service("db", "postgres -D 'my data'", port=5432, health=Health("tcp"), restart="always"),
        service(
            "cache", ("redis-server",), auto_port=True, health=Health("command", "redis-cli ping"), stop_timeout=0.5,
            hooks=(("ready", "seed --token hunter2"),),
        ),
        service(
            "migrate", ("python", "manage.py", "migrate"), health=Health("exit"), cwd="/srv/app/back end",
            depends_on=(("db", "healthy"),), restart="on-failure",
        ),
        service(
            "worker", ("celery", "worker"), health=Health("log", "ready .*"),
            env_files=("/srv/app/.env", "/etc/app.env"),
            depends_on=(("migrate", "completed"), ("cache", "started")), worker_command="celery worker",
            env=(("MODE", HOSTILE), ("x.y", "1")), log_backups=3,
            memory_limit=512 * 1024**2, nofile_limit=4096,
        ),
        service(
            "web", "exec uvicorn app:app --port $PORT", auto_port=True, health=Health("http", "/health"),
            depends_on=(("migrate", "healthy"), ("cache", "healthy"), ("worker", "healthy")), restart="on-failure",
            env=(("DB_PASSWORD", "hunter2"), ("HOSTILE", HOSTILE)), title=HOSTILE,
        ),
        service("report", "exec report", health=Health("exit")),
        service("tool", ("tool",), autostart=False),
        service("dev", ("echo", HOSTILE), port=3002, health=Health("http", "/", ("<500",))),
        service("other", ("serve",), port=3003, health=Health("http", "https://localhost:3003/", ("2xx", "3xx"))),
        service(
            "telemetry", ("/opt/python", "-P", "-m", "sentinel_tasks.api"), port=3000, counts_workers=True,
            health=Health("http", "/api/workers/registry"),
        ),
    )  # fmt: skip


def several() -> Workspace:
    """A workspace of instances, and of one that waits for all of them."""
    pool = instances(service("pool", ("run", "${SENTINEL_INSTANCE}"), title="The pool"), 3)
    web = instances(service("web", "serve $PORT", auto_port=True, health=Health("tcp")), 2)
    once = instances(service("once", ("run",), health=Health("exit")), 2)
    needed = tuple((each.name, "healthy") for each in (*pool, *web))
    return workspace(*pool, *web, *once, service("app", depends_on=needed))
