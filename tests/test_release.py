"""make release and make release-check: what is tagged, what is typed in fresh homes, and what may be missing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = '[project]\nname = "sentinel-tasks"\nversion = "1.2.0"\n'


@pytest.fixture(scope="module")
def release_check() -> ModuleType:
    """scripts/release_check.py as a module; scripts are no package."""
    spec = importlib.util.spec_from_file_location("release_check", ROOT / "scripts" / "release_check.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_way_to_install_in_the_readme_is_typed_in_a_fresh_home(release_check: ModuleType) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ways = [*release_check.installs(readme)]
    assert {tool for tool, _ in ways} == {"pip", "uv", "pipx"}
    assert len(ways) == readme.count("```sh\n")
    assert all('"$SOURCE[api]"' in lines for _, lines in ways)
    assert "inv dev.start telemetry.activate\n" in release_check.main_job(readme)


def test_who_types_the_installation_has_none_of_the_developers_programs(
    release_check: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin")
    environ = release_check.environment(tmp_path, Path("a.whl"))
    assert environ["PATH"] == f"{tmp_path}/tools:{tmp_path}/home/.local/bin:/usr/bin"
    assert sorted(each.name for each in (tmp_path / "tools").iterdir()) == ["pipx", "uv"]


class Clone:
    """A clone with a version, a changelog and one commit."""

    def __init__(self, folder: Path, heading: str) -> None:
        self.folder = folder
        (folder / "pyproject.toml").write_text(PROJECT)
        (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n")
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "All")

    def git(self, *words: str) -> str:
        own = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
        return subprocess.run(["git", *own, *words], cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def release(self) -> subprocess.CompletedProcess[str]:
        environ = {"PATH": "/usr/bin:/bin", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@localhost"}
        command = [sys.executable, str(ROOT / "scripts" / "release.py")]
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)


def test_a_release_is_tagged_once_and_the_next_steps_are_told(tmp_path: Path) -> None:
    clone = Clone(tmp_path, "1.2.0 (2026-01-31)")
    done = clone.release()
    assert done.returncode == 0
    assert "git push origin v1.2.0" in done.stdout
    assert clone.git("tag") == "v1.2.0\n"
    again = clone.release()
    assert again.returncode == 1
    assert "there is a tag v1.2.0 already" in again.stderr


def test_what_is_not_ready_is_not_tagged(tmp_path: Path) -> None:
    clone = Clone(tmp_path, "1.2.0 (unreleased)")
    (tmp_path / "new").write_text("")
    done = clone.release()
    assert done.returncode == 1
    assert "CHANGELOG.md is not called '1.2.0 (YEAR-MONTH-DAY)'" in done.stderr
    assert "not committed" in done.stderr
    assert not clone.git("tag")
