"""A port that a container engine publishes: it was offered to end docker, and another port for the container."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.decisions.containers import engine_of, runs_containers
from sentinel_tasks.decisions.decide import Watch, decide
from sentinel_tasks.engine.outcomes import refused
from sentinel_tasks.model import Holder, Launch, Refuse, Relation
from tests.facts import holder, seen, service, workspace

COMPOSE = service("db", title="db", command="docker compose up db", port=5432)


def published(relation: Relation = "foreign", name: str = "docker-proxy", inside: bool = False) -> Holder:
    found = holder(relation, inside)
    return replace(found, listener=replace(found.listener, name=name, user="root"))


@pytest.mark.parametrize(
    ("name", "engine"),
    [
        ("docker-proxy", "docker"),
        ("com.docker.backend", "docker"),
        ("rootlessport", "podman"),
        ("node", ""),
        (None, ""),
    ],
)
def test_the_engine_is_known_by_its_process(name: str | None, engine: str) -> None:
    assert engine_of(name) == engine


@pytest.mark.parametrize(
    ("command", "runs"),
    [
        ("docker compose up db", True),
        (("/usr/bin/podman", "run", "x"), True),
        ("exec docker-compose up", True),
        ("node .", False),
    ],
)
def test_a_service_that_is_a_container_is_known_by_its_command(command: str | tuple[str, ...], runs: bool) -> None:
    assert runs_containers(service("db", command=command)) is runs


@pytest.mark.parametrize("policy", ["stop", "takeover", "fail"])
def test_docker_is_never_taken_over(policy: str) -> None:
    held = seen(holders=(published(inside=True),))
    assert isinstance(decide(replace(COMPOSE, on_conflict=policy), held, Watch()), Refuse)
    assert isinstance(decide(replace(COMPOSE, on_conflict="auto"), held, Watch()), Launch)


@pytest.mark.parametrize("relation", ["foreign", "other-user"])
def test_the_refusal_says_whose_it_is_and_what_a_compose_service_needs(relation: Relation) -> None:
    told = refused(COMPOSE, workspace(COMPOSE), published(relation), seen(port=5432))
    assert told.error == "port 5432 is held by docker-proxy (pid 5000), by which docker publishes a container's port"
    assert "takeover" not in told.hint
    assert told.hint == (
        "docker ps names the container; a service that runs in docker has health: {command: …} instead of a port"
    )


def test_another_service_is_shown_the_container_and_another_port() -> None:
    web = service("web", title="web", port=5432)
    told = refused(web, workspace(web), published(), seen(port=5432))
    assert told.hint == "docker ps names the container or inv web.start --port auto"
