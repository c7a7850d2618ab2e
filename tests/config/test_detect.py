"""What `dev` runs in a project that says nothing: the first match of the contract's list (Configuration)."""

import json
from pathlib import Path

import pytest

from sentinel_tasks.config.detect import SCRIPTS, dev_command


def package_json(folder: Path, **scripts: str) -> None:
    (folder / "package.json").write_text(json.dumps({"scripts": scripts}))


def test_first_match_wins(tmp_path: Path) -> None:
    assert "file_server.py" in dev_command(tmp_path)[0]
    (tmp_path / "Procfile").write_text("web: serve\n")
    assert dev_command(tmp_path) == ("serve", "the Procfile has a line web")
    (tmp_path / "manage.py").write_text("")
    assert dev_command(tmp_path)[0].endswith(" manage.py runserver 127.0.0.1:$PORT")
    for script in reversed(SCRIPTS):
        package_json(tmp_path, **dict.fromkeys(SCRIPTS[SCRIPTS.index(script) :], "x"))
        assert dev_command(tmp_path) == (f"npm run {script}", f"package.json has the script {script}")


@pytest.mark.parametrize(
    ("lock", "runner"),
    [
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("package-lock.json", "npm"),
        ("other.lock", "npm"),
    ],
)
def test_package_manager_whose_lock_file_is_there(tmp_path: Path, lock: str, runner: str) -> None:
    package_json(tmp_path, dev="node server.js")
    (tmp_path / lock).write_text("")
    assert dev_command(tmp_path)[0] == f"{runner} run dev"


@pytest.mark.parametrize(
    ("script", "lock", "command"),
    [
        ("vite", "package-lock.json", "npm run dev -- --port $PORT --strictPort"),
        ("vite", "bun.lock", "bun run dev --port $PORT --strictPort"),
        ("vite --host", "pnpm-lock.yaml", "pnpm run dev --port $PORT --strictPort"),
        ("vite --port 5173", "yarn.lock", "yarn run dev"),
        ("vite --port=5173", "yarn.lock", "yarn run dev"),
        ("vite build", "yarn.lock", "yarn run dev"),
        ("astro dev", "yarn.lock", "yarn run dev --port $PORT"),
        ("next dev", "yarn.lock", "yarn run dev"),
        ("node vite", "yarn.lock", "yarn run dev"),
        ("vite && echo", "yarn.lock", "yarn run dev"),
        ("", "yarn.lock", "yarn run dev"),
    ],
)
def test_servers_that_do_not_read_port_are_told(tmp_path: Path, script: str, lock: str, command: str) -> None:
    package_json(tmp_path, dev=script)
    (tmp_path / lock).write_text("")
    assert dev_command(tmp_path)[0] == command


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b"\xff\xfe",
        b'{"scripts": null}',
        b'{"scripts": ["dev"]}',
        b'{"scripts": {"test": "x"}}',
        b"[" * 100_000,
    ],
)
def test_package_json_that_says_nothing_is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "package.json").write_bytes(content)
    assert "file_server.py" in dev_command(tmp_path)[0]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_package_json_that_can_not_be_read_is_not_told_to_be_missing(tmp_path: Path, content: bytes) -> None:
    """After a slip in package.json the folder's files were served, because "there is no package.json script"."""
    (tmp_path / "package.json").write_bytes(content)
    assert dev_command(tmp_path)[1].startswith("package.json is no JSON that can be read")
    (tmp_path / "package.json").write_bytes(b"{}")
    assert dev_command(tmp_path)[1].startswith("there is no package.json script")


def test_folder_called_manage_py_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "manage.py").mkdir()
    assert "file_server.py" in dev_command(tmp_path)[0]


def test_procfile_without_web_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("worker: work\n")
    command, why = dev_command(tmp_path)
    assert "file_server.py" in command
    assert "served" in why
