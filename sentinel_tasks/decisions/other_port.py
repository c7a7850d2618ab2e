"""A service that listens on another port than its own: what to do about it, and when that is certain. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..model import Listener, Observation, Service

CERTAIN_AFTER = 1.0
"""Seconds after which a server of one port that listens on another one will not come to its own any more."""

FLAGS = {
    "vite": "--port $PORT --strictPort",
    "next": "-p $PORT",
    "next-server": "-p $PORT",
    "gatsby": "-p $PORT",
    "http-server": "-p $PORT",
    "storybook": "-p $PORT",
    "rails": "-p $PORT",
    "puma": "-p $PORT",
    "postgres": "-p $PORT",
    "gunicorn": "--bind 127.0.0.1:$PORT",
    "hypercorn": "--bind 127.0.0.1:$PORT",
    "mkdocs": "--dev-addr 127.0.0.1:$PORT",
    "runserver": "127.0.0.1:$PORT",
    "streamlit": "--server.port $PORT",
    "http.server": "$PORT",
    **dict.fromkeys(
        (
            "astro", "ng", "nuxt", "parcel", "webpack", "webpack-dev-server", "wrangler", "docusaurus", "json-server",
            "uvicorn", "flask", "fastapi", "jupyter", "hugo", "jekyll", "redis-server",
        ),
        "--port $PORT",
    ),
}  # fmt: skip
"""How a tool is told its port, by a word of its command line."""

MAY_OPEN_ANOTHER = frozenset({"nuxt", "parcel", "webpack", "wrangler", "storybook", "rails", "jupyter"})
"""Those that have several ports, or start what does."""


BETWEEN_WORDS, SUFFIX = r"[\s;&|()'\"]+", r"\.[mc]?js$"


def is_certain(seen: Observation) -> bool:
    """True if the service will not listen on its own port: all of it is a server that has one port, and has another."""
    parents = {each.pid: each.parent for each in seen.family}
    return bool(_ports(seen)) and any(
        _tool(each.command or "") not in (None, *MAY_OPEN_ANOTHER) and _is_all(each, parents)
        for each in seen.elsewhere_by
    )


def remedy(service: Service, seen: Observation) -> str:
    """What makes the service listen on its own port, or be looked for where it does; empty if it is not elsewhere."""
    if not seen.elsewhere:
        return ""
    ports = _ports(seen)
    if not ports:
        return "let it listen on localhost"
    own = service.command if isinstance(service.command, str) else " ".join(service.command)
    commands = (*(each.command or "" for each in seen.elsewhere_by), own)
    tool = next((tool for command in commands if (tool := _tool(command))), None)
    way = f"{FLAGS[tool]} in its command" if tool else "let it listen on $PORT"
    return way if service.template else f"{service.key}.port: {' or '.join(ports)}, or {way}"


def _ports(seen: Observation) -> list[str]:
    """Other ports, not its own with the addresses at which it listens."""
    return [place for place in seen.elsewhere if place.isdecimal()]


def _tool(command: str) -> str | None:
    names = (re.sub(SUFFIX, "", word.rpartition("/")[2]) for word in re.split(BETWEEN_WORDS, command))
    return next((name for name in names if name in FLAGS), None)


def _is_all(listener: Listener, parents: Mapping[int, int]) -> bool:
    """True if every process of the service is above or below this one: none beside it may have a port of its own."""
    pid = listener.identity.pid if listener.identity else 0
    above = _above(pid, parents)
    return pid in parents and all(each in (pid, *above) or pid in _above(each, parents) for each in parents)


def _above(pid: int, parents: Mapping[int, int]) -> list[int]:
    found: list[int] = []
    while (pid := parents.get(pid, 0)) in parents and pid not in found:
        found.append(pid)
    return found
