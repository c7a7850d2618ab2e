"""What `init` writes for what a folder has (contract: Tasks, Init)."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel_tasks.config.first_files import first_files
from sentinel_tasks.config.first_services import look
from sentinel_tasks.config.schema import SERVICE_TYPES, converted
from sentinel_tasks.tasks.yaml_file import plain_content

COMPOSE = """
services:
  app: {build: ., depends_on: [db]}
  db: {image: "docker.io/library/postgres:16@sha256:aa"}
  cache_1: {image: redis, depends_on: {db: {condition: service_healthy}}}
  mail: {image: mailhog/mailhog}
  search: {image: opensearch, healthcheck: {test: x}}
  seldom: {image: redis, profiles: [more]}
"""
VITE = '{"scripts": {"dev": "vite"}}'
TABLE: list[tuple[dict[str, str], list[str], str]] = [
    ({}, ["dev"], "workspace(dev)"),
    ({"package.json": VITE}, ["dev"], "workspace(dev)"),
    ({"manage.py": "", "frontend/package.json": VITE}, ["dev", "frontend"], "workspace(dev)"),
    ({"main.py": "app: FastAPI = FastAPI()\n"}, ["dev"], "workspace(dev)"),
    ({"bin/rails": ""}, ["dev"], "workspace(dev)"),
    ({"Procfile": "web: serve\nJob_1: work\n"}, ["web", "job-1"], "workspace(*from_procfile())"),
    ({"Procfile": "web: a\n", "Procfile.dev": "css: b\n", "package.json": VITE}, ["css"],
     'workspace(*from_procfile("Procfile.dev"))'),
    ({"Procfile.dev": "web: a\nweb: b\n", "Procfile": "web: a\n"}, ["web"], "workspace(*from_procfile())"),
    ({"compose.yaml": COMPOSE}, ["db", "cache-1", "mail", "search"], "workspace()"),
    ({"compose.yaml": "services: [", "manage.py": ""}, ["dev"], "workspace(dev)"),
    ({"docker-compose.yml": COMPOSE, "Procfile": "db: x\nrelease: y\n"},
     ["db-2", "cache-1", "mail", "search", "db", "release"], "workspace(*from_procfile())"),
]  # fmt: skip


def made(folder: Path, files: dict[str, str], with_telemetry: bool = False) -> dict[str, str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return first_files(look(folder, plain_content), with_telemetry)


def services(texts: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(texts["invoke.yaml"])["sentinel"]["services"]
    return found


@pytest.mark.parametrize(("files", "names", "namespace"), TABLE)
def test_a_folder_gets_services_for_what_it_has(
    tmp_path: Path, files: dict[str, str], names: list[str], namespace: str
) -> None:
    texts = made(tmp_path, files)
    assert [*services(texts)] == names
    assert texts["tasks.py"].endswith(f"\n\nnamespace = {namespace}\n")
    ast.parse(texts["tasks.py"])
    for settings in services(texts).values():
        for key, value in (settings or {}).items():
            converted(value, SERVICE_TYPES[key])


@pytest.mark.parametrize(
    ("place", "text", "command"),
    [
        ("main.py", "api = FastAPI(title='x')", "-m uvicorn main:api --reload --port $PORT"),
        ("app/main.py", "app = fastapi.FastAPI()", "-m uvicorn app.main:app --reload --port $PORT"),
        ("app/__init__.py", "wsgi = Flask(__name__)", "-m flask --app app:wsgi run --debug --port $PORT"),
    ],
)
def test_an_application_is_found_where_it_is_made(tmp_path: Path, place: str, text: str, command: str) -> None:
    assert services(made(tmp_path, {place: f"import x\n{text}\n"}))["dev"]["command"].endswith(command)


def test_the_others_wait_for_what_a_compose_file_runs(tmp_path: Path) -> None:
    found = services(made(tmp_path, {"compose.yaml": COMPOSE, "Procfile": "web: a\nrelease: b\n"}))
    containers = ["db", "cache-1", "mail", "search"]
    assert found["web"]["depends_on"] == {**dict.fromkeys(containers, "healthy"), "release": "completed"}
    assert found["release"]["depends_on"] == containers
    assert found["cache-1"]["depends_on"] == ["db"]
    assert [found[name]["health"]["command"] for name in containers] == [
        "docker compose exec -T db pg_isready --quiet",
        "docker compose exec -T cache_1 redis-cli ping",
        "docker compose ps --status running --services | grep -qx mail",
        "docker compose ps --format '{{.Health}}' search | grep -qx healthy",
    ]


def test_the_api_leaves_its_usual_port_to_who_has_it(tmp_path: Path) -> None:
    assert services(made(tmp_path, {}, with_telemetry=True))["telemetry"] == {"port": 3000}
    texts = made(tmp_path, {"Procfile": "web: bin/rails server -p 3000\n"}, with_telemetry=True)
    assert services(texts)["telemetry"] == {"port": "auto"}


def test_what_can_not_be_used_is_told(tmp_path: Path) -> None:
    made(tmp_path, {"compose.yaml": "services: [", "Procfile": "web: a\nweb: b\n"})
    notes = look(tmp_path, plain_content).notes
    assert ["Procfile: line 2 declares web again" in notes[0], "compose.yaml can't be used" in notes[1]] == [True, True]
