"""Compose files and manifests: what is in them for each key of the configuration."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from sentinel_tasks.export import Options, export
from sentinel_tasks.model import Health, Service
from sentinel_tasks.names import automatic_ports
from tests.export.workspaces import every_kind, exported, service

Document = dict[str, Any]


def composed(*services: Service, **asked: Any) -> Document:
    """The Compose file."""
    found: Document = yaml.safe_load(exported("compose", *services, **asked).files["compose.yaml"])
    return found


def manifests(*services: Service, **asked: Any) -> dict[tuple[str, str], Document]:
    """Every object by kind and name."""
    files = exported("kubernetes", *services, **asked).files
    documents = [each for path, text in files.items() if path.endswith(".yaml") for each in yaml.safe_load_all(text)]
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def pod(*services: Service, **asked: Any) -> Document:
    """The pod of the last service."""
    found = manifests(*services, **asked)
    template: Document = found[("Deployment", services[-1].name)]["spec"]["template"]
    return template


# Compose


def test_others_are_reached_by_name() -> None:
    found = composed(service("db", port=5432), service())["services"]["web"]["environment"]
    assert (found["SENTINEL_PORT_DB"], found["SENTINEL_URL_DB"]) == ("5432", "http://db:5432")


def test_an_automatic_port_is_fixed_and_the_same_for_every_machine() -> None:
    given = every_kind()
    elsewhere = replace(given, path="/else")
    first, second = export(given, "compose").files, export(elsewhere, "compose").files
    ports = [yaml.safe_load(each["compose.yaml"])["services"]["cache"]["ports"] for each in (first, second)]
    assert ports[0] == ports[1]


def test_two_automatic_ports_are_never_the_same() -> None:
    """Not even of two services for which `up` would try the same one first."""
    tried = sorted((next(automatic_ports("", name)), name) for name in (f"s{number}" for number in range(400)))
    pair = next((one, other) for (port, one), (same, other) in pairwise(tried) if port == same)
    found = exported("systemd", *(service(name, auto_port=True) for name in pair))
    unit = found.files[f"sentinel-app-{pair[0]}.service"]
    ports = {line.rpartition("=")[2] for line in unit.splitlines() if "SENTINEL_PORT" in line}
    assert len(ports) == 2


def test_health_has_the_time_that_a_start_has() -> None:
    web = service(port=80, health=Health("tcp"), startup_timeout=90.0)
    found = composed(web)["services"]["web"]["healthcheck"]
    assert (found["start_period"], found["timeout"]) == ("90s", "2s")


@pytest.mark.parametrize(
    ("health", "condition", "told"),
    [
        ("up", "started", "service_started"),
        ("up", "healthy", "service_healthy"),
        ("exit", "completed", "service_completed_successfully"),
        ("exit", "healthy", "service_completed_successfully"),
    ],
)
def test_each_condition_has_its_own_word(health: Any, condition: Any, told: str) -> None:
    found = composed(service("first", health=Health(health)), service(depends_on=(("first", condition),)))
    assert found["services"]["web"]["depends_on"] == {"first": {"condition": told}}


def test_an_image_is_built_unless_it_is_named() -> None:
    assert composed(service(), folder="/srv/app/deploy/compose")["services"]["web"]["build"] == "../.."
    found = composed(service(), image="shop:1")["services"]["web"]
    assert (found["image"], "build" in found) == ("shop:1", False)


def test_a_folder_is_below_the_images() -> None:
    assert composed(service(cwd="/srv/app/back end"))["services"]["web"]["working_dir"] == "/app/back end"


def test_files_of_variables_come_before_the_secrets() -> None:
    found = composed(service(env_files=("/srv/app/.env",), env=(("API_TOKEN", "x"),)), folder="/srv/app/deploy/compose")
    assert found["services"]["web"]["env_file"] == ["../../.env", "./web.env"]


def test_prometheus_asks_the_api_with_its_token() -> None:
    telemetry = every_kind().services[-1]
    found = exported("compose", telemetry, metrics=True).files
    asked = yaml.safe_load(found["prometheus.yml"])["scrape_configs"][0]
    assert asked["static_configs"] == [{"targets": ["telemetry:3000"]}]
    assert asked["http_headers"] == {"X-TES-Dev-Token": {"files": ["/run/secrets/tes_dev_token"]}}
    services = yaml.safe_load(found["compose.yaml"])["services"]
    assert services["prometheus"]["secrets"] == ["tes_dev_token"]
    assert services["telemetry"]["command"][-2:] == ["--allow-host", "telemetry"]


def test_prometheus_does_not_take_the_place_of_a_service() -> None:
    found = composed(service("prometheus"), every_kind().services[-1], metrics=True)["services"]
    assert {*found} == {"prometheus", "telemetry", "sentinel-prometheus"}


# Kubernetes


def test_what_listens_has_a_name_in_the_network() -> None:
    found = manifests(service(port=8000))
    assert found[("Service", "web")]["spec"]["ports"] == [{"port": 8000, "targetPort": 8000}]
    assert ("Service", "web") not in manifests(service())


def test_probes_ask_as_up_does() -> None:
    found = pod(service(port=8000, health=Health("http", "/health", ("2xx", "3xx")), startup_timeout=45))["spec"]
    probe = found["containers"][0]["startupProbe"]
    assert probe["httpGet"] == {"path": "/health", "port": 8000}
    assert probe["failureThreshold"] * probe["periodSeconds"] == 45
    found = pod(service(port=8000, health=Health("http", "/health", ("<500",))))["spec"]
    assert "curl" in found["containers"][0]["readinessProbe"]["exec"]["command"][-1]


def test_init_containers_wait_for_what_is_needed() -> None:
    db = service("db", port=5432, health=Health("tcp"))
    migrate = service("migrate", ("migrate",), health=Health("exit"), depends_on=(("db", "healthy"),))
    found = manifests(db, migrate, service(depends_on=(("migrate", "completed"),)))
    before = found[("Deployment", "web")]["spec"]["template"]["spec"]["initContainers"]
    assert [each["name"] for each in before] == ["wait-for-db", "migrate"]
    assert before[1]["command"] == ["migrate"]
    assert ("Job", "migrate") not in found


def test_a_one_shot_that_nobody_waits_for_is_a_job() -> None:
    found = manifests(service("report", ("report",), health=Health("exit")))[("Job", "report")]["spec"]
    assert (found["backoffLimit"], found["template"]["spec"]["restartPolicy"]) == (0, "Never")
    found = manifests(service("report", health=Health("exit"), restart="on-failure"))[("Job", "report")]["spec"]
    assert (found["backoffLimit"], found["template"]["spec"]["restartPolicy"]) == (10, "OnFailure")


def test_a_pod_is_ended_by_int_then_term_then_kill() -> None:
    found = pod(service(stop_timeout=7))["spec"]
    assert found["terminationGracePeriodSeconds"] == 10
    assert found["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1] == "kill -INT 1; sleep 7"


def test_a_secret_is_a_reference() -> None:
    found = pod(service(env=(("API_TOKEN", "x"),), env_files=("/srv/app/.env",)))["spec"]["containers"][0]
    reference = {"secretKeyRef": {"name": "sentinel-app-web", "key": "API_TOKEN"}}
    assert found["env"][0] == {"name": "API_TOKEN", "valueFrom": reference}
    assert found["envFrom"] == [{"secretRef": {"name": "sentinel-app-web-file-1"}}]


def test_no_variable_of_another_service_is_put_in() -> None:
    assert pod(service())["spec"]["enableServiceLinks"] is False


def test_prometheus_is_told_where_to_look() -> None:
    telemetry = every_kind().services[-1]
    found = pod(telemetry, metrics=True)
    assert found["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true", "prometheus.io/port": "3000", "prometheus.io/path": "/metrics",
    }  # fmt: skip
    assert found["spec"]["containers"][0]["command"][-2:] == ["--allow-host", "$(SENTINEL_POD_IP)"]
    assert "annotations" not in pod(telemetry)["metadata"]


@pytest.mark.parametrize("name", ["a" * 80, "web-", "x" * 63 + "-y"])
def test_names_are_labels_that_dns_takes(name: str) -> None:
    for _, found in manifests(service(name, port=8000)):
        assert len(found) <= 63
        assert not found.endswith("-")


@pytest.mark.parametrize("target", ["compose", "kubernetes"])
def test_no_folder_of_this_machine_is_written(target: str) -> None:
    given = every_kind()
    files = export(given, target, Options(folder="/srv/app/deploy")).files
    assert [path for path, text in files.items() if "/srv/app" in text] == []
