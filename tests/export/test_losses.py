"""Nothing gets lost silently: each loss is a row of the table, a comment in the file, and told by the task."""

from __future__ import annotations

from typing import Any

import pytest

from sentinel_tasks.export import TARGETS, export
from sentinel_tasks.export.common import size
from sentinel_tasks.export.rows import FACTS
from sentinel_tasks.model import HEALTH_KINDS, Health
from tests.export.workspaces import every_kind, exported, service

LOST_KINDS = {
    "systemd": {"log"},
    "supervisord": {"http", "tcp", "command", "log", "notify"},
    "compose": {"log", "notify"},
    "kubernetes": {"log", "notify"},
    "procfile": {"http", "tcp", "command", "log", "notify", "up"},
}
KINDS = {
    "http": Health("http", "/", ("2xx", "3xx")),
    "tcp": Health("tcp"),
    "command": Health("command", "true"),
    "log": Health("log", "ready"),
    "notify": Health("notify"),
    "up": Health("up"),
}


def lost(target: str, **keys: object) -> list[str]:
    """What is told of one service with these keys."""
    return [each.fact for each in exported(target, service(**keys)).losses]  # type: ignore[arg-type]


@pytest.mark.parametrize("target", TARGETS)
def test_every_fact_has_one_row(target: str) -> None:
    assert [row.fact for row in TARGETS[target].rows] == list(FACTS)


def test_every_kind_of_health_check_is_a_fact_that_is_exported_or_lost() -> None:
    """One that was added wrote a `healthcheck:` that asks nothing, and no loss was told."""
    named = {"http": "a path or URL", "up": "null"}
    kinds = {f"health: {named.get(kind, kind)}" for kind in HEALTH_KINDS}
    assert kinds == {fact for fact in FACTS if fact.startswith("health: ")}
    assert {*KINDS, "exit"} == {*HEALTH_KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_health_check_that_nobody_asks_is_told(target: str, kind: str) -> None:
    told = [fact for fact in lost(target, health=KINDS[kind], port=8000) if fact.startswith("health")]
    assert bool(told) == (kind in LOST_KINDS[target])


@pytest.mark.parametrize("target", TARGETS)
def test_each_loss_is_a_comment_in_a_file_and_has_a_reason(target: str) -> None:
    found = export(every_kind(), target)
    text = "".join(found.files.values())
    assert found.losses
    for each in found.losses:
        assert each.why in {row.lost for row in TARGETS[target].rows}
        assert f"# {each}\n" in text


@pytest.mark.parametrize("target", ["systemd", "compose"])
def test_an_ordinary_service_loses_nothing(target: str) -> None:
    db = service("db", port=5432, health=Health("tcp"))
    web = service("web", "exec uvicorn app:app", port=8000, health=Health("http", "/"), depends_on=(("db", "healthy"),))
    assert exported(target, db, web).losses == ()


def test_kubernetes_loses_nothing_where_the_configuration_says_what_it_does() -> None:
    health = Health("http", "/", ("2xx", "3xx"))
    assert lost("kubernetes", port=8000, health=health, restart="always") == []
    assert lost("kubernetes", port=8000, health=Health("http", "/"), restart="always") == ["health: a path or URL"]
    assert lost("kubernetes", restart="never") == ["restart"]


def test_a_file_of_variables_is_lost_only_where_readers_differ() -> None:
    keys = {"env_files": ("/srv/app/.env",)}
    for target in TARGETS:
        told = exported(target, service(**keys), plain_files=frozenset(keys["env_files"])).losses  # type: ignore[arg-type]
        assert not [each for each in told if each.fact.startswith("env_file")]
        assert [fact for fact in lost(target, **keys) if fact.startswith("env_file")]


@pytest.mark.parametrize("target", ["compose", "kubernetes"])
def test_what_an_image_need_not_have_is_told(target: str) -> None:
    path = "a path of this machine"
    assert f"{path} (command)" in lost(target, command=("/opt/tool",))
    assert f"{path} (env DATA)" in lost(target, env=(("DATA", "/srv/app/data"),))
    assert f"{path} (cwd)" in lost(target, cwd="/elsewhere")
    assert path not in "".join(lost(target, command=("/usr/bin/env", "x"), cwd="/srv/app/sub"))


@pytest.mark.parametrize("target", ["compose", "kubernetes"])
def test_a_server_on_loopback_is_told(target: str) -> None:
    assert "port" in lost(target, command="serve --bind 127.0.0.1", port=8000)
    assert "port" not in lost(target, command="serve --bind 0.0.0.0", port=8000)


@pytest.mark.parametrize("condition", ["started", "healthy", "completed"])
def test_an_order_that_nobody_keeps_is_told(condition: str) -> None:
    first = service("first", health=Health("exit" if condition == "completed" else "up"))
    second = service("second", depends_on=(("first", condition),))
    fact = f"depends_on: {condition} (first)"
    told = {target: [each.fact for each in exported(target, first, second).losses] for target in TARGETS}
    assert fact in told["supervisord"]
    assert fact not in told["compose"]
    assert (fact in told["systemd"]) == (condition == "started")
    assert (fact in told["procfile"]) == (condition != "completed")
    assert fact in told["kubernetes"]


def test_a_stop_command_that_nobody_runs_is_told() -> None:
    keys = {"stop_command": ("pg_ctl", "stop", "-D", "$HOME")}
    told = {target for target in TARGETS if "stop_command" in lost(target, **keys)}
    assert told == {"supervisord", "procfile"}
    unit = exported("systemd", service(stop_command="pg_ctl stop")).files["sentinel-app-web.service"]
    assert "ExecStop=" in unit


def test_liveness_that_nobody_asks_after_is_told() -> None:
    check = Health("http", "/ping", ("2xx", "3xx"), timeout=0.5, interval=10.0, retries=3)
    told = {target for target in TARGETS if "liveness" in lost(target, liveness=check, port=8000)}
    assert told == {*TARGETS} - {"kubernetes"}
    text = exported("kubernetes", service(liveness=check, port=8000)).files["web.yaml"]
    probe = text.partition("livenessProbe:")[2].partition("env:")[0]
    for part in ("path: /ping", "port: 8000", "periodSeconds: 10", "timeoutSeconds: 1", "failureThreshold: 3"):
        assert part in probe


def test_limits_are_said_where_the_target_has_them() -> None:
    keys: dict[str, Any] = {"memory_limit": 1536 * 1024**2, "nofile_limit": 4096}
    told = {target: [fact for fact in lost(target, **keys) if fact.startswith("limits")] for target in TARGETS}
    both = ["limits: memory", "limits: nofile"]
    assert told == {"systemd": [], "supervisord": both, "compose": [], "kubernetes": both[1:], "procfile": both}
    files = {target: "".join(exported(target, service(**keys)).files.values()) for target in TARGETS}
    assert {"MemoryMax=1536M", "LimitNOFILE=4096"} <= {*files["systemd"].splitlines()}
    assert 'mem_limit: "1536m"' in files["compose"]
    assert "nofile: 4096" in files["compose"]
    assert 'memory: "1536Mi"' in files["kubernetes"]
    assert size(2 * 1024**3, ("K", "M", "G")) == "2G"
    assert size(1_000_001, ("K", "M", "G")) == "1000001"


def test_a_service_that_tells_is_listened_to_by_systemd_alone() -> None:
    unit = exported("systemd", service(health=Health("notify"), watchdog=30.0)).files["sentinel-app-web.service"]
    assert {"Type=notify", "NotifyAccess=all", "WatchdogSec=30s"} <= {*unit.splitlines()}
    told = {target for target in TARGETS if any(fact.startswith("liveness") for fact in lost(target, watchdog=30.0))}
    assert told == {*TARGETS} - {"systemd"}


def test_what_does_not_start_by_itself_is_not_started_unless_something_needs_it() -> None:
    tool, alone = service("tool", autostart=False), service("alone", autostart=False)
    web = service(depends_on=(("tool", "started"),))
    files = {target: exported(target, tool, alone, web).files for target in TARGETS}
    assert files["systemd"]["sentinel-app.target"].count("Wants=") == 2
    assert files["supervisord"]["supervisord.conf"].count("autostart=false") == 1
    assert files["compose"]["compose.yaml"].count("profiles:") == 1
    assert "replicas: 0" in files["kubernetes"]["alone.yaml"]
    assert "replicas: 1" in files["kubernetes"]["tool.yaml"]
    assert [each.service for each in exported("procfile", tool, alone, web).losses if each.fact == "autostart"] == [
        "alone"
    ]
    assert "replicas: 1" in exported("kubernetes", tool, alone, web, only=("alone",)).files["alone.yaml"]


@pytest.mark.parametrize("target", ["systemd", "kubernetes"])
def test_limits_of_the_log_are_told_only_if_the_configuration_says_some(target: str) -> None:
    assert "log_max_mb, log_backups" not in lost(target)
    assert "log_max_mb, log_backups" in lost(target, log_backups=3)
