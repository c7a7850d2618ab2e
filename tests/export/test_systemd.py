"""Unit files: what systemd's own checker says of them, and what is in them."""

from __future__ import annotations

import shutil

import pytest

from sentinel_tasks.export import export
from sentinel_tasks.model import Health, Service
from tests.export.check import FAULTS, refusals
from tests.export.unit_reader import Section, sections
from tests.export.workspaces import every_kind, exported, service

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing")


def unit(*services: Service) -> dict[str, Section]:
    """The last service's unit."""
    return sections(exported("systemd", *services).files[f"sentinel-app-{services[-1].name}.service"])


@needs_systemd
def test_systemd_has_no_word_against_any_unit() -> None:
    assert refusals("systemd", every_kind()) == ""


@needs_systemd
@pytest.mark.parametrize("fault", FAULTS["systemd"])
def test_systemd_would_say_what_is_wrong(fault: tuple[str, str]) -> None:
    assert refusals("systemd", every_kind(), fault)


def test_a_target_starts_all_that_starts_by_itself() -> None:
    text = export(every_kind(), "systemd").files["sentinel-app.target"]
    assert sections(text)["Unit"]["Wants"] == [
        f"sentinel-app-{each.name}.service" for each in every_kind().services if each.autostart
    ]


def test_what_is_needed_comes_first() -> None:
    found = unit(service("db"), service("migrate"), service(depends_on=(("db", "healthy"), ("migrate", "completed"))))
    names = ["sentinel-app-db.service", "sentinel-app-migrate.service"]
    assert (found["Unit"]["Requires"], found["Unit"]["After"]) == (names, names)


def test_a_service_is_ended_as_stop_does() -> None:
    found = unit(service(stop_timeout=2.5))["Service"]
    assert (found["KillSignal"], found["KillMode"], found["TimeoutStopSec"]) == (
        ["SIGINT"],
        ["control-group"],
        ["2500ms"],
    )


def test_a_one_shot_is_done_once() -> None:
    found = unit(service(health=Health("exit")))["Service"]
    assert (found["Type"], found["RemainAfterExit"], found.get("ExecStartPost")) == (["oneshot"], ["yes"], None)


@pytest.mark.parametrize(
    ("restart", "told"), [("never", ["no"]), ("on-failure", ["on-failure"]), ("always", ["always"])]
)
def test_restarts_have_their_limits(restart: str, told: list[str]) -> None:
    found = unit(service(restart=restart))
    assert found["Service"]["Restart"] == told
    assert found["Unit"].get("StartLimitBurst") == (None if restart == "never" else ["11"])


def test_our_variables_win_over_a_files() -> None:
    found = unit(service(port=8000, env_files=("/srv/app/.env",), env=(("MODE", "x"),)))["Service"]
    assert "Environment" not in found  # a file would win over it
    assert "PORT=8000" in found["ExecStart"][0]
    assert "MODE=x" in found["ExecStart"][0]


def test_secrets_win_over_a_files() -> None:
    found = unit(service(env_files=("/srv/app/.env",), env=(("API_TOKEN", "x"),)))["Service"]
    assert found["EnvironmentFile"] == ["/srv/app/.env", "%E/sentinel-app/web.env"]
