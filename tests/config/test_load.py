"""What a project's configuration comes to, and what a person is told who got it wrong (contract: Configuration)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.config.folder import workspace_folder
from sentinel_tasks.config.load import Sources, read, unread_variables
from sentinel_tasks.config.schema import ALLOWED, SENTINEL_TYPES, SERVICE_TYPES
from sentinel_tasks.errors import ConfigurationError, Problem
from sentinel_tasks.model import Health, Service, Workspace
from sentinel_tasks.names import state_name
from tests.lab import Lab, is_traceback

Keys = Mapping[str, Any]
GUIDE: dict[str, Keys] = {"dev": {}, "telemetry": {}}
WEB: Keys = {"command": "serve", "port": 4000}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def configured(project: Path, config: Any = None, **more: Any) -> Workspace:
    """The workspace of this `sentinel` section, with the guide's two services declared unless told otherwise."""
    sources = Sources(**{"declared": GUIDE, "config": config or {}, "environ": {}, **more})
    return read(sources, str(project), project / "state")


def web(project: Path, keys: Any = None, **more: Any) -> Service:
    """A service `web` with these keys in `invoke.yaml`."""
    return configured(project, {"services": {"web": {**WEB, **(keys or {})}}}, declared={}, **more).service("web")


def problems(project: Path, config: Any = None, **more: Any) -> list[Problem]:
    with pytest.raises(ConfigurationError) as caught:
        configured(project, config, **more)
    assert caught.value.exit_code == 2
    assert len(str(caught.value).splitlines()) == len(caught.value.problems)
    return caught.value.problems


def problem(project: Path, config: Any = None, **more: Any) -> Problem:
    """The only thing that is wrong."""
    (found,) = problems(project, config, **more)
    return found


def wrong(project: Path, **keys: Any) -> Problem:
    """The only thing that is wrong about a service `web` with these keys."""
    return problem(project, {"services": {"web": {**WEB, **keys}}}, declared={})


# Defaults


def test_project_without_configuration_has_the_guides_services(project: Path) -> None:
    workspace = configured(project)
    assert workspace.path == str(project.resolve())
    assert workspace.session == "sentinel-app"
    assert workspace.state_folder == str(project / "state" / state_name(str(project)))
    assert workspace.socket_name is None
    assert workspace.history_limit == 10_000
    assert [service.name for service in workspace.services] == ["dev", "telemetry"]


def test_defaults_of_dev(project: Path) -> None:
    dev = configured(project).service("dev")
    assert (dev.port, dev.index, dev.window) == (3002, 1, "🚀 main")
    assert dev.health == Health("http", "/", ("<500",))


def test_defaults_of_telemetry(project: Path) -> None:
    telemetry = configured(project).service("telemetry")
    assert (telemetry.port, telemetry.index, telemetry.window) == (3000, 2, "📡 telemetry")
    assert telemetry.title == "Worker Telemetry API"
    assert telemetry.health == Health("http", "/api/workers/registry", ("2xx",))
    assert telemetry.command[0] == sys.executable
    assert telemetry.command[-2:] == ("-m", "sentinel_tasks.api")


def test_defaults_of_any_other_service(project: Path) -> None:
    plain = configured(project, {"services": {"worker": {"command": "work"}}}, declared={}).service("worker")
    assert plain == Service(
        name="worker",
        title="worker",
        command="work",
        why="configured",
        cwd=str(project.resolve()),
        port=None,
        health=Health("up"),
        auto_port=False,
        env=(),
        env_files=(),
        startup_timeout=30.0,
        stop_timeout=10.0,
        on_conflict="stop",
        restart="never",
        detached="end",
        depends_on=(),
        log_max_bytes=50_000_000,
        log_backups=10,
        window="worker",
        index=None,
        worker_command=None,
        has_tasks=False,
    )


@pytest.mark.parametrize(
    ("size", "memory"),
    [
        ("512M", 512),
        ("512 MiB", 512),
        ("512mb", 512),
        ("1.5G", 1536),
        ("1048576", 1),
        (2 * 1024**2, 2),
        ("2048k", 2),
        (None, None),
    ],
)
def test_a_size_is_read_with_its_unit(project: Path, size: object, memory: int | None) -> None:
    found = web(project, {"limits": {"memory": size, "nofile": "4096"}})
    assert (found.memory_limit and found.memory_limit / 1024**2, found.nofile_limit) == (memory, 4096)


def test_a_size_of_another_unit_is_told_by_its_key(project: Path) -> None:
    for size in ("512Q", "512", "half", "1023K"):
        with pytest.raises(ConfigurationError) as refused:
            web(project, {"limits": {"memory": size}})
        (problem,) = refused.value.problems
        assert (problem.key, problem.value) == ("sentinel.services.web.limits.memory", size)
        assert problem.reason == f"must be {ALLOWED['memory']}"


def test_service_with_a_port_is_asked_whether_it_accepts(project: Path) -> None:
    assert web(project).health == Health("tcp")


def test_whole_example_of_the_spec(project: Path) -> None:
    telemetry = {
        "title": "Worker Telemetry API",
        "command": "bun run scripts/worker-telemetry-api.ts",
        "cwd": ".",
        "port": 3000,
        "health": "/api/workers/registry",
        "env": {"LOG_LEVEL": "debug"},
        "env_file": ".env",
        "startup_timeout": 30,
        "stop_timeout": 10,
        "on_conflict": "stop",
        "restart": "never",
        "detached": "leave",
        "depends_on": [],
        "log_max_mb": 50,
        "log_backups": 10,
        "window": "📡 telemetry",
        "index": 2,
    }
    found = configured(project, {"socket_name": None, "history_limit": 10000, "services": {"telemetry": telemetry}})
    assert found.service("telemetry").command == "bun run scripts/worker-telemetry-api.ts"
    assert found.service("telemetry").env == (("LOG_LEVEL", "debug"),)
    assert found.service("telemetry").detached == "leave"
    assert found.service("telemetry").env_files == (str(project / ".env"),)


def test_services_of_invoke_yaml_alone_come_after_the_declared_ones_and_have_no_tasks(project: Path) -> None:
    found = configured(project, {"services": {"web": WEB, "dev": {"port": 3003}}})
    assert [(service.name, service.has_tasks) for service in found.services] == [
        ("dev", True),
        ("telemetry", True),
        ("web", False),
    ]


def test_services_come_in_the_order_of_their_needs(project: Path) -> None:
    found = configured(project, {"services": {"dev": {"depends_on": "telemetry"}}})
    assert [service.name for service in found.services] == ["telemetry", "dev"]


# Values


@pytest.mark.parametrize(
    ("keys", "health"),
    [
        ({"health": "tcp"}, Health("tcp")),
        ({"health": None}, Health("up")),
        ({"health": "exit"}, Health("exit")),
        ({"health": "/ok"}, Health("http", "/ok")),
        ({"health": "/ok?next=http://x/"}, Health("http", "/ok?next=http://x/")),
        ({"health": "https://[::1]:8443/ok"}, Health("http", "https://[::1]:8443/ok")),
        ({"health": "/ok", "expect": 204}, Health("http", "/ok", ("204",))),
        ({"health": "/ok", "expect": [200, "3xx"]}, Health("http", "/ok", ("200", "3xx"))),
        ({"health": {"path": "/ok", "expect": "<500"}}, Health("http", "/ok", ("<500",))),
        ({"health": {"path": "/ok"}, "expect": 204}, Health("http", "/ok", ("204",))),
        ({"health": {"command": "pg_isready"}}, Health("command", "pg_isready")),
        ({"health": {"command": ["pg_isready", "-q"]}}, Health("command", ("pg_isready", "-q"))),
        ({"health": {"log": "ready in .* ms"}}, Health("log", "ready in .* ms")),
        (
            {"health": {"path": "/", "timeout": 9, "interval": 0.5, "retries": "2"}},
            Health("http", "/", ("2xx",), 9, 0.5, 2),
        ),
        ({"health": {"tcp": True, "timeout": 9}}, Health("tcp", timeout=9)),
        ({"health": {"tcp": None}}, Health("tcp")),
        ({"health": {"tcp": 6379}, "port": None}, Health("tcp", "6379")),
    ],
)
def test_health(project: Path, keys: Keys, health: Health) -> None:
    assert web(project, keys).health == health


@pytest.mark.parametrize(
    ("given", "needs"),
    [
        ("db", (("db", "healthy"),)),
        (" db, mail ", (("db", "healthy"), ("mail", "healthy"))),
        (["db", "mail"], (("db", "healthy"), ("mail", "healthy"))),
        ({"db": "started", "mail": "completed"}, (("db", "started"), ("mail", "completed"))),
        ([], ()),
        ("", ()),
    ],
)
def test_depends_on(project: Path, given: Any, needs: Any) -> None:
    others = {"db": {"command": "db"}, "mail": {"command": "mail", "health": "exit"}}
    found = configured(project, {"services": {"web": {**WEB, "depends_on": given}, **others}}, declared={})
    assert found.service("web").depends_on == needs


def test_env_in_the_shapes_that_yaml_gives(project: Path) -> None:
    found = web(project, {"env": {"A": 1, "B": True, "C": None, "D": "x y", "E": 1.5}})
    assert found.env == (("A", "1"), ("B", "true"), ("C", ""), ("D", "x y"), ("E", "1.5"))


def test_values_of_variables_are_not_shown_by_accident(project: Path) -> None:
    assert "hunter2" not in repr(web(project, {"env": {"PASSWORD": "hunter2"}}))


def test_port_auto_and_null(project: Path) -> None:
    assert (web(project, {"port": "auto"}).port, web(project, {"port": "auto"}).auto_port) == (None, True)
    assert (web(project, {"port": None}).port, web(project, {"port": None}).health) == (None, Health("up"))


def test_null_is_not_the_same_as_missing(project: Path) -> None:
    assert configured(project, {"services": {"telemetry": {}}}).service("telemetry").port == 3000
    without = configured(project, {"services": {"telemetry": {"port": None, "health": None}}}).service("telemetry")
    assert (without.port, without.health) == (None, Health("up"))


def test_section_that_is_empty_says_nothing(project: Path) -> None:
    assert configured(project, {"services": {"telemetry": None}}) == configured(project)
    assert configured(project, {"services": None}) == configured(project)


def test_paths_are_relative_to_the_workspace(project: Path) -> None:
    found = web(project, {"cwd": "sub/../web", "env_file": ["one.env", "/etc/two.env"]})
    assert found.cwd == str(project / "web")
    assert found.env_files == (str(project / "one.env"), "/etc/two.env")


def test_log_size(project: Path) -> None:
    assert web(project, {"log_max_mb": 0.5, "log_backups": 0}).log_max_bytes == 500_000
    assert web(project, {"log_max_mb": 1e-9}).log_max_bytes == 1


# Precedence


def test_configuration_overrides_what_python_declared(project: Path) -> None:
    declared = {"web": {**WEB, "title": "declared", "cwd": "a"}}
    found = configured(project, {"services": {"web": {"title": "configured"}}}, declared=declared).service("web")
    assert (found.title, found.cwd, found.has_tasks) == ("configured", str(project / "a"), True)


def test_declared_overrides_what_is_built_in(project: Path) -> None:
    assert configured(project, declared={"telemetry": {"port": 3500}}).service("telemetry").port == 3500


def test_environment_overrides_what_python_declared(project: Path) -> None:
    environ = {"INVOKE_SENTINEL_SERVICES_WEB_PORT": "4001"}
    assert configured(project, declared={"web": WEB}, environ=environ).service("web").port == 4001


def test_flags_override_everything(project: Path) -> None:
    environ = {"INVOKE_SENTINEL_SERVICES_TELEMETRY_PORT": "1", "WORKER_API_PORT": "2"}
    config = {"services": {"telemetry": {"port": 3}}}
    found = configured(project, config, environ=environ, flags={"telemetry": {"port": "4"}})
    assert found.service("telemetry").port == 4


@pytest.mark.parametrize(("name", "variable"), [("telemetry", "WORKER_API_PORT"), ("dev", "DEV_SERVER_PORT")])
def test_guides_own_variable_overrides_the_configuration(project: Path, name: str, variable: str) -> None:
    config = {"services": {name: {"port": 3500}}}
    assert configured(project, config, environ={variable: "3600"}).service(name).port == 3600
    assert configured(project, config, environ={variable: ""}).service(name).port == 3500
    assert configured(project, environ={variable: "auto"}).service(name).auto_port


def test_invokes_variable_comes_before_the_guides(project: Path) -> None:
    environ = {"INVOKE_SENTINEL_SERVICES_TELEMETRY_PORT": "3100", "WORKER_API_PORT": "3200"}
    assert configured(project, environ=environ).service("telemetry").port == 3100


def test_guides_variable_of_another_workspaces_service_is_not_ours(project: Path) -> None:
    environ = {"WORKER_API_PORT": "3600", "SENTINEL_WORKSPACE": "/somewhere/else"}
    assert configured(project, environ=environ).service("telemetry").port == 3000
    assert (
        configured(project, environ={**environ, "SENTINEL_WORKSPACE": str(project)}).service("telemetry").port == 3600
    )


def test_environment_overrides_invoke_yaml(lab: Lab) -> None:
    lab.configure(telemetry={"port": 3500})
    environ = {"INVOKE_SENTINEL_SERVICES_TELEMETRY_PORT": "3600"}
    assert lab.inv("telemetry.status", "--json", env=environ).json["port"] == 3600
    assert lab.inv("telemetry.status", "--json").json["port"] == 3500


@pytest.mark.parametrize(
    ("key", "text", "field", "value"),
    [
        ("PORT", "4001", "port", 4001),
        ("PORT", "null", "port", None),
        ("STARTUP_TIMEOUT", "2.5", "startup_timeout", 2.5),
        ("LOG_BACKUPS", "3", "log_backups", 3),
        ("INDEX", "7", "index", 7),
        ("ON_CONFLICT", "fail", "on_conflict", "fail"),
        ("RESTART", "on-failure", "restart", "on-failure"),
        ("COMMAND", "other --flag", "command", "other --flag"),
        ("TITLE", "3000", "title", "3000"),
        ("HEALTH", "null", "health", Health("up")),
    ],
)
def test_texts_from_the_environment(project: Path, key: str, text: str, field: str, value: object) -> None:
    declared = {"web": {"command": "serve", "port": 4000, "health": None}}
    environ = {f"INVOKE_SENTINEL_SERVICES_WEB_{key}": text}
    assert getattr(configured(project, declared=declared, environ=environ).service("web"), field) == value


def test_general_keys_from_the_environment(project: Path) -> None:
    environ = {"INVOKE_SENTINEL_SOCKET_NAME": "mine", "INVOKE_SENTINEL_HISTORY_LIMIT": "20000"}
    found = configured(project, environ=environ)
    assert (found.socket_name, found.history_limit) == ("mine", 20_000)


def test_the_file_of_the_command_line_comes_before_the_environment(lab: Lab) -> None:
    lab.configure(telemetry={"port": 3500, "env": {"A": "1"}}, **{"a-b": {"command": "x", "port": 3501}})
    last: Any = {"services": {"telemetry": {"port": 3600, "env": {"A": [1]}}, "a-b": {"port": 3601}}}
    (lab.path / "last.json").write_text(json.dumps({"sentinel": last}))
    names = [f"INVOKE_SENTINEL_SERVICES_{each}" for each in ("TELEMETRY_PORT", "TELEMETRY_ENV_A", "A_B_PORT")]
    environ = {**dict.fromkeys(names, "3700"), "WORKER_API_PORT": "3800", "DEV_SERVER_PORT": "3801"}
    told = lab.inv("-f", "last.json", "up", "--json", env=environ)
    assert [each["key"] for each in told.json["problems"]] == ["sentinel.services.telemetry.env.A"]
    last["services"]["telemetry"]["env"] = {}
    (lab.path / "last.json").write_text(json.dumps({"sentinel": last}))
    (workspace,) = lab.inv("-f", "last.json", "ps", "--json", env=environ).json["workspaces"]
    assert {each["service"]: each["port"] for each in workspace["services"]} == {
        "dev": 3801, "telemetry": 3600, "a-b": 3601,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("invoke.yaml", "sentinel:\n  services: ["),
        ("invoke.yaml", "- sentinel"),
        ("invoke.json", "{"),
        ("invoke.py", "import os"),
    ],
)
def test_a_configuration_file_that_can_not_be_read_is_one_clear_line(lab: Lab, name: str, text: str) -> None:
    (lab.path / "invoke.yaml").unlink(missing_ok=True)
    (lab.path / name).write_text(text)
    told = lab.inv("up", "--json")
    assert (told.code, len(told.err.splitlines())) == (2, 1), told.said
    assert f"{name}: " in told.err
    assert [each["key"] for each in told.json["problems"]] == [name]


def test_a_file_of_the_command_line_that_can_not_be_read_is_one_clear_line(lab: Lab) -> None:
    (lab.path / "ci.txt").write_text("")
    told = lab.inv("-f", "ci.txt", "up")
    assert (told.code, "ci.txt" in told.err, is_traceback(told.err)) == (2, True, False), told.said


def test_a_later_file_may_give_a_key_another_shape(lab: Lab) -> None:
    lab.configure(web={"command": ["serve"], "port": 4000, "health": {"command": "true"}, "depends_on": ["dev"]})
    last = {"services": {"web": {"health": "/ready", "depends_on": {"dev": "started"}}}}
    (lab.path / "last.json").write_text(json.dumps({"sentinel": last}))
    assert lab.inv("-f", "last.json", "ps").code == 0


def test_each_variable_of_a_service_comes_before_the_file(project: Path) -> None:
    config = {"services": {"web": {"command": "serve", "env": {"A": "1", "B": "2"}, "health": {"path": "/a"}}}}
    environ = {"INVOKE_SENTINEL_SERVICES_WEB_ENV_A": "9", "INVOKE_SENTINEL_SERVICES_WEB_HEALTH_PATH": "/b"}
    found = configured(project, config, environ={**environ, "INVOKE_SENTINEL_SERVICES_WEB_PORT": "80"}).service("web")
    assert (dict(found.env), found.health.target, found.port) == ({"A": "9", "B": "2"}, "/b", 80)


@pytest.mark.parametrize(
    ("key", "in_file", "text"),
    [
        ("port", 3000, "auto"), ("command", ["serve", "it"], "other --flag"), ("expect", [200, "3xx"], "<500"),
        ("startup_timeout", 5, "2.5"), ("env_file", [], ""), ("env", {"FILE": "x"}, ""),
        ("health", {"path": "/"}, "tcp"),
    ],
)  # fmt: skip
def test_a_variable_of_another_type_than_the_file_has_is_no_traceback(
    lab: Lab, key: str, in_file: object, text: str
) -> None:
    lab.configure(web={"command": "sleep 600", "port": 4000, "env_file": [], key: in_file})
    (lab.path / "tasks.py").write_text("from sentinel_tasks import service, workspace\nnamespace = workspace()\n")
    done = lab.inv("ps", "--json", env={f"INVOKE_SENTINEL_SERVICES_WEB_{key.upper()}": text})
    assert done.code == 0, done.said
    assert [each["service"] for each in done.json["workspaces"][0]["services"]] == ["web"]


def test_the_variables_of_other_sections_are_still_invokes(lab: Lab) -> None:
    (lab.path / "invoke.yaml").write_text('{"mine": {"colour": "red"}, "sentinel": {}}')
    (lab.path / "tasks.py").write_text(
        "from invoke import Collection, task\nfrom sentinel_tasks import dev\n\n"
        "@task\ndef show(c):\n    print(c.mine.colour)\n\nnamespace = Collection(dev, show)\n"
    )
    assert lab.inv("show", env={"INVOKE_MINE_COLOUR": "green"}).out == "green\n"


# Wrong values

WRONG: list[tuple[str, Any]] = [
    ("title", ""),
    ("title", "  "),
    ("title", 5),
    ("command", ""),
    ("command", []),
    ("command", [1]),
    ("command", None),
    ("cwd", None),
    ("cwd", ["a"]),
    ("port", 0),
    ("port", -1),
    ("port", 65_536),
    ("port", True),
    ("port", "automatic"),
    ("port", "80a"),
    ("port", ""),
    ("port", 3000.5),
    ("port", [3000]),
    ("port", 10**30),
    ("health", 200),
    ("health", False),
    ("health", "ok"),
    ("health", ""),
    ("health", "ftp://x/"),
    ("health", "http://"),
    ("health", "http://localhost:99999/"),
    ("health", "http://[::1/"),
    ("health", {"path": "ok"}),
    ("health", {}),
    ("health", {"path": "/", "log": "x"}),
    ("health", {"log": "("}),
    ("health", {"log": "a{99999999999999999999}"}),
    ("expect", "ok"),
    ("expect", 99),
    ("expect", 600),
    ("expect", []),
    ("expect", ["2xx", "x"]),
    ("expect", "200\n"),
    ("expect", None),
    ("env_file", None),
    ("env_file", 5),
    ("startup_timeout", 0),
    ("startup_timeout", -1),
    ("startup_timeout", "soon"),
    ("startup_timeout", True),
    ("startup_timeout", 86_401),
    ("startup_timeout", float("nan")),
    ("startup_timeout", float("inf")),
    ("startup_timeout", None),
    ("stop_timeout", "5s"),
    ("stop_timeout", 0),
    ("stop_signal", "KILL"),
    ("stop_signal", 15),
    ("stop_command", 5),
    ("liveness", "/"),
    ("limits", "512M"),
    ("hooks", "echo"),
    ("success_codes", [256]),
    ("instances", 0),
    ("instances", 101),
    ("instances", "many"),
    ("watch", 5),
    ("watch", ""),
    ("watch", "/etc/passwd"),
    ("watch", "../other/**"),
    ("on_change", "reload"),
    ("restart_with", 5),
    ("success_codes", "ok"),
    ("on_conflict", "kill"),
    ("on_conflict", None),
    ("restart", "sometimes"),
    ("restart", True),
    ("detached", "kill"),
    ("depends_on", {"db": "up"}),
    ("depends_on", 5),
    ("depends_on", None),
    ("log_max_mb", 0),
    ("log_max_mb", -1),
    ("log_max_mb", float("nan")),
    ("log_backups", -1),
    ("log_backups", 1.5),
    ("log_backups", 1001),
    ("window", ""),
    ("window", "x" * 201),
    ("index", -1),
    ("index", 999),
    ("index", None),
    ("autostart", "perhaps"),
    ("groups", ["Front end"]),
    ("worker_command", []),
    ("worker_command", ""),
]


@pytest.mark.parametrize(
    ("keys", "key", "reason"),
    [
        ({"cmd": "x"}, "cmd", "unknown key; did you mean command?"),
        ({"directory": "x"}, "directory", "unknown key; did you mean cwd?"),
        ({"health": {"comand": "x"}}, "health.comand", "unknown key; did you mean command?"),
        ({"health": {"url": "/"}}, "health.url", "unknown key; did you mean path?"),
        (
            {"health": {"path": "/", "timeout_seconds": 5}},
            "health.timeout_seconds",
            "unknown key; did you mean timeout?",
        ),
        ({"health": {"path": "/", "period": 5}}, "health.period", "unknown key; did you mean interval?"),
        (
            {"health": {"path": "/", "failure_threshold": 5}},
            "health.failure_threshold",
            "unknown key; did you mean retries?",
        ),
        ({"health": {"port": 80}}, "health.port", "unknown key; did you mean tcp?"),
        ({"limits": {"mem_limit": "1G"}}, "limits.mem_limit", "unknown key; did you mean memory?"),
        ({"memory": "512M"}, "memory", "unknown key; did you mean limits?"),
        ({"mem_limit": "512M"}, "mem_limit", "unknown key; did you mean limits?"),
        ({"environment": {"A": 1}}, "environment", "unknown key; did you mean env?"),
    ],
)
def test_a_key_as_other_tools_call_it_is_told_by_our_name(
    project: Path, keys: dict[str, Any], key: str, reason: str
) -> None:
    """`cmd` was taken for `cwd`, and a key of `health` was not named."""
    found = wrong(project, **{"command": "x", **keys})
    assert (found.key, found.reason) == (f"sentinel.services.web.{key}", reason)


@pytest.mark.parametrize(
    ("health", "key", "reason"),
    [
        ({"path": "/", "timeout": 0}, "timeout", "must be seconds, more than 0 and at most 86400"),
        ({"path": "/", "timeout": "5s"}, "timeout", "must be seconds, more than 0 and at most 86400"),
        ({"path": "/", "interval": -1}, "interval", "must be seconds, more than 0 and at most 86400"),
        ({"path": "/", "retries": 1.5}, "retries", "must be a whole number from 0 to 1000"),
        ({"path": ""}, "path", "must be a path that begins with / or a URL"),
        ({"tcp": False}, "tcp", "must be true, for the service's own port, or a port from 1 to 65535"),
        ({"command": "x", "expect": 200}, "expect", "is for a path alone"),
    ],
)
def test_a_wrong_value_in_health_is_told_by_its_own_key(
    project: Path, health: dict[str, Any], key: str, reason: str
) -> None:
    """`health: {…, timeout: 5s}` was answered with a list of the kinds of health checks."""
    found = wrong(project, health=health)
    assert (found.key, found.reason) == (f"sentinel.services.web.health.{key}", reason)


def test_what_is_watched_is_read_in_all_its_forms(project: Path) -> None:
    def watched(given: Any) -> Service:
        return configured(project, {"services": {"web": {**WEB, "watch": given}}}).service("web")

    assert watched("src").watch == ("src",)
    assert watched(["src/**/*.py", "!src/gen"]).watch == ("src/**/*.py", "!src/gen")
    assert watched(None).watch == ()
    whole = watched({"paths": "src", "ignore": "*.tmp", "debounce": "1", "git_ignored": True})
    assert (whole.watch, whole.watch_ignore, whole.watch_debounce, whole.watch_git_ignored) == (
        ("src",), ("*.tmp",), 1.0, True,
    )  # fmt: skip


def test_what_a_change_asks_for_is_read(project: Path) -> None:
    def asked(given: Any) -> Any:
        keys = {**WEB, "watch": "src", "on_change": given}
        return configured(project, {"services": {"web": keys}}).service("web").on_change

    assert asked("restart") is None
    assert asked({"signal": "HUP"}) == ("signal", "HUP")
    assert asked({"command": ["make", "css"]}) == ("command", ("make", "css"))


@pytest.mark.parametrize(
    ("keys", "key", "reason"),
    [
        ({"on_change": {"signal": "HUP"}}, "on_change", "is for a service with watch"),
        ({"watch": "src", "on_change": {}}, "on_change", "must have exactly one of signal and command"),
        ({"watch": {"path": "src"}}, "watch.path", "unknown key; did you mean paths?"),
        (
            {"watch": {"paths": "~/src"}},
            "watch.paths",
            "must be a pattern of files in the workspace, such as src/**/*.py",
        ),
        ({"watch": {"paths": "src", "debounce": 61}}, "watch.debounce", "must be seconds, more than 0 and at most 60"),
        ({"restart_with": "telemetri"}, "restart_with", "unknown service; did you mean telemetry?"),
        ({"restart_with": "web"}, "restart_with", "these services restart with each other in a circle"),
    ],
)
def test_what_is_wrong_about_watching_is_told_by_its_key(
    project: Path, keys: dict[str, Any], key: str, reason: str
) -> None:
    found = problem(project, {"services": {"web": {**WEB, **keys}}})
    assert (found.key, found.reason) == (f"sentinel.services.web.{key}", reason)


def test_services_that_restart_with_each_other_in_a_circle_are_told_as_a_path(project: Path) -> None:
    both = {"a": {"command": "x", "restart_with": "b"}, "b": {"command": "x", "restart_with": ["a"]}}
    found = problem(project, {"services": both})
    assert (found.key, found.value) == ("sentinel.services.a.restart_with", "a -> b -> a")


def test_a_variable_that_a_platform_sets_to_an_address_is_passed_over(project: Path) -> None:
    """Kubernetes and container links set `NAME_PORT=tcp://…`: nothing could be started."""
    found = configured(project, environ={"WORKER_API_PORT": "tcp://10.0.0.1:80"}).service("telemetry")
    assert (found.port, found.notes) == (3000, ("WORKER_API_PORT is no port but an address; it is passed over",))


def test_a_wrong_key_is_told_with_its_file(lab: Lab) -> None:
    lab.configure(dev={"cmd": "x"})
    assert "sentinel.services.dev.cmd: 'x': unknown key in invoke.yaml; did you mean command?" in lab.inv("up").err


def test_wrong_value_is_told_with_key_value_and_what_is_allowed(project: Path) -> None:
    for key, value in WRONG:
        found = wrong(project, **{key: value})
        assert (found.key, repr(found.value)) == (f"sentinel.services.web.{key}", repr(value))
        assert found.reason.startswith("must ") or "not a regular expression" in found.reason, (key, value)


def test_every_key_of_a_service_has_a_wrong_value_above_and_words_for_it() -> None:
    assert {key for key, _ in WRONG} | {"env"} == set(SERVICE_TYPES)
    assert set(SERVICE_TYPES) | set(SENTINEL_TYPES) <= set(ALLOWED)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("socket_name", 5),
        ("socket_name", ""),
        ("socket_name", "a/b"),
        ("history_limit", 0),
        ("history_limit", "many"),
        ("history_limit", None),
        ("services", ["web"]),
        ("services", "web"),
        ("services", False),
        ("services", 0),
    ],
)
def test_wrong_general_value(project: Path, key: str, value: Any) -> None:
    found = problem(project, {key: value})
    assert (found.key, found.value) == (f"sentinel.{key}", value)


def test_one_shot_that_is_always_started_again_is_never_done(project: Path) -> None:
    found = wrong(project, health="exit", restart="always")
    assert (found.key, found.value) == ("sentinel.services.web.restart", "always")
    assert web(project, {"health": "exit", "restart": "on-failure"}).restart == "on-failure"


def test_wrong_expectation_within_health_names_that_key(project: Path) -> None:
    found = wrong(project, health={"path": "/", "expect": 99})
    assert (found.key, found.value) == ("sentinel.services.web.health.expect", 99)


@pytest.mark.parametrize("env", [["PASSWORD=hunter2"], "PASSWORD=hunter2", {"PASSWORD": ["hunter2"]}, {"A=hunter2": 1}])
def test_wrong_env_is_told_without_its_values(project: Path, env: Any) -> None:
    found = wrong(project, env=env)
    assert found.key.startswith("sentinel.services.web.env")
    assert "hunter2" not in str(found.value)


def test_wrong_value_of_a_variable_is_told_by_its_name(project: Path) -> None:
    env = {"GOOD": 1, "RELEASED": date(2024, 1, 1), "HOSTS": ["a", "b"]}
    found = problems(project, {"services": {"web": {**WEB, "env": env}}}, declared={})
    assert [each.key.rpartition(".")[2] for each in found] == ["RELEASED", "HOSTS"]


@pytest.mark.parametrize("value", ["text", 5, ["a"], True])
def test_service_that_is_no_mapping(project: Path, value: Any) -> None:
    found = problem(project, {"services": {"web": value}})
    assert (found.key, found.value) == ("sentinel.services.web", value)


@pytest.mark.parametrize("name", ["Web", "my_web", "2", "-", "web\n", "ä"])
def test_wrong_name_of_a_service(project: Path, name: str) -> None:
    assert problem(project, {"services": {name: WEB}}).key == f"sentinel.services.{name}"


def test_everything_that_is_wrong_is_told_at_once(project: Path) -> None:
    config = {
        "history_limit": "x",
        "services": {"web": {**WEB, "port": 0, "index": -1, "colour": "red"}, "api": {"restart": "no"}},
    }
    assert {each.key for each in problems(project, config, declared={})} == {
        "sentinel.history_limit",
        "sentinel.services.web.port",
        "sentinel.services.web.index",
        "sentinel.services.web.colour",
        "sentinel.services.api.restart",
        "sentinel.services.api.command",
    }


def test_one_line_names_key_value_and_what_is_allowed(project: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        web(project, {"port": "80a"})
    assert str(caught.value) == "sentinel.services.web.port: '80a': must be a port from 1 to 65535, auto or null"


def test_wrong_variable_is_called_by_its_own_name(project: Path) -> None:
    assert problem(project, environ={"WORKER_API_PORT": "x"}).key == "WORKER_API_PORT"
    variable = "INVOKE_SENTINEL_SERVICES_DEV_INDEX"
    assert problem(project, environ={variable: "x"}).key == variable


@pytest.mark.parametrize(
    ("key", "flag"), [("port", "--port"), ("startup_timeout", "--timeout"), ("on_conflict", "--on-conflict")]
)
def test_wrong_flag_is_called_by_its_own_name(project: Path, key: str, flag: str) -> None:
    found = problem(project, flags={"dev": {key: "x"}})
    assert (found.key, found.value) == (flag, "x")


@pytest.mark.parametrize(
    ("config", "key", "nearest"),
    [
        ({"services": {"web": {**WEB, "prot": 1}}}, "sentinel.services.web.prot", "port"),
        ({"services": {"web": {"log-backups": 1, **WEB}}}, "sentinel.services.web.log-backups", "log_backups"),
        ({"services": {"web": {"environment": {}, **WEB}}}, "sentinel.services.web.environment", "env"),
        ({"service": {}}, "sentinel.service", "services"),
        ({"socket": "x"}, "sentinel.socket", "socket_name"),
    ],
)  # fmt: skip
def test_unknown_key_is_told_with_the_nearest_known_one(project: Path, config: Any, key: str, nearest: str) -> None:
    found = problem(project, config)
    assert (found.key, found.reason) == (key, f"unknown key; did you mean {nearest}?")


def test_values_below_an_unknown_key_are_not_shown(project: Path) -> None:
    """The problem of a mistyped `env:` had all the passwords in it."""
    for value in ({"DATABASE_PASSWORD": "hunter2"}, ["hunter2"]):
        found = problem(project, {"services": {"dev": {"enviroment": value}}})
        assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    "keys",
    [
        {"env": ["API_TOKEN=hunter2"]},
        {"env": {"API_TOKEN=hunter2": "x"}},
        {"env_file": {"PASSWORD": "hunter2"}},
        {"command": {"run": "mysql --password=hunter2"}},
        {"command": ["mysql", {"password": "hunter2"}]},
        {"health": "postgres://bob:hunter2@db"},
        {"cwd": ["--password", "hunter2"]},
        {"comand": "mysql --password hunter2"},
    ],
    ids=str,
)
def test_a_secret_in_a_wrong_value_is_not_repeated(project: Path, keys: Any) -> None:
    found = problems(project, {"services": {"web": {**WEB, **keys}}}, declared={})
    assert "hunter2" not in f"{found!r} {ConfigurationError(found)}"


def test_unknown_key_that_resembles_none_is_told_with_all(project: Path) -> None:
    assert "known are autostart, command, cwd" in wrong(project, zzz=1).reason


def test_service_without_a_command(project: Path) -> None:
    found = problem(project, {"services": {"web": {}}})
    assert (found.key, found.value) == ("sentinel.services.web.command", None)


def test_mistyped_name_of_a_service_is_told_with_the_one_that_was_meant(project: Path) -> None:
    """`telemetri: {port: 3100}` was told only that a service needs a command."""
    found = problem(project, {"services": {"telemetri": {"port": 3100}}})
    assert found.reason == "a service needs a command; did you mean the service telemetry?"
    assert problem(project, declared={"web": {}, "web2": {"command": "serve"}}).reason == "a service needs a command"


def test_empty_command_is_not_told_to_be_a_string(project: Path) -> None:
    """It is one."""
    assert "that is not empty" in wrong(project, command="").reason


@pytest.mark.parametrize("health", ["/", "tcp", {"path": "/"}])
def test_health_that_needs_a_port_where_there_is_none(project: Path, health: Any) -> None:
    found = wrong(project, port=None, health=health)
    assert (found.key, found.value) == ("sentinel.services.web.health", health)


def test_wrong_port_is_not_told_twice(project: Path) -> None:
    assert wrong(project, port=0, health="/").key == "sentinel.services.web.port"


# Services together


def test_missing_dependency_is_told_with_the_nearest_service(project: Path) -> None:
    found = problem(project, {"services": {"dev": {"depends_on": ["telemetri"]}}})
    assert found.key == "sentinel.services.dev.depends_on.telemetri"
    assert found.reason == "unknown service; did you mean telemetry?"


def test_cycle_is_told_as_a_path(project: Path) -> None:
    needs = {"dev": {"depends_on": "telemetry"}, "telemetry": {"depends_on": {"dev": "started"}}}
    assert problem(project, {"services": needs}).value == "dev -> telemetry -> dev"


def test_service_that_waits_for_itself(project: Path) -> None:
    assert problem(project, {"services": {"dev": {"depends_on": "dev"}}}).value == "dev -> dev"


def test_two_services_with_one_port(project: Path) -> None:
    found = problem(project, {"services": {"web": {**WEB, "port": 3000}}})
    assert (found.key, found.value) == ("sentinel.services.web.port", 3000)
    assert "telemetry" in found.reason


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"flags": {"dev": {"port": "3000"}}}, "--port"),
        ({"environ": {"DEV_SERVER_PORT": "3000"}}, "DEV_SERVER_PORT"),
        ({"environ": {"WORKER_API_PORT": "3002"}}, "WORKER_API_PORT"),
    ],
)
def test_port_of_another_service_is_told_by_the_flag_or_variable_that_asked_for_it(
    project: Path, more: Any, key: str
) -> None:
    """`inv dev.start --port 3000` named the port in telemetry's configuration, where nobody had put one."""
    assert problem(project, **more).key == key


def test_two_services_with_automatic_ports(project: Path) -> None:
    auto = {"command": "x", "port": "auto"}
    found = configured(project, {"services": {"a": auto, "b": auto}}, declared={})
    assert [service.port for service in found.services] == [None, None]


# The workspace's folder


def test_workspace_folder_from_the_environment(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    found = configured(project, environ={"WORKSPACE_FOLDER": str(other)})
    assert (found.path, found.session) == (str(other), "sentinel-other")


def test_workspace_folder_that_does_not_exist(project: Path) -> None:
    found = problem(project, environ={"WORKSPACE_FOLDER": str(project / "missing")})
    assert (found.key, found.value) == ("WORKSPACE_FOLDER", str(project / "missing"))


def test_links_are_resolved(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(project)
    assert workspace_folder(str(tmp_path / "link"), {}) == str(project.resolve())


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
SERVICE_SECTION = JSON | st.dictionaries(st.sampled_from([*SERVICE_TYPES, "prot", "5"]), JSON, max_size=6)
SERVICES = JSON | st.dictionaries(st.sampled_from(["dev", "telemetry", "web", "Bad", "a-b"]), SERVICE_SECTION)
SECTION = st.fixed_dictionaries(
    {}, optional={"services": SERVICES, "socket_name": JSON, "history_limit": JSON, "x": JSON}
)


def names_or_problems(config: Any, declared: Mapping[str, Keys], environ: Mapping[str, str]) -> list[str]:
    """Names of the services, or what is wrong; any other exception is a bug."""
    try:
        found = read(Sources(declared, config, environ), "/", Path("/nowhere"))
    except ConfigurationError as wrong_ones:
        return [f"{each.key} {each.reason}" for each in wrong_ones.problems]
    return [service.name for service in found.services]


@given(config=SECTION, texts=st.dictionaries(st.sampled_from([*SERVICE_TYPES]), st.text(max_size=10), max_size=3))
def test_any_configuration_is_a_workspace_or_its_problems(config: Any, texts: dict[str, str]) -> None:
    environ = {f"INVOKE_SENTINEL_SERVICES_DEV_{key.upper()}": text for key, text in texts.items()}
    assert names_or_problems(config, GUIDE, environ)


@given(st.dictionaries(st.sampled_from([*SERVICE_TYPES]), JSON))
def test_any_declaration_is_a_workspace_or_its_problems(settings: Any) -> None:
    assert names_or_problems({}, {"web": settings}, {})


def test_mistyped_variable_is_known_with_the_one_that_was_meant() -> None:
    section = "INVOKE_SENTINEL_SERVICES"
    read_all = [
        "INVOKE_SENTINEL_SOCKET_NAME", f"{section}_MY-WEB_PORT", f"{section}_MY_WEB_PORT",
        f"{section}_MY-WEB_ENV_LOG_LEVEL", f"{section}_MY_WEB_ENV_LOG_LEVEL", "INVOKE_RUN_ECHO", "SENTINEL_PORT_WEB",
    ]  # fmt: skip
    assert unread_variables(dict.fromkeys(read_all, "1"), ["my-web"]) == []
    mistyped = {f"{section}_MY_WEB_PROT": "1", f"{section}_OTHER_X": "2", "INVOKE_SENTINEL_SOKET_NAME": "3"}
    assert dict(unread_variables(mistyped, ["my-web"])) == {
        f"{section}_MY_WEB_PROT": f"{section}_MY_WEB_PORT",
        f"{section}_OTHER_X": "",
        "INVOKE_SENTINEL_SOKET_NAME": "INVOKE_SENTINEL_SOCKET_NAME",
    }
