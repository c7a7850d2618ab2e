"""A Procfile's processes as services: what honcho and foreman would run (contract: Configuration, Procfiles)."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..names import SERVICE, TASKS_OF_A_WORKSPACE, WEB
from ..system.env_file import read_env_file
from ..text.encoding import decoded
from .procfile_port import web_port

FIRST_PORT, PORT_STEP = 5000, 100
LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)", re.ASCII | re.DOTALL)
"""As honcho has it: what begins in any other way is no process."""

RELEASE = "release"
"""The process that platforms run once before all others."""


class Process(NamedTuple):
    """One process of the file as a service: its name here, its configuration, and what is to be known of it."""

    name: str
    settings: dict[str, Any]
    note: str = ""


def commands(path: Path) -> dict[str, str]:
    """The Procfile's commands by name, in its order; {} if there is no such file. ValueError if it is no text."""
    return {name: command for _, name, command in _lines(path)}


def _lines(path: Path) -> Iterator[tuple[int, str, str]]:
    """Number, name and command of each line that is a process."""
    try:
        lines = decoded(path.read_bytes()).split("\n")
    except OSError:
        return
    found = ((number, LINE.match(line)) for number, line in enumerate(lines, 1))
    yield from ((number, line["name"], line["command"].rstrip()) for number, line in found if line)


def processes(path: Path, environ: Mapping[str, str]) -> list[Process]:
    """Every process of the file as a service that can be declared.

    ValueError if the file is no text, has no process, or has two of one name, of which only one could run.
    """
    found, env_file = _of_one_name_each(path), path.parent / ".env"
    shared: dict[str, Any] = {"cwd": str(path.parent)}
    if env_file.is_file():
        shared["env_file"] = str(env_file)
    made: list[Process] = []
    first = _first_port(env_file, environ)
    for number, (name, command) in enumerate(found.items()):
        port = first + PORT_STEP * number
        own = service_name(name, {each.name for each in made})
        settings = {"command": command, **shared, **_settings(name, command, port, RELEASE in found)}
        made.append(Process(own, settings, "; ".join(_notes(name, own))))
    return made


def _of_one_name_each(path: Path) -> dict[str, str]:
    first: dict[str, int] = {}
    for number, name, _ in _lines(path):
        if first.setdefault(name, number) != number:
            raise ValueError(f"line {number} declares {name} again, after line {first[name]}; rename or remove one")
    if not first and path.is_file():
        raise ValueError("has no line NAME: COMMAND; name and command stand on one line, which begins with the name")
    return commands(path)


def _settings(name: str, command: str, port: int, has_release: bool) -> dict[str, Any]:
    """A worker need not listen: its PORT is only a variable, and nobody else's use of that port is its conflict."""
    if name == RELEASE:
        return {"health": "exit", "env": {"PORT": str(port)}}
    after = {"depends_on": {RELEASE: "completed"}} if has_release else {}
    if name == WEB and (own := web_port(command, port)):
        return {"port": own, "health": "tcp", **after}
    return {"port": None, "health": None, "env": {"PORT": str(port)}, **after}


def _notes(name: str, own: str) -> Iterator[str]:
    if own != name.lower().replace("_", "-"):
        yield f"the Procfile calls it {name}, which no service may be called"
    if name == RELEASE:
        yield "the Procfile's release phase: it runs once, and the others wait for it"


def service_name(name: str, taken: Container[str]) -> str:
    """The name of that process as a service: in lower case with dashes, and made one that a service may have."""
    plain = re.sub(r"-+", "-", name.lower().replace("_", "-")).strip("-")
    if not re.match(SERVICE, plain):
        plain = f"process-{plain}".rstrip("-")
    if plain in TASKS_OF_A_WORKSPACE:
        plain = f"{plain}-process"
    numbers = (f"{plain}-{number}" for number in range(2, 1_000))
    return plain if plain not in taken else next(each for each in numbers if each not in taken)


def _first_port(env_file: Path, environ: Mapping[str, str]) -> int:
    """PORT in `.env` or the environment, from which honcho counts too; inside a service PORT is that service's own."""
    port = "" if "SENTINEL_SERVICE" in environ else environ.get("PORT", "")
    with suppress(OSError, ValueError):
        port = read_env_file(str(env_file), environ).get("PORT") or port
    return int(port) if port.isdecimal() and port.isascii() else FIRST_PORT
