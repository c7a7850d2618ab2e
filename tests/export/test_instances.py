"""Several instances of a service: copied by an engine that can, else each written down."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sentinel_tasks.export import TARGETS
from sentinel_tasks.model import Health
from tests.export import readers, unit_reader
from tests.export.workspaces import exported, instances, put, service, several

ALL = [each for each in several().services if each.template != "once"]
WEB = [each for each in ALL if each.template == "web"]


@pytest.mark.parametrize("target", ["systemd", "supervisord", "procfile"])
def test_on_this_machine_each_is_a_process_with_its_number(target: str, tmp_path: Path) -> None:
    folder = put(tmp_path, exported(target, *ALL).files)
    if target == "procfile":
        lines = (folder / "Procfile").read_text()
        assert all(f"\n{each.name}: " in lines for each in ALL)
        return
    for number in (1, 2, 3):
        found = readers.READERS[target](folder, f"pool-{number}")
        assert found.argv[-2:] == ["run", str(number)]
        told = {name: found.env[name] for name in ("SENTINEL_SERVICE", "SENTINEL_INSTANCE")}
        assert told == {"SENTINEL_SERVICE": f"pool-{number}", "SENTINEL_INSTANCE": str(number)}
    one, two = (readers.READERS[target](folder, f"web-{number}").env for number in (1, 2))
    assert one["PORT"] == one["SENTINEL_PORT_WEB_1"] == two["SENTINEL_PORT_WEB_1"] == two["SENTINEL_PORT_WEB"]
    assert two["PORT"] == two["SENTINEL_PORT_WEB_2"] != one["PORT"]


def test_systemd_makes_them_of_a_template_where_they_differ_by_their_number_alone() -> None:
    files = exported("systemd", *ALL).files
    assert {path for path in files if path.endswith(".service")} == {
        f"sentinel-app-{name}.service" for name in ("pool@", "web-1", "web-2", "app")
    }
    pool = [f"sentinel-app-pool@{number}.service" for number in (1, 2, 3)]
    started = [line.removeprefix("Wants=") for line in files["sentinel-app.target"].splitlines() if "Wants=" in line]
    assert started == [*pool, "sentinel-app-web-1.service", "sentinel-app-web-2.service", "sentinel-app-app.service"]
    waits = unit_reader.sections(files["sentinel-app-app.service"])["Unit"]
    assert waits["Requires"] == [" ".join(pool), *started[3:5]]
    assert "Description=The pool %i\n" in files["sentinel-app-pool@.service"]


def test_supervisord_numbers_them() -> None:
    text = exported("supervisord", *ALL).files["supervisord.conf"]
    (pool,) = [part for part in text.split("\n\n") if part.startswith("[program:pool")]
    assert {"process_name=pool-%(process_num)d", "numprocs=3", "numprocs_start=1"} <= {*pool.splitlines()}
    assert "stdout_logfile=%(here)s/pool-%(process_num)d.log" in pool


def test_in_containers_one_is_copied() -> None:
    found = exported("compose", *ALL)
    services = yaml.safe_load(found.files["compose.yaml"])["services"]
    assert {name: each.get("deploy") for name, each in services.items()} == {
        "pool": {"replicas": 3}, "web": {"replicas": 2}, "app": None,
    }  # fmt: skip
    assert "ports" not in services["web"]
    assert [*services["app"]["depends_on"]] == ["pool", "web"]
    environment = services["app"]["environment"]
    (port,) = services["web"]["expose"]
    assert {environment[f"SENTINEL_PORT_WEB{end}"] for end in ("", "_1", "_2")} == {port}
    assert {environment[f"SENTINEL_URL_WEB{end}"] for end in ("", "_1", "_2")} == {f"http://web:{port}"}
    assert {each.service for each in found.losses if each.fact == "instances"} == {"pool", "web"}


def test_kubernetes_has_replicas_and_runs_a_job_as_often() -> None:
    once = instances(service("once", ("run",), health=Health("exit")), 2)
    files = exported("kubernetes", *WEB, *once).files
    web, job = (yaml.safe_load_all(files[f"{name}.yaml"]) for name in ("web", "once"))
    assert next(web)["spec"]["replicas"] == 2
    spec = next(job)["spec"]
    assert (spec["completions"], spec["parallelism"]) == (2, 2)


def test_one_that_does_not_start_by_itself_is_not_started() -> None:
    tool = instances(service("tool", autostart=False), 2)
    text = exported("kubernetes", *tool).files["tool.yaml"]
    assert next(yaml.safe_load_all(text))["spec"]["replicas"] == 0
    assert "Wants=" not in exported("systemd", *tool).files["sentinel-app.target"]


@pytest.mark.parametrize("target", TARGETS)
def test_all_of_them_or_one_may_be_named(target: str) -> None:
    every = exported(target, *ALL, only=("web",)).files
    one = exported(target, *ALL, only=("web-2",)).files
    assert all("web" in text for text in every.values())
    assert not [text for text in (*every.values(), *one.values()) if "pool" in text]
    assert "web-1.service" not in "".join(one)
