"""Names that are the same in every run: of sessions, state folders and marks, and as a person types them. Pure."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SESSION = r"^sentinel-[A-Za-z0-9_-]+\Z"
TASKS_OF_A_WORKSPACE = frozenset(
    {
        "up",
        "down",
        "ps",
        "logs",
        "restart",
        "attach",
        "doctor",
        "schema",
        "wait",
        "run",
        "env",
        "url",
        "why",
        "export",
        "scale",
        "init",
        "gc",
        "stop",
        "mcp-config",
    }
)
TASKS_OF_A_SERVICE = ("start", "status", "logs", "stop", "restart", "attach", "wait", "run", "env", "url", "why")
SERVICE = r"^[a-z][a-z0-9-]*\Z"
INSTANCE = r"(.+)-([1-9][0-9]*)\Z"
"""Expressions take long to compile: nobody does who needs none of them."""

WEB = "web"
"""The process of a Procfile that serves HTTP."""

PORT_VARIABLES = {"telemetry": "WORKER_API_PORT", "dev": "DEV_SERVER_PORT"}
"""The guide's own variables for the ports of two services."""

AUTO_FIRST, AUTO_COUNT = 20_000, 12_000
"""Automatic ports lie below the range from which systems take ports for outgoing connections."""

LONGEST_SLUG = 246
"""A file's name may have 255 bytes; a hyphen and a digest need nine of them."""

_UNSAFE = r"[\x00-\x1f\x7f-\x9f\\␞␟\udc80-\udcff]"
_ESCAPED = r"\\x([0-9a-f]{4})"


def slug(folder: str) -> str:
    """The folder's last name in ASCII letters, digits, `-` and `_`; `workspace` if nothing is left.

    Contract: Workspace.
    """
    name = os.path.basename(folder.rstrip("/"))
    if name.isascii() and all(map(str.isalnum, name.split("-"))):
        return name
    name = re.sub(r"\s+", "-", name)
    name = re.sub(r"[^A-Za-z0-9_-]", "", name)
    return re.sub(r"-+", "-", name).strip("-") or "workspace"


def digest(text: str, length: int = 8) -> str:
    """A short name for a text, the same on every machine and in every run."""
    return f"{zlib.crc32(text.encode('utf-8', 'surrogateescape')):08x}"[:length]


def session_name(folder: str) -> str:
    """The workspace's plain session name; always matches `SESSION`."""
    return f"sentinel-{slug(folder)}"


def session_with_suffix(folder: str) -> str:
    """The session's name where the plain one belongs to somebody else; the same in every run."""
    return f"{session_name(folder)}-{digest(folder, 6)}"


def names_for_session(folder: str) -> Iterator[str]:
    """Every name that the workspace's session may be given, the first one that nobody else has."""
    yield session_name(folder)
    yield session_with_suffix(folder)
    yield from (f"{session_with_suffix(folder)}-{number}" for number in count(2))


def state_name(folder: str) -> str:
    """The name of the workspace's own folder below the state folder; unique to the path."""
    return f"{slug(folder)[:LONGEST_SLUG]}-{digest(folder)}"


def mark(path: str) -> str:
    """A path as a tmux user option carries it: characters that would break a line or a field are escaped.

    It is the same in every locale: where Python reads paths in another encoding, it has them as escaped bytes.
    """
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text  # to compile the expression takes longer than all the rest of this module
    return re.sub(_UNSAFE, lambda found: f"\\x{ord(found.group()):04x}", text)


def unmarked(text: str) -> str:
    """The path that `mark` was given."""
    return text if "\\x" not in text else re.sub(_ESCAPED, lambda found: chr(int(found.group(1), 16)), text)


def times_path(log: Path) -> Path:
    """The file of when which byte came; the log pump holds its lock while the log is being written."""
    return log.with_name(f"{log.name}.times")


def times_of(log: Path | str) -> str:
    """The same in words."""
    return f"{log}.times"


def instance_name(service: str, number: int | str) -> str:
    """The name of one of several instances of a service; they are counted from 1."""
    return f"{service}-{number}"


def instance_number(name: str, service: str) -> int | None:
    """Which instance of the service the name is of; None if it is none."""
    found = re.match(INSTANCE, name)
    return int(found[2]) if found and found[1] == service else None


def is_instance(name: str, service: str) -> bool:
    """True for an instance of the service, and for the service itself, which ran before there were several."""
    return name == service or instance_number(name, service) is not None


RUN_VARIABLE = "SENTINEL_RUN"
"""In the environment of what a person runs beside a service: that carries its tags, and is no process of it."""


def port_variable(service: str) -> str:
    """The variable that gives this service's port to every service of the workspace (contract: Configuration)."""
    return f"SENTINEL_PORT_{service.upper().replace('-', '_')}"


def url_variable(service: str) -> str:
    """The variable that tells a service's address on this machine (contract: Tasks, Run and environment)."""
    return f"SENTINEL_URL_{service.upper().replace('-', '_')}"


def automatic_ports(workspace: str, service: str) -> Iterator[int]:
    """Every port that may be chosen for a service, from a place that is always the same for it and its workspace."""
    start = int(digest(f"{workspace}\0{service}"), 16)
    return (AUTO_FIRST + (start + step) % AUTO_COUNT for step in range(AUTO_COUNT))


def as_port_pairs(ports: Mapping[str, int]) -> str:
    """The services' ports as a tmux user option carries them."""
    return " ".join(f"{name}={port}" for name, port in ports.items())


def port_pairs(text: str) -> dict[str, int]:
    """The ports that `as_port_pairs` was given; anything else in the text is ignored."""
    pairs = (pair.partition("=") for pair in text.split())
    return {name: int(port) for name, _, port in pairs if port.isdecimal() and port.isascii()}


def typed_tmux(socket_name: str | None) -> str:
    """The tmux command with this server's socket, as a person types it."""
    import shlex

    return shlex.join(["tmux", *(["-L", socket_name] if socket_name else [])])


def typed_target(session: str, index: int | None = None) -> str:
    """A session or window as a person types it after `-t`; quoted, because zsh takes a bare `=word` for a command."""
    import shlex

    quoted = shlex.quote(f"={session}" if index is None else f"={session}:{index}")
    return quoted if quoted.startswith("'") else f"'{quoted}'"
