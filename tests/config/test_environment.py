"""What a service sees, and names in its configuration that stand for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sentinel_tasks.config.environment import check_environments, interpolated, service_environment
from sentinel_tasks.errors import ConfigurationError
from sentinel_tasks.model import Health, Service
from sentinel_tasks.world import World
from tests import facts

PORTS = {"db": 21_000, "web": 3_000}


def world(*services: Service, **environ: str) -> World:
    return World(facts.workspace(*services), {"PATH": "/bin", "HOME": "/home/ann", **environ})


def environment(env: dict[str, str], env_files: tuple[str, ...] = (), **environ: str) -> dict[str, str]:
    web = facts.service("web", env=tuple(env.items()), env_files=env_files)
    return service_environment(web, world(web, **environ), "sentinel-app", 3_000, PORTS)


def complaint(env: dict[str, str]) -> str:
    with pytest.raises(ConfigurationError) as refused:
        environment(env)
    (problem,) = refused.value.problems
    return f"{problem.key}: {problem.reason}"


def test_a_service_that_was_started_from_a_shell_of_run_is_a_service_all_the_same() -> None:
    found = environment({}, SENTINEL_RUN="1", SENTINEL_SERVICE="db", SENTINEL_WORKSPACE="/elsewhere", PORT="9")
    assert "SENTINEL_RUN" not in found
    assert (found["SENTINEL_SERVICE"], found["PORT"]) == ("web", "3000")


def test_a_service_without_a_port_is_not_told_that_of_the_service_that_started_it() -> None:
    web = facts.service("web")

    def port(**environ: str) -> str | None:
        return service_environment(web, world(web, PORT="4000", **environ), "sentinel-app", None, {}).get("PORT")

    assert (port(SENTINEL_SERVICE="db"), port()) == (None, "4000")


def test_a_service_is_told_its_port_by_the_variable_that_it_knows_too() -> None:
    """Each is told where all are by `SENTINEL_PORT_…`; `dev` and `telemetry` read others, which are theirs alone."""
    ports = {"dev": 3_000, "telemetry": 3_002, "web": 4_000}

    def told(name: str) -> dict[str, str]:
        service = facts.service(name)
        found = service_environment(service, world(service), "sentinel-app", ports[name], ports)
        assert {key: value for key, value in found.items() if key.startswith("SENTINEL_PORT_")} == {
            "SENTINEL_PORT_DEV": "3000", "SENTINEL_PORT_TELEMETRY": "3002", "SENTINEL_PORT_WEB": "4000",
        }  # fmt: skip
        return {key: value for key, value in found.items() if key.endswith("_PORT")}

    assert told("dev") == {"DEV_SERVER_PORT": "3000"}
    assert told("telemetry") == {"WORKER_API_PORT": "3002"}
    assert told("web") == {}


def test_an_address_follows_an_automatic_port() -> None:
    found = environment({"DATABASE_URL": "postgres://localhost:${SENTINEL_PORT_DB}/app", "SELF": "http://:$PORT"})
    assert found["DATABASE_URL"] == "postgres://localhost:21000/app"
    assert found["SELF"] == "http://:3000"


def test_a_variable_that_names_itself_appends() -> None:
    assert environment({"PATH": "bin:$PATH"})["PATH"] == "bin:/bin"


def test_variables_refer_to_each_other_in_any_order() -> None:
    found = environment({"A": "${B}/a", "B": "$C/b", "C": "c"})
    assert (found["A"], found["B"]) == ("c/b/a", "c/b")


def test_two_that_refer_to_each_other_are_refused() -> None:
    assert "these refer to each other: " in complaint({"A": "$B", "B": "$A"})


def test_a_name_that_is_not_set_is_refused_by_its_key() -> None:
    assert complaint({"A": "x$NONE"}).startswith("sentinel.services.web.env.A: NONE is not set; ")
    assert environment({"A": "x${NONE:-y}", "B": "$$NONE"})["A"] == "xy"


def test_a_files_variables_are_seen_and_may_be_overruled(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOST=db\nURL=http://${HOST}:${SENTINEL_PORT_DB}\n")
    found = environment({"HOST": "other-$HOST"}, (str(tmp_path / ".env"),))
    assert (found["URL"], found["HOST"]) == ("http://db:21000", "other-db")


def resolved(**keys: Any) -> Service:
    web = facts.service("web", **keys)
    return interpolated(web, facts.PATH, {"PORT": "3000", "SENTINEL_PORT_DB": "21000", "DIR": "sub", "HOME": "/h"})


def test_words_of_a_command_are_replaced_and_a_shells_text_is_not() -> None:
    assert resolved(command=("serve", "--port", "$PORT", "$$x")).command == ("serve", "--port", "3000", "$x")
    assert resolved(command="serve --port $PORT").command == "serve --port $PORT"


def test_the_folder_is_replaced_and_stays_below_the_workspace() -> None:
    assert resolved(cwd_template="$DIR/web").cwd == f"{facts.PATH}/sub/web"
    assert resolved(cwd_template="${HOME}/web").cwd == "/h/web"


@pytest.mark.parametrize(
    ("health", "target"),
    [
        (Health("http", "http://localhost:${SENTINEL_PORT_DB}/x"), "http://localhost:21000/x"),
        (Health("command", ("pg_isready", "-p", "$SENTINEL_PORT_DB")), ("pg_isready", "-p", "21000")),
        (Health("command", "pg_isready -p $PORT"), "pg_isready -p $PORT"),
        (Health("log", "^on ${PORT}$"), "^on 3000$"),
    ],
)
def test_health_checks_are_replaced(health: Health, target: object) -> None:
    assert resolved(health=health).health.target == target


def test_all_names_that_are_not_set_are_told_at_once_before_a_start() -> None:
    web = facts.service("web", command=("x", "$NONE"), env=(("A", "$OTHER"),))
    db = facts.service("db", cwd_template="$MISSING")
    with pytest.raises(ConfigurationError) as refused:
        check_environments(world(web, db), [web, db])
    keys = [problem.key for problem in refused.value.problems]
    assert keys == ["sentinel.services.web.env.A", "sentinel.services.db.cwd"]


def test_more_open_files_than_the_shell_may_give_are_told_before_a_start() -> None:
    web, db = facts.service("web", nofile_limit=4096), facts.service("db", nofile_limit=64)
    there = world(web, db)
    vars(there)["most_open_files"] = lambda wanted: 100 if wanted > 100 else None
    with pytest.raises(ConfigurationError) as refused:
        check_environments(there, [web, db])
    (problem,) = refused.value.problems
    assert (problem.key, problem.value) == ("sentinel.services.web.limits.nofile", 4096)
    assert problem.reason == "must be at most 100, the hard limit of this shell (ulimit -Hn)"


def test_a_port_that_is_still_to_be_chosen_has_a_name_already() -> None:
    db = facts.service("db", port=None, auto_port=True)
    web = replace(facts.service("web"), env=(("URL", "db:${SENTINEL_PORT_DB}"),))
    check_environments(world(web, db), [web])
