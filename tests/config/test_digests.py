"""What a launch notes of its configuration: enough to see what has changed, and no value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sentinel_tasks.config.digests import STARTED_WITH, changes_since, digests
from sentinel_tasks.config.schema import SERVICE_TYPES
from sentinel_tasks.model import Health
from tests.facts import service

SALT, OTHER_SALT = b"s" * 32, b"t" * 32
AT_ONCE = {
    "title",
    "startup_timeout",
    "on_conflict",
    "depends_on",
    "autostart",
    "groups",
    "window",
    "index",
    "instances",
}
"""Keys that a task heeds, or the next window: nothing has to be started anew for them."""


def test_each_key_is_applied_by_a_new_launch_or_at_once() -> None:
    assert {*STARTED_WITH, "health", "expect", "env", "env_file"} | AT_ONCE == {*SERVICE_TYPES}


CHANGES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({}, ()),
    ({"command": ("bun", "run")}, ("command",)),
    ({"cwd": "/elsewhere"}, ("cwd",)),
    ({"port": 3001}, ("port",)),
    ({"port": None, "auto_port": True}, ("port",)),
    ({"health": Health("tcp")}, ("health",)),
    ({"health": Health("http", "/api/workers/registry", ("3xx",))}, ("health",)),
    ({"health": Health("http", "/api/workers/registry", timeout=9.0, retries=3)}, ()),
    ({"env": (("A", "2"),)}, ("env.A",)),
    ({"env": (("A", "1"), ("B", "1"))}, ("env.B",)),
    ({"env": ()}, ("env.A",)),
    ({"restart": "always", "stop_timeout": 3.0}, ("restart", "stop_timeout")),
    ({"stop_signal": "TERM", "success_codes": (143,)}, ("stop_signal", "success_codes")),
    ({"liveness": Health("tcp")}, ("liveness",)),
    ({"hooks": (("crash", "notify"),)}, ("hooks",)),
    ({"memory_limit": 1024**3, "nofile_limit": 64}, ("limits",)),
    ({"watch": ("src",)}, ("watch",)),
    ({"watch_ignore": ("*.tmp",), "on_change": ("signal", "HUP")}, ("on_change", "watch")),
    ({"restart_with": ("db",)}, ("restart_with",)),
    ({"title": "Another", "startup_timeout": 9.0, "depends_on": (("db", "healthy"),)}, ()),
]


@pytest.mark.parametrize(("keys", "changed"), CHANGES)
def test_a_changed_configuration_is_seen_by_its_keys(keys: dict[str, Any], changed: tuple[str, ...]) -> None:
    before = service(env=(("A", "1"),))
    assert changes_since(digests(before, SALT), replace(before, **keys), SALT) == changed


def test_what_a_flag_overrode_is_not_compared() -> None:
    by_flag = service(port=4000, by_flag=("port",))
    assert changes_since(digests(by_flag, SALT), service(command="other"), SALT) == ("command",)


def test_no_value_is_in_what_is_noted_nor_can_be_guessed_without_the_salt(tmp_path: Path) -> None:
    secret = "correct horse"
    (tmp_path / ".env").write_text(f"TOKEN='{secret}'\n")
    one = service(command=f"serve --token {secret}", env=(("KEY", secret),), env_files=(str(tmp_path / ".env"),))
    noted = digests(one, SALT)
    assert secret not in json.dumps(noted)
    assert {len(digest) for digest in noted.values()} == {16}
    assert len(set(noted.values())) == len(noted), "equal values would show themselves"
    assert not set(noted.values()) & set(digests(one, OTHER_SALT).values())


def test_a_variable_of_the_callers_shell_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    one = service(env=(("PATH", "bin:$PATH"),))
    noted = digests(one, SALT)
    monkeypatch.setenv("PATH", "/elsewhere")
    assert changes_since(noted, one, SALT) == ()


FILES = {
    "A=1\nB=2\n": (),
    "# a comment\nA='1'\nB=2\n": (),
    "A=1\nB=3\n": ("env_file.B",),
    "A=1\n": ("env_file.B",),
    "A=1\nB=2\nC=${B}\n": ("env_file.C",),
}


@pytest.mark.parametrize("text", FILES)
def test_the_variables_of_a_file_that_changed_are_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\nB=2\n")
    one = service(env_files=(str(file),))
    noted = digests(one, SALT)
    file.write_text(text)
    assert changes_since(noted, one, SALT) == FILES[text]


def test_a_file_that_is_gone_is_told_as_itself(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\n")
    one = service(env_files=(str(file),))
    noted = digests(one, SALT)
    file.unlink()
    assert changes_since(noted, one, SALT) == ("env_file",)
