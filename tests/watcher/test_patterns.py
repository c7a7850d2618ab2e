"""Which files count: patterns mean what they mean to git, and what git ignores is what git says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_tasks.watcher.git import Git
from sentinel_tasks.watcher.patterns import Patterns
from sentinel_tasks.watcher.tree import below

COUNTS: list[tuple[Sequence[str], str, bool]] = [
    (["src/**/*.py"], "src/app.py", True),
    (["src/**/*.py"], "src/a/b/app.py", True),
    (["src/**/*.py"], "src/app.pyc", False),
    (["src/**/*.py"], "other/src/app.py", False),
    (["src"], "src/deep/in/it.txt", True),
    (["*.py"], "anywhere/app.py", True),
    (["config/app.toml"], "config/app.toml", True),
    (["config/app.toml"], "config/app.toml.bak", False),
    (["src/**", "!src/generated/**"], "src/generated/x.py", False),
    (["src/**", "!src/generated/**"], "src/x.py", True),
    (["**"], "src/__pycache__/x.py", False),
    (["**"], "node_modules/left-pad/index.js", False),
    (["**"], ".git/index", False),
    (["**"], "src/.app.py.swp", False),
    (["**"], "src/app.py~", False),
    (["**"], ".env", True),
]


@pytest.mark.parametrize(("wanted", "path", "counts"), COUNTS)
def test_which_files_count(wanted: Sequence[str], path: str, counts: bool) -> None:
    assert Patterns(wanted, []).counts(path) is counts


def test_what_is_ignored_does_not_count_whatever_is_wanted() -> None:
    patterns = Patterns(["src/**"], ["*.tmp", "src/cache/"])
    assert [patterns.counts(f"src/{name}") for name in ("a.py", "a.tmp", "cache/a.py")] == [True, False, False]
    assert [patterns.passes_over(name) for name in ("src", "src/cache", "src/__pycache__")] == [False, True, True]


ROOTS = [
    (["src/**/*.py"], {"src"}),
    (["src/app/*.py", "lib/[ab]/*"], {"src/app", "lib"}),
    (["config/app.toml"], {"config"}),
    (["*.py"], {""}),
    (["templates/"], {""}),
    (["src/**", "!src/generated/**"], {"src"}),
    (["a/b/"], {"a"}),
]


@pytest.mark.parametrize(("wanted", "folders"), ROOTS)
def test_only_folders_where_something_may_match_are_watched(wanted: Sequence[str], folders: set[str]) -> None:
    assert Patterns(wanted, []).folders() == folders


def test_patterns_that_match_nothing_are_known() -> None:
    patterns = Patterns(["src/**/*.py", "scr/**", "!src/x.py"], [])
    assert patterns.unmatched(["src/x.py", "README.md"]) == ["scr/**"]
    assert Patterns(["src"], []).unmatched([]) == ["src"]


NAMES = st.sampled_from(["a", "b", "ab", "a.py", "b.py", "x y"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.sampled_from(["*", "**", "a", "b", "a*", "?", "*.py", "[ab]", "ab", "x y"])
PATTERN = st.builds(
    lambda parts, end: "/".join([*parts, end]),
    st.lists(PARTS, max_size=3), st.sampled_from(["*", "**", "a", "b/", "a*", "a*/", "?", "*.py", "[ab]"]),
)  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(PATTERN, min_size=1, max_size=4), st.lists(PATHS, min_size=1, max_size=8))
def test_a_pattern_means_what_it_means_to_git(repository: Path, wanted: list[str], paths: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(wanted) + "\n")
    assert {path for path in paths if Patterns(wanted, []).counts(path)} == Git(repository).ignores(paths)


# What git says


def test_what_git_ignores_is_asked_of_git(repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\n/build/\n!keep.log\n")
    (repository / ".git/info/exclude").write_text("private.txt\n")
    (repository / "deep").mkdir(exist_ok=True)
    (repository / "deep/.gitignore").write_text("own.txt\n")
    (repository / "build").mkdir(exist_ok=True)
    for name in ("a.log", "keep.log", "build/out.js", "deep/own.txt", "private.txt", "own.txt"):
        (repository / name).touch()
    git = Git(repository)
    paths = ["a.log", "keep.log", "build/out.js", "deep/own.txt", "private.txt", "own.txt"]
    assert git.ignores(paths) == {"a.log", "build/out.js", "deep/own.txt", "private.txt"}
    assert git.ignored() >= {"a.log", "build/", "deep/own.txt", "private.txt"}
    assert Git(repository / "deep").ignores(["own.txt"]) == {"own.txt"}
    assert not git.is_busy()
    (repository / ".git/index.lock").touch()
    assert git.is_busy()
    (repository / ".git/index.lock").unlink()


def test_without_a_repository_nothing_is_ignored(tmp_path: Path) -> None:
    git = Git(tmp_path)
    assert (git.ignores(["a.log"]), git.ignored(), git.is_busy()) == (frozenset(), frozenset(), False)


def test_without_git_nothing_is_ignored(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert Git(repository).ignores(["a.log"]) == frozenset()


# Folders


def test_what_is_passed_over_is_not_looked_into(tmp_path: Path) -> None:
    for name in ("src/deep/er", "src/node_modules/left-pad", "other"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "src/deep/a.py").touch()
    (tmp_path / "src/link").symlink_to(tmp_path / "other")
    found = below(tmp_path, ["src"], lambda folder: folder.endswith("node_modules"))
    assert found == {"src": ["src/link"], "src/deep": ["src/deep/a.py"], "src/deep/er": []}


def test_where_a_folder_is_missing_the_way_to_it_is_watched(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.py").touch()
    assert below(tmp_path, ["src/later/on", "nowhere"], lambda folder: False) == {"src": [], "": []}
    assert below(tmp_path, ["src"], lambda folder: folder == "src") == {}
