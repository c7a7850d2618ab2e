"""A secret is written into no file, wherever the configuration, a file of variables or the caller has it."""

from __future__ import annotations

import json

import pytest

from sentinel_tasks.export import TARGETS
from sentinel_tasks.model import Health
from sentinel_tasks.text.masking import LONGEST
from tests.export.workspaces import exported, service
from tests.lab import Lab

CANARY = "c4n4ry5f1d0e"


def written(lab: Lab) -> str:
    """Everything below the workspace and its exports, as one text."""
    return "".join(path.read_text() for path in (lab.folder / "out").rglob("*") if path.is_file())


@pytest.mark.parametrize("target", TARGETS)
def test_no_secret_is_in_any_file_or_in_what_is_said(lab: Lab, target: str) -> None:
    (lab.path / ".env").write_text(f"FROM_FILE={CANARY}-file\nDB_PASSWORD={CANARY}-file2\n")
    lab.configure(
        web={
            "command": f"serve --token {CANARY}-flag",
            "worker_command": ["worker", f"--password={CANARY}-word"],
            "env": {
                "API_TOKEN": f"{CANARY}-name",
                "DATABASE_URL": f"postgres://bob:{CANARY}-url@db/app",
                "HEADER": f"Authorization: Bearer {CANARY}-shape",
            },
            "env_file": ".env",
            "title": f"web with password={CANARY}-title",
            "port": 8000,
            "health": f"http://bob:{CANARY}-health@localhost:8000/",
        },
        db={"command": ["db"], "health": {"command": f"check --password {CANARY}-check"}},
    )
    environ = {"CALLERS": f"{CANARY}-caller", "AWS_SECRET_ACCESS_KEY": f"{CANARY}-aws"}
    done = lab.inv("export", target, "--to", str(lab.folder / "out"), "--only", "web,db", env=environ)
    assert done.code == 0, done.said
    shown = lab.inv("export", target, "--dry", "--json", "--to", str(lab.folder / "other"), env=environ)
    assert shown.code == 0
    assert not (lab.folder / "other").exists()
    assert CANARY not in written(lab) + done.said + shown.said
    assert "--token" in written(lab)


@pytest.mark.parametrize("target", TARGETS)
def test_what_must_be_provided_is_listed_and_referred_to(target: str) -> None:
    found = exported(target, service(env=(("API_TOKEN", "x"), ("MODE", "y"))))
    assert found.provide == {"web": ("API_TOKEN",)}
    (example,) = [text for path, text in found.files.items() if path.endswith(".example")]
    assert "\nAPI_TOKEN=\n" in example
    assert "MODE=" not in example
    references = {
        "systemd": ("sentinel-app-web.service", "EnvironmentFile=%E/sentinel-app/web.env\n"),
        "supervisord": ("supervisord.conf", '"%(here)s/web.env"'),
        "compose": ("compose.yaml", '"./web.env"'),
        "kubernetes": ("web.yaml", "secretKeyRef:"),
        "procfile": ("Procfile", "sentinel.env"),
    }
    path, reference = references[target]
    assert reference in found.files[path]


@pytest.mark.parametrize("target", TARGETS)
def test_a_secret_in_a_command_is_masked_and_told(target: str) -> None:
    found = exported(target, service(command=("serve", "--password", "hunter2")))
    assert "hunter2" not in json.dumps(dict(found.files))
    assert next(each.fact for each in found.losses) == "a secret in a command (command)"


def test_a_secret_far_behind_in_a_long_text_is_seen() -> None:
    for length in range(LONGEST - 40, LONGEST + 40, 7):
        text = f"{'x ' * (length // 2)} --password hunter2 {'y ' * LONGEST}"
        for keys in ({"command": text}, {"command": ("sh", "-c", text)}, {"env": (("LONG", text),)}):
            found = exported("compose", service(**keys))
            assert "hunter2" not in found.files["compose.yaml"]


def test_procfile_gives_a_secret_to_its_service_alone() -> None:
    one, other = service("one", env=(("API_TOKEN", "x"),)), service("two")
    lines = exported("procfile", one, other).files["Procfile"].splitlines()
    assert [line for line in lines if line.startswith("two: unset API_TOKEN")]
    assert not [line for line in lines if line.startswith("one: ") and "unset API_TOKEN" in line]


def test_one_name_for_two_secrets_is_told_where_there_is_one_environment() -> None:
    both = [service(name, env=(("API_TOKEN", "x"),)) for name in ("one", "two")]
    assert [str(each) for each in exported("procfile", *both).losses if "API_TOKEN" in each.fact]
    assert not [str(each) for each in exported("compose", *both).losses if "API_TOKEN" in each.fact]


def test_health_checks_keep_the_token_out_of_command_lines() -> None:
    health = Health("http", "/api/workers/registry")
    found = exported("compose", service("telemetry", port=3000, health=health, counts_workers=True))
    assert "-H @-" in found.files["compose.yaml"]
