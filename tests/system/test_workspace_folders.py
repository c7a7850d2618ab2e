"""Which folder a workspace is, over moves and removals, as the file system and git's own files tell it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from sentinel_tasks.folder import Folder, Identity, Mount
from sentinel_tasks.names import state_name
from sentinel_tasks.system import workspace_folders as folders
from sentinel_tasks.system.folders import held_by, identity_of, mount_of, mount_state, mounted_at
from sentinel_tasks.system.state_folder import State
from sentinel_tasks.system.worktrees import listed, missing_beside, worktree_of

BOOT = "this boot"


def git(folder: Path, *words: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, check=True, capture_output=True, env=environ)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one linked worktree, `tree`, and a folder `api` in both."""
    main = tmp_path.resolve() / "main"
    (main / "api").mkdir(parents=True)
    (main / "api" / "tasks.py").touch()
    git(main, "init", "-q")
    git(main, "add", "-A")
    git(main, "commit", "-q", "-m", "first")
    git(main, "worktree", "add", "-q", "../tree")
    return main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The state folder of all workspaces."""
    made = tmp_path / "state"
    made.mkdir(mode=0o700)
    return made


def noted(root: Path, path: Path) -> Folder:
    """The workspace as a start writes it down."""
    state = root / state_name(str(path))
    state.mkdir(mode=0o700, exist_ok=True)
    folders.note(state, str(path), BOOT)
    found = folders.read(state)
    assert found is not None
    return found


def test_a_worktree_that_git_moves_is_found_by_what_git_keeps(repository: Path, root: Path) -> None:
    tree = repository.parent / "tree"
    api = noted(root, tree / "api")
    assert (api.below, api.repository) == ("api", str(repository / ".git"))
    git(repository, "worktree", "move", str(tree), str(tree.with_name("other")))
    assert folders.place_by_git(api) == str(tree.with_name("other") / "api")
    assert folders.place_by_identity(api, []) == str(tree.with_name("other") / "api")


def test_a_worktree_that_was_moved_by_hand_is_found_once_git_was_told(repository: Path, root: Path) -> None:
    tree, far = noted(root, repository.parent / "tree"), repository / "far"
    shutil.copytree(tree.path, far, symlinks=True)
    shutil.rmtree(tree.path)
    assert folders.place_by_git(tree) == ""
    git(repository, "worktree", "repair", str(far))
    assert folders.place_by_git(tree) == str(far)


def test_a_later_worktree_of_the_same_name_is_another_one(repository: Path, root: Path) -> None:
    tree, elsewhere = noted(root, repository.parent / "tree"), repository.parent / "elsewhere" / "tree"
    git(repository, "worktree", "remove", tree.path)
    git(repository, "worktree", "add", "-q", "--detach", str(elsewhere))
    found = worktree_of(str(elsewhere))
    assert found is not None
    assert found[2] == tree.git_dir, "git calls it the same"
    older = replace(tree, git_identity=replace(tree.git_identity, generation=-1), identity=Identity(1))
    assert folders.place_by_git(older) == folders.place_by_identity(older, [str(elsewhere)]) == ""


def test_a_folder_that_was_renamed_is_found_beside_where_it_was(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "app"
    path.mkdir()
    app = noted(root, path)
    assert (app.repository, app.git_dir) == ("", "") or app.repository
    path.rename(tmp_path / "renamed")
    assert folders.place_by_identity(app, []) == str(tmp_path / "renamed")
    (tmp_path / "far" / "away").mkdir(parents=True)
    moved = (tmp_path / "renamed").rename(tmp_path / "far" / "away" / "app")
    assert folders.place_by_identity(app, []) == str(moved)
    seen_gone = replace(app, gone_since=1.0)
    assert folders.place_by_identity(seen_gone, []) == "", "it is not looked for again and again"
    assert folders.place_by_identity(seen_gone, [str(moved)]) == str(moved)


def test_a_folder_whose_parent_was_renamed_is_found(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "projects" / "app"
    path.mkdir(parents=True)
    app = noted(root, path)
    (tmp_path / "projects").rename(tmp_path / "code")
    assert folders.place_by_identity(app, []) == str(tmp_path / "code" / "app")


def test_a_workspace_that_was_moved_keeps_where_its_ports_are_chosen_from(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "app"
    path.mkdir()
    assert noted(root, path).origin == ""
    path = path.rename(tmp_path / "second")
    assert noted(root, path).origin == str(tmp_path / "app")
    path = path.rename(tmp_path / "third")
    assert noted(root, path).origin == str(tmp_path / "app")
    (tmp_path / "app").mkdir()
    assert noted(root, tmp_path / "app").origin == ""


def test_what_was_written_down_is_written_anew_only_if_it_has_changed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    noted(root, tmp_path / "app")
    record = root / state_name(str(tmp_path / "app")) / "folder.json"
    before = record.stat().st_ino
    noted(root, tmp_path / "app")
    assert record.stat().st_ino == before
    folders.note(record.parent, str(tmp_path / "app"), "another boot")
    assert record.stat().st_ino != before
    assert record.stat().st_mode & 0o077 == 0


def test_a_path_that_is_no_text_is_written_down(root: Path, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9\n")
    path.mkdir()
    assert noted(root, path).path == str(path)
    assert folders.known_folders(root)[state_name(str(path))] == noted(root, path)


def test_workspaces_of_a_repository_that_are_missing_are_told_while_a_launcher_lives(
    repository: Path, root: Path
) -> None:
    tree = noted(root, repository.parent / "tree")
    record = root / state_name(tree.path) / "web.run.json"
    record.write_text(f'{{"launch": "L", "launcher": {os.getpid()}}}')
    assert missing_beside(str(root), str(repository)) == []
    git(repository, "worktree", "remove", tree.path)
    assert missing_beside(str(root), str(repository)) == [tree.path]
    assert missing_beside(str(root), str(repository / "api")) == [tree.path]
    assert missing_beside(str(root), str(root)) == [], "it is in no repository of that"
    record.write_text('{"launch": "L", "launcher": 0}')
    assert missing_beside(str(root), str(repository)) == []
    folders.note_gone(record.parent, tree, 1.0)
    assert listed(str(root), tree.repository) == []


def test_state_is_removed_whole_but_not_of_a_workspace_that_is_there_again(root: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    app, state = noted(root, tmp_path / "app"), root / state_name(str(tmp_path / "app"))
    (state / "watcher").mkdir()
    (state / "watcher" / "told").touch()
    assert not folders.remove(state, app)
    assert (state / "watcher" / "told").exists()
    (tmp_path / "app").rmdir()
    assert folders.remove(state, app)
    assert [*root.iterdir()] == []


def test_state_in_which_a_task_holds_a_lock_is_kept(root: Path, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    app, state = noted(root, tmp_path / "app"), root / state_name(str(tmp_path / "app"))
    (tmp_path / "app").rmdir()
    with State(state).lock("web"):
        assert not folders.remove(state, app)
    assert folders.remove(state, app)


def test_a_removal_that_was_broken_off_is_gone_on_with(root: Path) -> None:
    (root / ".app-12345678.42.gone").mkdir()
    assert folders.known_folders(root) == {}
    folders.remove_leftovers(root)
    assert [*root.iterdir()] == []


def test_what_is_mounted() -> None:
    disk = mount_of("/")
    assert disk.point == "/"
    assert mount_state(disk, False) == "mounted"
    assert mount_of("/proc/self") == mounted_at("/proc")
    assert mount_state(replace(disk, device=1, filesystem=1), False) == "other"
    assert mount_state(Mount("/nowhere", "ext4", 1, 1), False) == "missing"
    assert mount_state(Mount(), False) == "unknown"


def test_the_kernel_knows_the_folder_in_which_a_process_works(tmp_path: Path) -> None:
    path = tmp_path.resolve() / "app"
    path.mkdir()
    identity = identity_of(str(path))
    with subprocess.Popen(["sleep", "600"], cwd=path) as process:
        try:
            grip = held_by(process.pid)
            assert grip is not None
            assert (grip.inode, grip.place, grip.is_reachable) == (identity.inode, str(path), True)
            path = path.rename(tmp_path.resolve() / "moved")
            grip = held_by(process.pid)
            assert grip is not None
            assert (grip.inode, grip.place, grip.is_reachable) == (identity.inode, str(path), True)
            path.rmdir()
            grip = held_by(process.pid)
            assert grip is not None
            assert (grip.inode, grip.place, grip.is_removed) == (identity.inode, str(path), True)
        finally:
            process.kill()
    assert held_by(process.pid) is None
