"""The JSON Schema with which an editor checks `invoke.yaml`: it must agree with what the tasks themselves accept."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator

import sentinel_tasks
from sentinel_tasks.config.json_schema import json_schema
from sentinel_tasks.config.load import BUILT_IN, Sources, read
from sentinel_tasks.config.schema import (
    ALLOWED,
    HEALTH_KEYS,
    INNER_TYPES,
    SENTINEL_TYPES,
    SERVICE_TYPES,
    HealthKeys,
    converted,
)
from sentinel_tasks.config.service import ASKED
from sentinel_tasks.model import HEALTH_KINDS, HealthKind

SCHEMA = json_schema()
SECTIONS = ("ServiceKeys", "HealthKeys", "LivenessKeys", "LimitsKeys", "HooksKeys", "WatchKeys", "OnChangeKeys")
VALIDATOR = Draft202012Validator(SCHEMA)
WHOLE = {
    "socket_name": None,
    "history_limit": 10000,
    "window_state": False,
    "services": {
        "telemetry": {
            "title": "Worker Telemetry API",
            "command": "bun run scripts/worker-telemetry-api.ts",
            "cwd": ".",
            "port": 3000,
            "health": "/api/workers/registry",
            "expect": [200, "3xx"],
            "env": {"LOG_LEVEL": "debug", "WORKERS": 4, "DEBUG": True, "EMPTY": None},
            "env_file": ".env",
            "startup_timeout": 30,
            "stop_timeout": 0.5,
            "stop_signal": "TERM",
            "stop_command": ["pg_ctl", "stop"],
            "hooks": {"ready": "seed", "crash": ["notify-send", "it crashed"], "stop": None},
            "success_codes": [143],
            "liveness": {"path": "/healthz", "interval": 5, "timeout": 1, "retries": 2, "grace": 60},
            "limits": {"memory": "512M", "nofile": 4096},
            "watch": {"paths": ["src/**/*.py"], "ignore": "*.tmp", "debounce": 0.5, "git_ignored": True},
            "on_change": {"signal": "HUP"},
            "restart_with": ["db"],
            "on_conflict": "stop",
            "restart": "never",
            "detached": "end",
            "depends_on": [],
            "log_max_mb": 50,
            "log_backups": 10,
            "window": "📡 telemetry",
            "index": 2,
            "worker_command": ["python", "worker.py"],
            "autostart": True,
            "groups": ["backend"],
            "instances": 3,
        },
    },
}


def valid(sentinel: Any) -> bool:
    return bool(VALIDATOR.is_valid({"sentinel": sentinel}))


def valid_service(key: str, value: Any) -> bool:
    return valid({"services": {"web": {key: value}}})


def test_it_is_a_schema_itself() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_that_is_shipped_is_the_one_that_the_code_makes() -> None:
    shipped = Path(sentinel_tasks.__file__).with_name("invoke.schema.json")
    assert json.loads(shipped.read_text(encoding="utf-8")) == SCHEMA, "make schema writes it anew"


def test_every_kind_of_health_check_can_be_written() -> None:
    assert set(HEALTH_KINDS) == set(get_args(HealthKind))
    assert {*HEALTH_KEYS, "expect", *ASKED} == {field.name for field in msgspec.structs.fields(HealthKeys)}
    assert all(kind.written and (kind.word or kind.key) for kind in HEALTH_KINDS.values())


def test_example_of_the_contract_is_valid_and_names_every_key() -> None:
    assert valid(WHOLE)
    assert set(WHOLE["services"]["telemetry"]) == set(SERVICE_TYPES)  # type: ignore[index]
    assert set(WHOLE) == {*SENTINEL_TYPES, "services"}


@pytest.mark.parametrize("document", [{}, {"run": {"echo": True}}, {"sentinel": {}}, {"sentinel": {"services": {}}}])
def test_other_peoples_keys_and_no_keys_are_valid(document: Any) -> None:
    assert VALIDATOR.is_valid(document)


@pytest.mark.parametrize("sentinel", [None, {"services": None}, {"services": {"telemetry": None}}])
def test_a_key_with_nothing_after_it_yet_is_valid(sentinel: Any) -> None:
    assert valid(sentinel)


GOOD: list[tuple[str, Any]] = [
    ("command", ["python", "-m", "http.server"]),
    ("port", "auto"),
    ("port", None),
    ("health", None),
    ("health", "tcp"),
    ("health", "notify"),
    ("health", {"command": "pg_isready"}),
    ("health", {"log": "ready"}),
    ("health", {"path": "/", "expect": 204}),
    ("health", {"path": "/", "timeout": 0.5, "interval": 2, "retries": 3}),
    ("health", {"tcp": True, "timeout": 5}),
    ("health", {"tcp": 6379}),
    ("health", {"tcp": None}),
    ("health", "https://localhost:8443/ready"),
    ("expect", 404),
    ("expect", "3XX"),
    ("expect", "<500"),
    ("env_file", [".env", ".env.local"]),
    ("depends_on", ["db"]),
    ("depends_on", {"db": "started", "migrate": "completed"}),
    ("stop_signal", "QUIT"),
    ("liveness", None),
    ("liveness", {"watchdog": 30}),
    ("liveness", {"tcp": True}),
    ("liveness", {"log": "tick"}),
    ("liveness", {"tcp": 5432, "retries": 1}),
    ("liveness", {"command": ["celery", "inspect", "ping"]}),
    ("limits", None),
    ("limits", {"memory": "1.5 GiB"}),
    ("limits", {"memory": 536_870_912, "nofile": None}),
    ("hooks", None),
    ("hooks", {"crash": "notify-send crashed"}),
    ("watch", "src"),
    ("watch", ["src/**", "!src/generated/**"]),
    ("watch", None),
    ("watch", {"paths": "src", "ignore": []}),
    ("on_change", "restart"),
    ("on_change", {"command": ["make", "css"]}),
    ("restart_with", "db,cache"),
    ("stop_command", None),
    ("success_codes", []),
    ("on_conflict", "takeover"),
    ("detached", "leave"),
    ("restart", "on-failure"),
    ("worker_command", None),
    ("instances", 1),
]
BAD: list[tuple[str, Any]] = [
    ("prot", 3000),
    ("title", ""),
    ("command", []),
    ("command", 5),
    ("port", 0),
    ("port", 65_536),
    ("port", "automatic"),
    ("health", {"comand": "x"}),
    ("health", 200),
    ("health", "ok"),
    ("health", {}),
    ("health", {"path": "/", "log": "ready"}),
    ("health", {"path": "/", "timeout": 0}),
    ("health", {"path": "/", "interval": -1}),
    ("health", {"path": "/", "retries": 1.5}),
    ("health", {"timeout": 5}),
    ("health", {"tcp": 70_000}),
    ("env", ["A=b"]),
    ("env", {"A": []}),
    ("startup_timeout", 0),
    ("stop_timeout", 100_000),
    ("stop_signal", "KILL"),
    ("liveness", {"interval": 5}),
    ("liveness", {"path": "/", "tcp": True}),
    ("liveness", {"path": "/", "retries": 0}),
    ("liveness", {"log": ""}),
    ("limits", {"memory": "512 apples"}),
    ("limits", {"memory": "-5M"}),
    ("limits", {"memory": 0.5}),
    ("limits", {"nofile": 0}),
    ("limits", {"nofile": "4k"}),
    ("limits", {"cpu": 1}),
    ("limits", 512),
    ("hooks", "echo"),
    ("hooks", {"ready": ""}),
    ("hooks", {"crashed": "echo"}),
    ("watch", []),
    ("watch", {"ignore": "*.tmp"}),
    ("watch", {"paths": "src", "debounce": 0}),
    ("watch", {"paths": "src", "git_ignored": "perhaps"}),
    ("on_change", "reload"),
    ("on_change", {}),
    ("on_change", {"signal": "KILL"}),
    ("on_change", {"signal": "HUP", "command": "make"}),
    ("restart_with", 5),
    ("stop_command", []),
    ("success_codes", [256]),
    ("success_codes", 143),
    ("on_conflict", "kill"),
    ("detached", "kill"),
    ("restart", "sometimes"),
    ("depends_on", {"db": "up"}),
    ("log_max_mb", 0),
    ("log_backups", -1),
    ("window", ""),
    ("index", 999),
    ("instances", 0),
    ("instances", 101),
    ("instances", None),
]


def test_good_values() -> None:
    assert [(key, value) for key, value in GOOD if not valid_service(key, value)] == []
    for key, value in GOOD:
        converted(value, SERVICE_TYPES[key])


def test_bad_values() -> None:
    assert [(key, value) for key, value in BAD if valid_service(key, value)] == []


@pytest.mark.parametrize(
    "sentinel",
    [
        {"service": {}}, {"history_limit": 0}, {"window_state": "perhaps"},
        {"socket_name": 5}, {"socket_name": "a/b"}, {"services": []},
        {"services": {"web": 5}}, {"services": {"My_Web": {"command": "serve"}}},
    ],
)  # fmt: skip
def test_bad_sections(sentinel: Any) -> None:
    assert not valid(sentinel)


def test_every_key_has_words_for_what_is_allowed() -> None:
    assert set(ALLOWED) == {*SERVICE_TYPES, *SENTINEL_TYPES, *(key for inner in INNER_TYPES.values() for key in inner)}


def test_every_key_is_described_for_an_editor() -> None:
    sections = [SCHEMA["$defs"][name]["properties"] for name in ("SentinelKeys", *SECTIONS)]
    assert [key for properties in sections for key, of in properties.items() if not of.get("description")] == []


ONE_OF = {"path", "tcp", "command", "log", "watchdog", "signal", "paths", "services"}
"""Keys of which a mapping needs one, and the one that holds all others: nothing holds without them."""


def test_every_key_has_its_default_or_says_what_holds_without_it() -> None:
    for name in ("SentinelKeys", *SECTIONS):
        for key, of in SCHEMA["$defs"][name]["properties"].items():
            assert key in ONE_OF or "default" in of or "(without it: " in of["description"], f"{name}.{key}"


def test_a_default_that_is_written_down_changes_nothing(tmp_path: Path) -> None:
    """The code's own defaults, read back: a mapping's keys one by one, the others beside what they are for."""

    def service(**keys: Any) -> object:
        keys = {"command": "serve", "watch": "src", **keys}
        return msgspec.to_builtins(read(Sources({}, {"services": {"web": keys}}, {}), str(tmp_path), tmp_path).services)

    inner: dict[str, tuple[str, dict[str, Any]]] = {
        "HealthKeys": ("health", {"path": "http://127.0.0.1:1/"}),
        "LivenessKeys": ("liveness", {"log": "x"}),
        "HooksKeys": ("hooks", {}),
        "LimitsKeys": ("limits", {}),
        "WatchKeys": ("watch", {"paths": "src"}),
    }
    for key, of in SCHEMA["$defs"]["ServiceKeys"]["properties"].items():
        if "default" in of and key != "watch":
            assert service(**{key: of["default"]}) == service(), key
    for name, (key, least) in inner.items():
        for each, of in SCHEMA["$defs"][name]["properties"].items():
            if "default" in of:
                assert service(**{key: {**least, each: of["default"]}}) == service(**{key: least}), f"{key}.{each}"


def test_defaults_of_the_workspace_and_of_its_two_own_services(tmp_path: Path) -> None:
    section = SCHEMA["$defs"]["SentinelKeys"]["properties"]
    workspace = read(Sources({"dev": {}, "telemetry": {}}, {}, {}), str(tmp_path), tmp_path)
    said = {key: of["default"] for key, of in section.items() if key != "services"}
    assert said == {key: getattr(workspace, key) for key in said}
    known = section["services"]["anyOf"][0]["properties"]
    assert {name: {key: of["default"] for key, of in each["properties"].items()} for name, each in known.items()} == {
        **BUILT_IN
    }
    assert workspace.service("dev").port == known["dev"]["properties"]["port"]["default"]


def test_the_services_that_are_there_anyway_are_checked_like_others() -> None:
    assert valid({"services": {"dev": {"port": 4000}, "telemetry": None}})
    assert not valid({"services": {"dev": {"prot": 4000}}})
    assert SCHEMA["$id"].startswith("urn:uuid:")
