"""The tools: what each does, what it may be told, and how long it may take. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Effect = Literal["reads", "acts"]
"""A start acts, too: it may end a process that holds a service's port."""

SERVICE = {"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "description": "Name of a service, as ps lists it"}
SERVICES = {"type": "array", "items": SERVICE, "minItems": 1, "description": "Names of services; without it, all"}
PORT = {"type": "string", "pattern": "^(auto|[0-9]+)$", "description": "Another port; auto finds a free one"}
LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"]
DRY = {"type": "boolean", "description": "Only tell what would be done"}
NO_WAIT = {"type": "boolean", "description": "Answer once it is launched; the tool wait waits for it later"}
CONFLICT = {
    "type": "string",
    "enum": ["stop", "takeover", "fail", "auto"],
    "description": "If its port is held: stop ends a holder of this workspace, takeover any of this user's; auto moves",
}
TIMEOUT = {"type": "number", "minimum": 1, "maximum": 600}
CURSOR = {"type": "string", "description": "Cursor of an earlier answer's rest: gives the next part of it"}


class Tool(NamedTuple):
    """One verb of the program; `seconds` is how long it may take if the call says nothing."""

    does: str
    effect: Effect
    takes: Mapping[str, Mapping[str, Any]]
    needs: tuple[str, ...] = ()
    seconds: float = 20
    is_idempotent: bool = True


_STARTS: Mapping[str, Mapping[str, Any]] = {
    "port": PORT, "on_conflict": CONFLICT, "no_wait": NO_WAIT, "dry": DRY,
}  # fmt: skip

TOOLS: Mapping[str, Tool] = {
    "up": Tool(
        "Start all services, or some with what they need, in dependency order, and wait until they are healthy. What "
        "runs already is left as it is.",
        "acts",
        {
            "services": SERVICES,
            "group": {"type": "array", "items": SERVICE, "minItems": 1, "description": "Groups to start"},
            "except": {"type": "array", "items": SERVICE, "minItems": 1, "description": "Services to leave out"},
            "apply": {"type": "boolean", "description": "Also restart what runs with another configuration"},
            "ttl": {"type": "string", "description": "End them after this time, such as 4h"},
            **_STARTS,
        },
        seconds=45,
    ),
    "down": Tool(
        "Stop all services, or some, in reverse order, and close the session.",
        "acts",
        {
            "services": SERVICES,
            "workspace": {"type": "string", "description": "Folder of another workspace to end, even a removed one"},
            "dry": DRY,
        },
        seconds=45,
    ),
    "start": Tool(
        "Start services and what they depend on, and wait until they are healthy; a failure tells its cause.",
        "acts", {"services": SERVICES, **_STARTS}, ("services",), 45,
    ),
    "stop": Tool(
        "End services and all their processes; their logs stay.",
        "acts", {"services": SERVICES, "dry": DRY}, ("services",), 45,
    ),
    "restart": Tool(
        "Stop services (without services: all), then start them and wait until they are healthy.",
        "acts", {"services": SERVICES, **_STARTS}, (), 45, is_idempotent=False,
    ),
    "status": Tool(
        "The state of one service, looked at now, with its cause.", "reads", {"service": SERVICE}, ("service",),
    ),
    "ps": Tool(
        "The states of all services of this workspace.",
        "reads", {"all": {"type": "boolean", "description": "Those of every workspace of this user"}},
    ),
    "wait": Tool(
        "Wait until services are healthy, started, completed or stopped; starts nothing.",
        "reads",
        {"services": SERVICES, "for": {"type": "string", "enum": ["healthy", "started", "completed", "stopped"]}},
        seconds=45,
    ),
    "logs": Tool(
        "The last lines of output, also after the end, or those that are searched for. The document's cursor, given as "
        "cursor, tells what came after it.",
        "reads",
        {
            "services": SERVICES,
            "lines": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "So many, whole; else 50"},
            "since": {"type": "string", "description": "10m, or a time"},
            "until": {"type": "string", "description": "10m, or a time"},
            "grep": {"type": "string", "description": "Regular expression that lines must match"},
            "invert": {"type": "boolean", "description": "Lines that do not match"},
            "level": {"type": "string", "enum": LEVELS, "description": "This level and those above, such as warn"},
            "field": {"type": "array", "items": {"type": "string"}, "description": "NAME=VALUE of structured lines"},
            "stats": {"type": "boolean", "description": "Only count lines by level"},
        },
    ),
    "why": Tool(
        "Why a service is as it is: cause, what it waits for, who holds its port, last output, what changed.",
        "reads", {"service": SERVICE}, ("service",),
    ),
    "env": Tool(
        "The environment of a service, secrets masked; without service the ports and addresses of all.",
        "reads", {"service": SERVICE},
    ),
    "run": Tool(
        "Run a command in a service's folder and environment, without input; answers with its exit code and output.",
        "acts",
        {
            "service": SERVICE,
            "command": {
                "type": "array", "items": {"type": "string"}, "minItems": 1, "description": "Its words; no shell",
            },
        },
        ("service", "command"), 45, is_idempotent=False,
    ),
    "gc": Tool(
        "What is left of removed worktrees; with confirm it is ended and cleared away, without it only told.",
        "acts",
        {
            "confirm": {"type": "boolean", "description": "Really end it"},
            "keep_logs": {"type": "string", "description": "Keep logs of those gone for less than this, such as 7d"},
        },
        seconds=45,
    ),
    "doctor": Tool("Check whether this machine and the configuration are ready.", "reads", {}, seconds=30),
}  # fmt: skip


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of the tool's arguments."""
    tool = TOOLS[name]
    timeout = {**TIMEOUT, "default": tool.seconds, "description": "Seconds after which it answers in any case"}
    return {
        "type": "object",
        "properties": {**tool.takes, "timeout": timeout, "cursor": CURSOR},
        "required": list(tool.needs),
        "additionalProperties": False,
    }
