"""`inv export`: what a person sees, what is on the disk, and what is kept."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sentinel_tasks.export import TARGETS, export
from tests.export.workspaces import every_kind
from tests.lab import Lab


@pytest.fixture
def shop(lab: Lab) -> Lab:
    lab.configure(
        db={"command": ["serve-db"], "port": 5432, "health": "tcp"},
        web={"command": "serve", "port": 8000, "health": "/", "depends_on": ["db"], "restart": "on-failure"},
    )
    return lab


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("target", TARGETS)
def test_files_are_the_same_to_the_byte_each_time(shop: Lab, target: str) -> None:
    assert shop.inv("export", target, "--to", "one").code == 0
    first = files(shop.path / "one")
    (shop.path / "one").rename(shop.path / "before")
    assert shop.inv("export", target, "--to", "one", env={"OTHER": "environment"}).code == 0
    assert files(shop.path / "one") == first
    assert export(every_kind(), target) == export(every_kind(), target)


@pytest.mark.parametrize("target", TARGETS)
def test_every_file_says_from_what_it_was_made(shop: Lab, target: str) -> None:
    assert shop.inv("export", target, "--only", "web").code == 0
    for text in files(shop.path / "deploy" / target).values():
        assert text.startswith(f"# Made by `inv export {target} --only web` from ")


def test_only_brings_along_what_is_needed(shop: Lab) -> None:
    assert shop.inv("export", "systemd", "--only", "web").code == 0
    assert {*files(shop.path / "deploy/systemd")} == {
        "sentinel-app.target", "sentinel-app-db.service", "sentinel-app-web.service",
    }  # fmt: skip


def test_dry_shows_the_files_and_writes_none(shop: Lab) -> None:
    done = shop.inv("--dry", "export", "compose")
    assert done.code == 0
    assert "==> " in done.out
    assert "\nservices:\n" in done.out
    assert not (shop.path / "deploy").exists()


def test_each_loss_is_one_line_on_stderr(shop: Lab) -> None:
    done = shop.inv("export", "systemd", "--only", "web")
    assert [line for line in done.err.splitlines() if "lost: web: restart: " in line]
    assert len(done.err.splitlines()) == 1
    assert "lost" not in done.out


def test_strict_writes_nothing_if_anything_gets_lost(shop: Lab) -> None:
    done = shop.inv("export", "systemd", "--strict")
    assert done.code == 2
    assert "--strict: 'web: restart'" in done.err
    assert not (shop.path / "deploy").exists()
    assert shop.inv("export", "systemd", "--strict", "--only", "db").code == 0


def test_a_file_changed_by_hand_is_kept_and_nothing_is_written(shop: Lab) -> None:
    assert shop.inv("export", "systemd").code == 0
    unit = shop.path / "deploy/systemd/sentinel-app-web.service"
    other = shop.path / "deploy/systemd/sentinel-app-db.service"
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=always"))
    before = {path: path.read_text() for path in (unit, other)}
    shop.configure(db={"command": ["another"]}, web={"command": "another", "depends_on": ["db"]})
    done = shop.inv("export", "systemd")
    assert done.code == 1
    assert str(unit) in done.err
    assert "--force" in done.err
    assert {path: path.read_text() for path in before} == before
    assert shop.inv("export", "systemd", "--force").code == 0
    assert "another" in unit.read_text()


def test_a_file_that_is_not_ours_is_kept(shop: Lab) -> None:
    (shop.path / "Procfile").write_text("web: their own\n")
    assert shop.inv("export", "procfile", "--to", ".").code == 1
    assert (shop.path / "Procfile").read_text() == "web: their own\n"


def test_a_comment_changed_by_hand_counts_too(shop: Lab) -> None:
    assert shop.inv("export", "compose").code == 0
    path = shop.path / "deploy/compose/compose.yaml"
    path.write_text(path.read_text().replace("# Change the", "# mine: Change the"))
    shop.configure(db={"command": ["another"]})
    assert shop.inv("export", "compose").code == 1


def test_what_nobody_changed_is_written_anew_without_asking(shop: Lab) -> None:
    assert shop.inv("export", "compose").code == 0
    shop.configure(db={"command": ["another"]})
    assert shop.inv("export", "compose").code == 0
    assert "another" in (shop.path / "deploy/compose/compose.yaml").read_text()


def test_what_an_earlier_export_left_is_named(shop: Lab) -> None:
    assert shop.inv("export", "systemd").code == 0
    done = shop.inv("export", "systemd", "--only", "db")
    assert "of an earlier export" in done.err
    assert "sentinel-app-web.service" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["composed"], "did you mean compose?"),
        (["compose", "--only", "wev"], "did you mean web?"),
        (["systemd", "--image", "app:1"], "--image"),
        (["procfile", "--metrics"], "--metrics"),
        (["compose", "--image", ""], "--image"),
    ],
)
def test_a_wrong_word_is_named(shop: Lab, words: list[str], said: str) -> None:
    done = shop.inv("export", *words)
    assert done.code == 2
    assert said in done.err


def test_json_is_one_document(shop: Lab) -> None:
    found = shop.inv("export", "compose", "--json", "--image", "shop:1").json
    assert found["error"] is None
    assert sorted(found) == ["error", "files", "folder", "lost", "provide", "written"]
    assert found["written"] == ["compose.yaml", "telemetry.env.example"]
    assert json.loads(shop.inv("export", "nothing", "--json").out)["problems"]


def test_a_folder_that_cannot_be_written_is_told(shop: Lab) -> None:
    (shop.path / "file").write_text("")
    done = shop.inv("export", "compose", "--to", "file/below")
    assert done.code == 1
    assert "file/below" in done.err


def test_an_unchanged_file_is_not_touched(shop: Lab) -> None:
    assert shop.inv("export", "compose").code == 0
    path = shop.path / "deploy/compose/compose.yaml"
    os.utime(path, (1, 1))
    assert shop.inv("export", "compose", "--json").json["written"] == []
    assert path.stat().st_mtime == 1


def test_an_emoji_in_json_is_one_character(shop: Lab) -> None:
    shop.configure(web={"command": ["serve", "🚀"]})  # JSON has it in two halves, and so has YAML then
    assert shop.inv("export", "compose", "--only", "web").code == 0
    assert "- 🚀\n" in (shop.path / "deploy/compose/compose.yaml").read_text().replace('"', "")


def test_bytes_that_are_no_text_are_refused(shop: Lab) -> None:
    done = shop.inv(
        "export",
        "compose",
        env={"INVOKE_SENTINEL_SERVICES_WEB_TITLE": "x", "INVOKE_SENTINEL_SERVICES_WEB_COMMAND": "a\udcff"},
    )
    assert done.code == 2
    assert "no text" in done.err
