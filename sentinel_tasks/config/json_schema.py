"""The JSON Schema with which an editor checks `invoke.yaml`, and tells what a key means and what holds without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import fields

from ..model import Health, Service, Workspace
from .load import BUILT_IN
from .schema import HOOKS_TYPES, LIMITS_TYPES, LIVENESS_KEYS, ON_CHANGE_TYPES, ONE_CHECK, SentinelKeys
from .service import LIVENESS

IDENTIFIER = "urn:uuid:7d482cf7-2216-5f67-8c10-5833087b4e8b"
"""The same in every version. A name and no address: the schema is published nowhere."""

DESCRIPTION = "What sentinel-tasks reads, all of it under sentinel. Other keys are Invoke's and those of your tasks."
WITHOUT = {
    "title": "its name",
    "command": "an error, but for dev and telemetry",
    "health": "tcp with a port, else null",
    "window": "its name",
    "index": "the first free one from 3",
    "instances": "one, under its own name",
}
"""What holds without a key of a service that has no one value for that."""

SAID_OTHERWISE: dict[str, Any] = {
    "cwd": ".", "port": None, "expect": [*Health("http").expect], "env": {}, "env_file": [], "hooks": None,
    "limits": None, "watch": None, "on_change": "restart",
    "log_max_mb": next(each.default for each in fields(Service) if each.name == "log_max_bytes") / 1_000_000,
}  # fmt: skip
"""Defaults that a configuration writes in another way than a service has them."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `invoke.yaml`, as far as it is ours; other keys are left to their owners.

    Contract: Configuration.
    """
    (reference,), sections = msgspec.json.schema_components([SentinelKeys | None], ref_template="#/$defs/{name}")
    sections["HealthKeys"] |= ONE_CHECK
    sections["OnChangeKeys"] |= {"oneOf": [{"required": [key]} for key in ON_CHANGE_TYPES]}
    sections["LivenessKeys"] |= {"oneOf": [{"required": [key]} for key in (*LIVENESS_KEYS, "watchdog")]}
    for name, defaults in _defaults(sections["ServiceKeys"]["properties"]).items():
        for key, default in defaults.items():
            sections[name]["properties"][key]["default"] = default
    _describe(sections["ServiceKeys"]["properties"], WITHOUT)
    _describe(sections["HealthKeys"]["properties"], {"interval": "as often as a start looks"})
    _describe(sections["LivenessKeys"]["properties"], {"grace": "startup_timeout"})
    sections["SentinelKeys"]["properties"]["services"]["anyOf"][0]["properties"] = dict(_built_in())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": IDENTIFIER,
        "title": "invoke.yaml with sentinel-tasks",
        "description": DESCRIPTION,
        "type": "object",
        "properties": {"sentinel": {"description": "the services of this workspace", **reference}},
        "$defs": sections,
    }


def _defaults(keys: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The defaults of each section's keys, from where the code has them."""
    own = _of(Service)
    plain = {key: own[key] for key in keys if key not in WITHOUT and key not in SAID_OTHERWISE}
    asked, workspace = _of(Health), _of(Workspace)
    return {
        "SentinelKeys": {key: workspace[key] for key in ("socket_name", "history_limit", "window_state")},
        "ServiceKeys": {**plain, **SAID_OTHERWISE},
        "HealthKeys": {key: asked[key] for key in ("timeout", "retries", "expect")},
        "LivenessKeys": {key: getattr(LIVENESS, key) for key in ("timeout", "interval", "retries")},
        "HooksKeys": dict.fromkeys(HOOKS_TYPES),
        "LimitsKeys": dict.fromkeys(LIMITS_TYPES),
        "WatchKeys": {key: own[f"watch_{key}"] for key in ("ignore", "debounce", "git_ignored")},
    }


def _of(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The defaults of its fields, lists as JSON has them."""
    return {each.name: [*each.default] if isinstance(each.default, tuple) else each.default for each in fields(struct)}


def _describe(properties: dict[str, Any], without: Mapping[str, str]) -> None:
    """Says in words what holds without these keys."""
    for key, words in without.items():
        properties[key]["description"] += f" (without it: {words})"


def _built_in() -> Iterator[tuple[str, Any]]:
    """The services that are there without a word, with defaults of their own."""
    for name, own in BUILT_IN.items():
        allowed = {"anyOf": [{"$ref": "#/$defs/ServiceKeys"}, {"type": "null"}]}
        properties = {key: {"default": value} for key, value in own.items()}
        yield name, {"description": f"{own['title']}: it needs no command", **allowed, "properties": properties}
