"""What a tool was told, checked, as words for the program. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .tools import TOOLS, schema_of

Arguments = Mapping[str, Any]

KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "array": list, "boolean": bool, "integer": int, "number": (int, float),
}  # fmt: skip
OWN = frozenset({"services", "service", "command", "dry", "confirm", "timeout"})
"""What is no flag of the program, or not always."""
MARGIN = 2.0
"""Seconds for a program that was told the limit to say what it has seen by then."""
REPEATED = frozenset({"field"})


def problems(tool: str, arguments: Arguments) -> list[str]:
    """What is wrong with the arguments, a sentence each."""
    schema = schema_of(tool)
    known: Mapping[str, Any] = schema["properties"]
    wrong = [f"{name}: unknown argument; known are {', '.join(known)}" for name in arguments if name not in known]
    wrong += [f"{name}: is needed" for name in schema["required"] if name not in arguments]
    for name, value in arguments.items():
        wrong += [f"{name}: {each}" for each in _wrong(value, known.get(name, {}))]
    return wrong


def _wrong(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    kind = schema.get("type")
    if kind and (not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{value!r} is no {kind}"
        return
    if kind == "array":
        if len(value) < schema.get("minItems", 0):
            yield "must not be empty"
        for each in value:
            yield from _wrong(each, schema["items"])
    if "enum" in schema and value not in schema["enum"]:
        yield f"{value!r} is none of {', '.join(schema['enum'])}"
    if "pattern" in schema and not re.search(schema["pattern"].replace("$", r"\Z"), value):
        yield f"{value!r} must match {schema['pattern']}"
    if kind in ("integer", "number") and not schema["minimum"] <= value <= schema["maximum"]:
        yield f"{value!r} is not between {schema['minimum']} and {schema['maximum']}"


def seconds(tool: str, arguments: Arguments) -> float:
    """How long the call may take."""
    return float(arguments.get("timeout", TOOLS[tool].seconds))


def limit(tool: str, arguments: Arguments) -> float:
    """After how long the program is interrupted: it ends by itself before that where it knows the limit."""
    return seconds(tool, arguments) + (MARGIN if _patience(tool, arguments) else 0)


def words(tool: str, arguments: Arguments) -> list[str]:
    """The program's words for this call; every value of a flag is in the flag's own word, whatever it begins with."""
    dry = ["--dry"] if arguments.get("dry") or (tool == "gc" and not arguments.get("confirm")) else []
    named = [arguments["service"]] if "service" in arguments else list(arguments.get("services", []))
    if tool == "run":
        return ["run", *named, "--", *arguments["command"]]
    return [*dry, tool, *named, *_flags(arguments), *_patience(tool, arguments), "--json"]


def _flags(arguments: Arguments) -> Iterator[str]:
    for name, value in arguments.items():
        flag = f"--{name.replace('_', '-')}"
        if name in OWN or value is False:
            continue
        if value is True:
            yield flag
        elif name in REPEATED:
            yield from (f"{flag}={each}" for each in value)
        else:
            yield f"{flag}={','.join(value) if isinstance(value, list) else value}"


def _patience(tool: str, arguments: Arguments) -> list[str]:
    """The program's own limit: of a wait always, of a start where it was asked for.

    Of a stop it would be the time after which processes are killed.
    """
    if tool == "wait" or (tool in ("up", "start", "restart") and "timeout" in arguments):
        return [f"--timeout={seconds(tool, arguments):g}"]
    return []
