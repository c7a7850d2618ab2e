"""The page of the configuration's keys, from the schema and the defaults; scripts/reference_pages.py writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sentinel_tasks.config.load import BUILT_IN, Sources, read
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
    json_schema,
)
from sentinel_tasks.model import Workspace

NAME = "configuration.md"
HEAD = """# Configuration keys

Made from the code by `make reference`; a test holds that it is current. What the keys do is said in the
[contract](../contract.md#configuration). All keys are under `sentinel` in `invoke.yaml` beside the tasks file.
"""
COLUMNS = "| key | type | default | allowed | description |\n|---|---|---|---|---|\n"
FIELDS = {"log_max_mb": "log_max_bytes", "env_file": "env_files", "limits": "memory_limit"}
"""The key's field of a service, where it has another name."""
NO_FIELD = {"title": "the name", "command": "needed", "cwd": "`.`", "port": "none", "window": "the name"}
NO_FIELD |= {
    "health": "`tcp` with a port, else null",
    "expect": "`2xx`",
    "on_change": "`restart`",
    "index": "the first free one from 3",
}
DESCRIBED = {
    "socket_name": "tmux -L; null is tmux's default server",
    "on_conflict": "what a start does when the port is taken",
    "restart": "when a run that ended is followed by another one",
}


def page() -> str:
    """The whole page."""
    definitions = json_schema()["$defs"]
    with TemporaryDirectory() as folder:
        workspace = read(Sources({"web": {"command": "serve"}}, {}, {}), folder, Path(folder))
    parts = [
        HEAD,
        "\n## Of the workspace\n\n",
        _table(SENTINEL_TYPES, definitions["SentinelKeys"]["properties"], lambda key: _plain(getattr(workspace, key))),
        "\n## Of a service\n\nUnder `services.NAME`.\n\n",
        _table(SERVICE_TYPES, definitions["ServiceKeys"]["properties"], lambda key: _default(key, workspace)),
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


def _table(keys: Iterable[str], properties: Mapping[str, Any], default: Any) -> str:
    rows = [
        f"| `{key}` | {_type(properties[key])} | {default(key)} | {_cell(ALLOWED.get(key, ''))} "
        f"| {_cell(properties[key].get('description', DESCRIBED.get(key, '')))} |\n"
        for key in keys
    ]
    return COLUMNS + "".join(rows)


def _mapping(keys: Iterable[str], properties: Mapping[str, Any]) -> Iterator[str]:
    yield "| key | type | description |\n|---|---|---|\n"
    for key in keys:
        yield f"| `{key}` | {_type(properties[key])} | {_cell(properties[key].get('description', ''))} |\n"


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


def _default(key: str, workspace: Workspace) -> str:
    if key in NO_FIELD:
        return NO_FIELD[key]
    value = getattr(workspace.service("web"), FIELDS.get(key, key))
    return _plain(value / 1_000_000 if key == "log_max_mb" else value)


def _plain(value: object) -> str:
    if value is None or value == ():
        return "none"
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
