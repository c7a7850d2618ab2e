"""How the API was told to run: its command line and environment (contract: Configuration, API), read once."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 3000
READ_ONLY = "WORKER_API_READ_ONLY"
PORT_VARIABLE = re.compile(r"SENTINEL_PORT_([A-Z][A-Z0-9_]*)")


class OptionError(Exception):
    """A value that cannot be used; the message is one line for the person who gave it."""


@dataclass(frozen=True)
class Options:
    """Everything the API needs to know before it starts."""

    workspace: str
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    service: str = "telemetry"
    session: str | None = None
    token: str | None = field(default=None, repr=False)
    worker_command: tuple[str, ...] | None = field(default=None, repr=False)
    service_ports: Mapping[str, int] = field(default_factory=dict)
    allowed_hosts: frozenset[str] = frozenset()
    read_only: bool = False


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The options of a command line and an environment.

    Raises OptionError for a value; argparse ends the program on a wrong flag.
    """
    given = _parser().parse_args(arguments)
    options = Options(
        workspace=environment.get("SENTINEL_WORKSPACE") or str(Path.cwd()),
        host=given.host,
        port=_port(given.port, environment),
        service=environment.get("SENTINEL_SERVICE") or "telemetry",
        session=environment.get("SENTINEL_SESSION") or None,
        token=environment.get("TES_DEV_TOKEN") or None,
        worker_command=_worker_command(environment.get("SENTINEL_WORKER_COMMAND", "")),
        service_ports=_without_common_names(dict(_service_ports(environment))),
        allowed_hosts=frozenset(name.lower() for name in given.allow_host),
        read_only=given.read_only or environment.get(READ_ONLY, "") not in ("", "0"),
    )
    if not is_loopback(options.host) and options.token is None:
        raise OptionError(f"--host {options.host} is open to others: set TES_DEV_TOKEN first")
    return options


def is_loopback(host: str) -> bool:
    """True for `localhost`, 127.0.0.0/8 and ::1."""
    return host in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sentinel_tasks.api", description="The Worker Telemetry API of a workspace."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", help=f"default: $WORKER_API_PORT, else $PORT, else {DEFAULT_PORT}")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further Host to answer to (repeatable)"
    )
    parser.add_argument(
        "--read-only", action="store_true", help=f"start, stop and scale nothing (also by ${READ_ONLY})"
    )
    return parser


def _port(flag: str | None, environment: Mapping[str, str]) -> int:
    candidates = [("--port", flag)] + [(name, environment.get(name)) for name in ("WORKER_API_PORT", "PORT")]
    for name, text in candidates:
        if text:
            if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
                raise OptionError(f"{name} is {text!r}: it must be a port, 0 to 65535 (0: any free one)")
            return int(text)
    return DEFAULT_PORT


def _worker_command(text: str) -> tuple[str, ...] | None:
    if not text:
        return None
    try:
        command = json.loads(text)
    except json.JSONDecodeError:
        command = None
    if isinstance(command, str) and command.strip():
        return ("sh", "-c", command)
    if isinstance(command, list) and command and all(isinstance(word, str) for word in command):
        return tuple(command)
    raise OptionError("SENTINEL_WORKER_COMMAND must be JSON: a string for sh, or a list of words")


def _without_common_names(ports: Mapping[str, int]) -> dict[str, int]:
    """Without the name that several instances have in common, which has the first one's port."""
    return {name: port for name, port in ports.items() if ports.get(f"{name}-1") != port}


def _service_ports(environment: Mapping[str, str]) -> list[tuple[str, int]]:
    matches = [(PORT_VARIABLE.fullmatch(name), value) for name, value in sorted(environment.items())]
    return [
        (match[1].lower().replace("_", "-"), int(value))
        for match, value in matches
        if match and re.fullmatch(r"[0-9]{1,5}", value)
    ]


def api_url(options: Options) -> str:
    """Where processes of this machine reach the API."""
    host = "127.0.0.1" if options.host in {"0.0.0.0", "localhost"} else options.host
    host = "::1" if host == "::" else host
    return f"http://{f'[{host}]' if ':' in host else host}:{options.port}"
