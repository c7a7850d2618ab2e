"""The tables of docs/contract.md (Configuration) say what the code allows, and the defaults that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from sentinel_tasks.config.json_schema import json_schema
from sentinel_tasks.config.load import BUILT_IN, Sources, read
from sentinel_tasks.config.schema import ALLOWED, SENTINEL_TYPES, SERVICE_TYPES
from sentinel_tasks.model import HEALTH_KINDS, Condition, Conflict, Detached, Health, Restart, StopSignal, Workspace
from sentinel_tasks.names import TASKS_OF_A_WORKSPACE
from tests.contract import CONTRACT, table, words

BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "maxLength")
ENUMS = {
    "on_conflict": Conflict,
    "restart": Restart,
    "detached": Detached,
    "stop_signal": StopSignal,
    "depends_on": Condition,
}

KEYS = table("| key of a service | allowed | default |")
GENERAL = table("| key of `sentinel` | allowed | default |")


def bounds(key: str) -> Iterator[int]:
    """Every limit that the schema has for this key."""
    definitions = json_schema()["$defs"]

    def found(part: Any) -> Iterator[int]:
        if isinstance(part, dict):
            yield from (part[bound] for bound in BOUNDS if bound in part)
            for inner in part.values():
                yield from found(inner)
        elif isinstance(part, list):
            for inner in part:
                yield from found(inner)

    section = definitions["ServiceKeys" if key in SERVICE_TYPES else "SentinelKeys"]
    yield from found(section["properties"][key])


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace that configures nothing but the command of one service."""
    services = {"dev": {}, "telemetry": {}, "web": {"command": "serve"}}
    return read(Sources(services, {}, {}), str(tmp_path), tmp_path)


def test_the_tables_list_every_key() -> None:
    assert set(KEYS) == set(SERVICE_TYPES)
    assert set(GENERAL) == {*SENTINEL_TYPES, "services"}


@pytest.mark.parametrize("key", [*SERVICE_TYPES, *SENTINEL_TYPES])
def test_every_limit_is_in_the_table_and_in_the_message(key: str) -> None:
    for text in ({**KEYS, **GENERAL}[key][0], ALLOWED[key]):
        assert {*map(str, bounds(key))} <= set(re.findall(r"\d+", text)), text


@pytest.mark.parametrize("key", ENUMS)
def test_every_word_is_in_the_table_and_in_the_message(key: str) -> None:
    for text in (KEYS[key][0], ALLOWED[key]):
        assert set(get_args(ENUMS[key])) <= {*re.findall(r"[\w-]+", text)}, text


def test_every_way_to_write_a_health_check_is_in_the_table_and_in_the_message() -> None:
    forms = [form for kind in HEALTH_KINDS.values() for form in kind.written]
    assert sorted(table("| `health` | healthy when |")) == sorted(forms)
    assert all(form in ALLOWED["health"] for form in forms)


def test_the_defaults_are_those_of_the_table(workspace: Workspace) -> None:
    web = workspace.service("web")
    for key in ("startup_timeout", "stop_timeout", "on_conflict", "restart", "detached", "stop_signal", "log_backups"):
        value = getattr(web, key)
        assert KEYS[key][1] == (value if isinstance(value, str) else f"{value:g}"), key
    assert KEYS["log_max_mb"][1] == f"{web.log_max_bytes / 1_000_000:g}"
    assert GENERAL["history_limit"][1] == str(workspace.history_limit)
    assert KEYS["expect"][1] == f"{Health('http').expect[0]}; dev: {BUILT_IN['dev']['expect']}"


@pytest.mark.parametrize("key", ["port", "title"])
def test_dev_and_telemetry_have_the_defaults_of_the_table(workspace: Workspace, key: str) -> None:
    for name in BUILT_IN:
        assert f"{name}: {getattr(workspace.service(name), key)}" in KEYS[key][1]


def test_the_names_that_no_service_may_have_are_listed() -> None:
    sentence = CONTRACT.partition("is not one of ")[2].partition(".\n")[0]
    assert words(sentence) == TASKS_OF_A_WORKSPACE
