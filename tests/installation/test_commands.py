"""The command that installs what is missing, for whatever made this environment: it was pip's, into another Python."""

from __future__ import annotations

import json

import pytest

from sentinel_tasks.installation.commands import from_source, installing
from sentinel_tasks.installation.environment import Environment

API = "sentinel-tasks[api]"
UV_TOOL = """[tool]
requirements = [
    { name = "invoke" },
    { name = "sentinel-tasks", directory = "/src/sentinel" },
    { name = "rich", extras = ["jupyter"], specifier = ">=13" },
]
entrypoints = [{ name = "inv", install-path = "/home/ann/.local/bin/inv" }]
"""
PIPX = json.dumps({"main_package": {"package": "invoke"}, "injected_packages": {"sentinel-tasks": {}}})

ENVIRONMENTS = {
    "pip in a virtual environment": (
        Environment("/w/.venv", "/w/.venv/bin/python"),
        f"/w/.venv/bin/python -m pip install '{API}'",
    ),
    "the system's Python, managed by others": (
        Environment("/usr", "/usr/bin/python3", is_managed=True),
        f"/usr/bin/python3 -m pip install --break-system-packages '{API}'",
    ),
    "a tool of uv's": (
        Environment("/home/ann/.local/share/uv/tools/invoke", "python", "uv", tool=UV_TOOL),
        f"uv tool install invoke --with '{API}' --with 'rich[jupyter]>=13'",
    ),
    "a tool of pipx's": (
        Environment("/home/ann/.local/share/pipx/venvs/invoke", "python", tool=PIPX),
        f"pipx inject --force invoke '{API}'",
    ),
    "a project of uv's": (Environment("/w/.venv", "python", "uv", adds="uv add --dev"), f"uv add --dev '{API}'"),
    "a project of poetry's": (Environment("/w/.venv", "python", "poetry", adds="poetry add"), f"poetry add '{API}'"),
    "a virtual environment of uv's": (
        Environment("/w/.venv", "/w/.venv/bin/python", "uv", has_pip=False),
        f"uv pip install --python /w/.venv/bin/python '{API}'",
    ),
    "uv run --with": (
        Environment("/home/ann/.cache/uv/archive-v0/Xy12", "python", "uv"),
        f"uv run --with '{API}' inv",
    ),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_environment_has_its_command(name: str) -> None:
    environment, typed = ENVIRONMENTS[name]
    assert installing(environment, API) == typed


def test_the_tool_itself_is_not_put_beside_itself() -> None:
    uv, pipx = (ENVIRONMENTS[name][0] for name in ("a tool of uv's", "a tool of pipx's"))
    assert installing(uv, "invoke<4").startswith(
        "uv tool install 'invoke<4' --with 'sentinel-tasks @ file:///src/sentinel'"
    )
    assert installing(pipx, "invoke<4") == "pipx install --force 'invoke<4'"


def test_an_extra_that_is_there_already_stays() -> None:
    """uv forgets what is not named again: whoever was told to install [watch] lost [api]."""
    receipt = UV_TOOL.replace('name = "sentinel-tasks",', 'name = "sentinel-tasks", extras = ["api"],')
    uv = ENVIRONMENTS["a tool of uv's"][0]._replace(tool=receipt)
    assert "--with 'sentinel-tasks[api,watch]'" in installing(uv, "sentinel-tasks[watch]")
    assert "--with 'sentinel-tasks[api]'" in installing(uv, API)


SOURCES = {
    "": "sentinel-tasks[api]",
    '{"url": "file:///src/s", "dir_info": {"editable": true}}': "-e /src/s[api]",
    '{"url": "file:///src/s", "dir_info": {}}': "sentinel-tasks[api] @ file:///src/s",
    '{"url": "https://x.example/s.git", "vcs_info": {"vcs": "git", "commit_id": "ab12"}}': (
        "sentinel-tasks[api] @ git+https://x.example/s.git@ab12"
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_it_is_installed_from_where_it_came_from(source: str) -> None:
    assert from_source(source, "api") == SOURCES[source]


def test_an_editable_package_is_given_to_each_installer_in_its_own_way() -> None:
    editable = "-e /src/s[api]"
    assert installing(ENVIRONMENTS["a tool of uv's"][0], editable).endswith(
        "--with-editable '/src/s[api]' --with 'rich[jupyter]>=13'"
    )
    assert installing(ENVIRONMENTS["a tool of pipx's"][0], editable) == "pipx inject --force invoke -e '/src/s[api]'"
    assert installing(ENVIRONMENTS["pip in a virtual environment"][0], editable).endswith(
        "pip install -e '/src/s[api]'"
    )


def test_what_is_too_old_is_upgraded() -> None:
    assert (
        installing(Environment("/w/.venv", "python"), API, upgrade=True) == f"python -m pip install --upgrade '{API}'"
    )
