"""The page of the configuration's keys, from the schema and the defaults; scripts/reference_pages.py writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sentinel_tasks.config.json_schema import json_schema
from sentinel_tasks.config.load import BUILT_IN
from sentinel_tasks.config.schema import (
    ALLOWED,
    HEALTH_TYPES,
    HOOKS_TYPES,
    LIMITS_TYPES,
    LIVENESS_TYPES,
    ON_CHANGE_TYPES,
    SENTINEL_TYPES,
    SERVICE_TYPES,
    WATCH_TYPES,
)

NAME = "configuration.md"
HEAD = """# Configuration keys

Made from the code by `make reference`; a test holds that it is current. What the keys do is said in the
[contract](../contract.md#configuration). All keys are under `sentinel` in `invoke.yaml` beside the tasks file.
"""
COLUMNS = "| key | type | default | allowed | description |\n|---|---|---|---|---|\n"
NESTED_COLUMNS = "| key | type | default | description |\n|---|---|---|---|\n"
SAID_WITHOUT = re.compile(r" \(without it: (.*)\)$")


def page() -> str:
    """The whole page."""
    definitions = json_schema()["$defs"]
    parts = [
        HEAD,
        "\n## Of the workspace\n\n",
        _table(SENTINEL_TYPES, definitions["SentinelKeys"]["properties"]),
        "\n## Of a service\n\nUnder `services.NAME`.\n\n",
        _table(SERVICE_TYPES, definitions["ServiceKeys"]["properties"]),
        "\n## Of a health check that is a mapping\n\nExactly one check; `expect` goes with `path`.\n\n",
        *_mapping(HEALTH_TYPES, definitions["HealthKeys"]["properties"]),
        "\n## Of `liveness`\n\nExactly one check.\n\n",
        *_mapping(LIVENESS_TYPES, definitions["LivenessKeys"]["properties"]),
        "\n## Of `hooks`\n\n",
        *_mapping(HOOKS_TYPES, definitions["HooksKeys"]["properties"]),
        "\n## Of `limits`\n\n",
        *_mapping(LIMITS_TYPES, definitions["LimitsKeys"]["properties"]),
        "\n## Of a `watch` that is a mapping\n\n",
        *_mapping(WATCH_TYPES, definitions["WatchKeys"]["properties"]),
        "\n## Of `on_change`\n\n`restart`, or exactly one of these.\n\n",
        *_mapping(ON_CHANGE_TYPES, definitions["OnChangeKeys"]["properties"]),
        "\n## Own defaults of dev and telemetry\n\n| key | dev | telemetry |\n|---|---|---|\n",
        *_built_in(),
    ]
    return "".join(parts)


def _table(keys: Iterable[str], properties: Mapping[str, Any]) -> str:
    rows = [
        f"| `{key}` | {_type(properties[key])} | {_default(properties[key])} | {_cell(ALLOWED.get(key, ''))} "
        f"| {_description(properties[key])} |\n"
        for key in keys
    ]
    return COLUMNS + "".join(rows)


def _mapping(keys: Iterable[str], properties: Mapping[str, Any]) -> Iterator[str]:
    yield NESTED_COLUMNS
    for key in keys:
        of = properties[key]
        yield f"| `{key}` | {_type(of)} | {_default(of)} | {_description(of)} |\n"


def _description(schema: Mapping[str, Any]) -> str:
    return _cell(SAID_WITHOUT.sub("", schema["description"]))


def _default(schema: Mapping[str, Any]) -> str:
    """The default, or in words what holds without the key; empty for one of which a mapping needs one."""
    if found := SAID_WITHOUT.search(schema["description"]):
        return found[1]
    return _plain(schema["default"]) if "default" in schema else ""


def _type(schema: Mapping[str, Any]) -> str:
    """The schema's types in words."""
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema.get("type") == "array":
        items = _type(schema["items"])
        return f"list of ({items})" if "anyOf" in schema["items"] else f"list of {items}"
    return "mapping" if "$ref" in schema or schema.get("type") == "object" else str(schema["type"])


def _plain(value: object) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _built_in() -> Iterable[str]:
    keys = [key for key in SERVICE_TYPES if any(key in own for own in BUILT_IN.values())]
    for key in keys:
        cells = (f"`{BUILT_IN[name][key]}`" if key in BUILT_IN[name] else "" for name in ("dev", "telemetry"))
        yield f"| `{key}` | {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
