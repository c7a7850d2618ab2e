"""The services of a compose file that a project leans on, as services that can be declared (contract: Tasks, Init)."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .procfile import service_name

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""As `docker compose` looks for them."""

QUESTIONS = {
    "postgres": "pg_isready --quiet", "postgis": "pg_isready --quiet", "timescaledb": "pg_isready --quiet",
    "pgvector": "pg_isready --quiet", "redis": "redis-cli ping", "valkey": "valkey-cli ping",
    "mysql": "mysqladmin ping --silent", "mariadb": "healthcheck.sh --connect",
}  # fmt: skip
"""What to ask within the container, by the image's last name."""

UNTIL_PULLED = 120
"""Seconds for a first start, which may pull an image."""
UNTIL_STOPPED = 30


class Found(NamedTuple):
    """A service that a folder has: its name here, its configuration, and where it comes from."""

    name: str
    settings: dict[str, Any]
    why: str


def compose_file(folder: Path) -> Path | None:
    """The folder's compose file, if it has one."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), None)


def containers(path: Path, document: object, taken: Iterable[str]) -> Iterator[Found]:
    """Each service that is an image of others and in no profile; what is built here is the project itself."""
    found = {str(name): _mapping(of) for name, of in _mapping(_mapping(document).get("services")).items()}
    names: dict[str, str] = {}
    for name, of in found.items():
        if of.get("image") and not of.get("build") and not of.get("profiles"):
            names[name] = service_name(name, {*taken, *names.values()})
    for name, own in names.items():
        needs = [names[each] for each in map(str, found[name].get("depends_on") or ()) if each in names]
        settings = {**_settings(name, found[name]), **({"depends_on": needs} if needs else {})}
        yield Found(own, settings, f"{name} of {path.name}")


def _settings(name: str, of: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "command": f"docker compose up --no-deps {shlex.quote(name)}",
        "health": {"command": _question(shlex.quote(name), of), "interval": 1},
        "startup_timeout": UNTIL_PULLED,
        "stop_timeout": UNTIL_STOPPED,
    }


def _question(name: str, of: Mapping[str, Any]) -> str:
    """A command that exits 0 once the container answers, or, where nothing can be asked, once it runs."""
    if of.get("healthcheck"):
        return f"docker compose ps --format '{{{{.Health}}}}' {name} | grep -qx healthy"
    image = str(of["image"]).rpartition("/")[2].partition("@")[0].partition(":")[0]
    if image in QUESTIONS:
        return f"docker compose exec -T {name} {QUESTIONS[image]}"
    return f"docker compose ps --status running --services | grep -qx {name}"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
