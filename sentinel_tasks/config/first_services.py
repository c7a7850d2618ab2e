"""What a folder without a tasks file would have as its services (contract: Tasks, Init)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .compose_file import Found, compose_file, containers
from .detect import dev_command
from .package_json import script_command
from .procfile import processes, service_name
from .python_app import app_command

PROCFILES = ("Procfile.dev", "Procfile")
"""The first one is that of Rails, and for development alone."""
FRONTENDS = ("frontend", "client", "web", "ui", "webapp")
RAILS, PAGE = "bin/rails", "index.html"
DEV_PORT, TELEMETRY_PORT = 3002, 3000

ReadYaml = Callable[[Path], Any]
"""What the file says; ValueError if it is no YAML."""


class Folder(NamedTuple):
    """What a folder has: its services, the Procfile that declares some of them, and what could not be used.

    `ports` are the numbers at which they will listen, as far as that is known. With `is_plain` there is nothing but
    files, which `dev` serves; with `has_page` one of them is what a browser shows of a folder.
    """

    services: list[Found]
    procfile: str
    has_dev: bool
    ports: frozenset[int]
    notes: list[str]
    is_plain: bool = False
    has_page: bool = False


def look(folder: Path, read_yaml: ReadYaml) -> Folder:
    """The services that the folder's files speak of, those first that the others need."""
    notes: list[str] = []
    procfile, of_procfile, ports = _procfile(folder, notes)
    own = of_procfile or [*_apps(folder)]
    below = _containers(folder, read_yaml, [each.name for each in own], notes)
    is_plain = not own and not below
    if is_plain:
        own = [_dev(folder)]
    services = [*below, *(_after(each, [one.name for one in below]) for each in own)]
    has_page = (folder / PAGE).is_file()
    return Folder(services, procfile, any(each.name == "dev" for each in own), ports, notes, is_plain, has_page)


def _procfile(folder: Path, notes: list[str]) -> tuple[str, list[Found], frozenset[int]]:
    """The first one that can be used, its processes, and their ports; what else it says of them stays there."""
    for name in PROCFILES:
        if (folder / name).is_file():
            try:
                made = processes(folder / name, os.environ)
            except ValueError as reason:
                notes.append(f"{name}: {reason}")
                continue
            ports = frozenset(port for each in made if isinstance(port := each.settings.get("port"), int))
            return name, [Found(each.name, _needs(each.settings), f"a line of {name}") for each in made], ports
    return "", [], frozenset()


def _needs(settings: dict[str, Any]) -> dict[str, Any]:
    return {"depends_on": settings["depends_on"]} if "depends_on" in settings else {}


def _apps(folder: Path) -> Iterator[Found]:
    """What serves the folder, and a frontend in a folder of its own beside it."""
    if first := _app(folder):
        yield first
    for name in FRONTENDS:
        if chosen := script_command(folder / name):
            command, why = chosen
            settings = {"command": command, "cwd": name, "port": "auto", "health": "tcp"}
            yield Found(service_name(name, {"dev"}), settings, f"{name}: {why}")


def _app(folder: Path) -> Found | None:
    """The dev server, where anything but the folder's files can be served."""
    if (folder / "manage.py").is_file() or script_command(folder):
        return _dev(folder)
    if made := app_command(folder):
        return Found("dev", {"command": made[0], "port": DEV_PORT}, made[1])
    if (folder / RAILS).is_file():
        return Found("dev", {"command": f"{RAILS} server --port $PORT", "port": DEV_PORT}, f"there is {RAILS}")
    return None


def _dev(folder: Path) -> Found:
    command, why = dev_command(folder)
    is_ours = "file_server.py" in command
    return Found("dev", {"port": DEV_PORT}, why if is_ours else f"runs: {command} ({why})")


def _containers(folder: Path, read_yaml: ReadYaml, taken: list[str], notes: list[str]) -> list[Found]:
    if (path := compose_file(folder)) is None:
        return []
    try:
        return [*containers(path, read_yaml(path), [*taken, "dev", "telemetry"])]
    except (ValueError, TypeError, AttributeError) as reason:
        notes.append(f"{path.name} can't be used: {reason}")
        return []


def _after(service: Found, needs: list[str]) -> Found:
    """The service, started after what it leans on; what it waited for before stays."""
    before = service.settings.get("depends_on")
    if not needs:
        return service._replace(settings={key: of for key, of in service.settings.items() if key != "depends_on"})
    wanted: Any = {**dict.fromkeys(needs, "healthy"), **before} if before else needs
    return service._replace(settings={**service.settings, "depends_on": wanted})
