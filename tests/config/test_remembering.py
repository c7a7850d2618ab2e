"""What is kept of a workspace for programs that can't read its configuration."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sentinel_tasks.config.digests import changes_since, digests
from sentinel_tasks.config.remembering import Remembered, remember, remembered
from sentinel_tasks.model import Health, Service, Typed, Workspace
from sentinel_tasks.system.state_folder import State

SECRET = "s3cr3t-Value-91"
WEB = Service("web", "web", "exec server", "configured", "/w", 3000, Health("http", "/"))
INV = Typed()
Keep = Callable[..., Remembered]


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path / "state" / "w")
    found.prepare()
    return found


@pytest.fixture
def keep(state: State, tmp_path: Path) -> Keep:
    def kept(*services: Service, typed: Typed = INV) -> Remembered:
        workspace = Workspace(str(tmp_path), "sentinel-w", str(state.folder), services, typed=typed)
        remember(state, workspace, str(tmp_path), True, os.environ)
        found = remembered(state)
        assert found is not None
        return found

    return kept


def test_what_is_kept_is_what_was_read(keep: Keep, tmp_path: Path) -> None:
    typed = Typed("inv -c other", {("web", "start"): "svc.web.start", ("", "up"): "up"}, "python3")
    found = keep(replace(WEB, env_files=("/w/.env",), window="🚀 web"), typed=typed)
    assert (found.workspace.services, found.typed, found.unkept) == (
        (replace(WEB, env_files=("/w/.env",), window="🚀 web"),),
        typed,
        (),
    )
    assert found.is_current(os.environ)


@pytest.mark.parametrize(
    "service",
    [
        replace(WEB, env=(("API_TOKEN", SECRET),)),
        replace(WEB, env=(("PLAIN", SECRET),)),
        replace(WEB, command=f"server --password {SECRET}"),
        replace(WEB, command=("server", f"--token={SECRET}")),
        replace(WEB, health=Health("http", f"http://ann:{SECRET}@localhost:1/")),
        replace(WEB, health=Health("command", ("curl", "-u", f"ann:{SECRET}"))),
        replace(WEB, stop_command=f"server stop --password {SECRET}"),
        replace(WEB, hooks=(("crash", f"mail --password {SECRET}"),)),
        replace(WEB, liveness=Health("command", f"check --token {SECRET}")),
        replace(WEB, on_change=("command", f"reload --token {SECRET}")),
        replace(WEB, worker_command=f"work --token {SECRET}"),
    ],
    ids=repr,
)
def test_no_secret_is_kept(service: Service, keep: Keep, state: State) -> None:
    keep(service)
    files = [path.read_bytes() for path in state.folder.iterdir()]
    assert files
    assert not any(SECRET.encode() in content for content in files)


@pytest.mark.parametrize(
    ("service", "is_needed"),
    [
        (replace(WEB, env=(("API_TOKEN", SECRET),)), False),
        (replace(WEB, env=(("API_TOKEN", SECRET),), health=Health("http", "/x?t=${API_TOKEN}")), True),
        (replace(WEB, env=(("API_TOKEN", SECRET),), health=Health("command", "check")), True),
        (replace(WEB, env=(("TES_DEV_TOKEN", SECRET),)), True),
        (replace(WEB, health=Health("command", "check")), False),
        (replace(WEB, health=Health("http", f"http://ann:{SECRET}@localhost:1/")), True),
    ],
)
def test_a_service_whose_check_needs_a_secret_is_named(service: Service, is_needed: bool, keep: Keep) -> None:
    assert keep(service).unkept == (("web",) if is_needed else ())


@pytest.mark.parametrize("variable", ["INVOKE_SENTINEL_SERVICES_WEB_PORT", "WORKSPACE_FOLDER", "DEV_SERVER_PORT"])
def test_a_variable_that_decides_makes_it_outdated(variable: str, keep: Keep) -> None:
    assert not keep(WEB).is_current({**os.environ, variable: "1"})


def test_a_variable_of_no_concern_changes_nothing(keep: Keep) -> None:
    assert keep(WEB).is_current({**os.environ, "SHLVL": "7"})


@pytest.mark.parametrize(
    "name", ["tasks.py", "invoke.yaml", "invoke.json", "package.json", "Procfile", ".env", "yarn.lock"]
)
def test_a_file_that_comes_changes_or_goes_makes_it_outdated(name: str, keep: Keep, tmp_path: Path) -> None:
    found, file = keep(WEB), tmp_path / name
    file.write_text("one")
    assert not found.is_current(os.environ)
    found = keep(WEB)
    assert found.is_current(os.environ)
    file.write_text("other")
    assert not found.is_current(os.environ)
    found = keep(WEB)
    file.unlink()
    assert not found.is_current(os.environ)


def test_what_is_no_text_is_not_kept(keep: Keep, state: State) -> None:
    keep(WEB)
    odd = replace(WEB, cwd="/w/\udcff")
    remember(state, Workspace("/w", "s", str(state.folder), (odd,)), "/w", True, os.environ)
    assert remembered(state) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 0}'])
def test_what_can_not_be_read_is_nothing(content: bytes, state: State) -> None:
    state.note_workspace(content)
    assert remembered(state) is None


def test_what_another_user_could_have_written_is_nothing(keep: Keep, state: State) -> None:
    keep(WEB)
    (state.folder / "workspace.json").chmod(0o666)
    assert remembered(state) is None


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
SERVICES = st.builds(
    lambda command, cwd, port, env, timeout: replace(
        WEB, command=command, cwd=cwd, port=port, env=tuple(env.items()), stop_timeout=timeout
    ),
    TEXTS, TEXTS, st.none() | st.integers(1, 65535), st.dictionaries(TEXTS, TEXTS, max_size=3), st.floats(0, 99),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(SERVICES, SERVICES)
def test_changes_are_told_as_if_it_were_read(state: State, keep: Keep, started: Service, now: Service) -> None:
    found, salt = keep(now), state.make_salt()
    before = digests(started, salt)
    (kept,) = found.workspace.services
    assert changes_since(before, kept, salt, found.keys["web"]) == changes_since(before, now, salt)


def test_the_start_of_another_service_changes_nothing_of_it(keep: Keep, state: State) -> None:
    """Each start wrote it anew, as the task that was typed had its names first."""
    names = {("web", "start"): "web.start", ("db", "start"): "db.start"}
    keep(WEB, typed=Typed(names=names))
    before = state.workspace()
    os.utime(state.folder / "workspace.json", ns=(1, 1))
    keep(WEB, typed=Typed(names=dict(reversed(names.items()))))
    assert (state.workspace(), (state.folder / "workspace.json").stat().st_mtime_ns) == (before, 1)


def test_what_is_as_it_was_is_not_written_again(keep: Keep, state: State) -> None:
    keep(replace(WEB, env=(("API_TOKEN", SECRET),)))
    before = (state.folder / "workspace.json").stat().st_ino
    kept = keep(replace(WEB, env=(("API_TOKEN", SECRET),)))
    assert (state.folder / "workspace.json").stat().st_ino == before
    changed = keep(replace(WEB, env=(("API_TOKEN", "another"),)))
    assert changed.keys["web"] != kept.keys["web"]
    assert keep(replace(WEB, env=(("API_TOKEN", "another"),)), typed=Typed("other")).typed == Typed("other")
