"""Worktrees that are removed and moved while their services run: what no program is told of, the machine shows."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.lab import Lab, until

TASKS = "from sentinel_tasks import service, workspace\nnamespace = workspace(service('web'))\n"


def git(folder: Path, *words: str) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    subprocess.run(command, check=True, capture_output=True, env=environ)


def of(lab: Lab, path: Path) -> list[int]:
    """The services that run of that workspace."""
    home = f"SENTINEL_WORKSPACE={path}".encode()
    return [each.pid for each in lab.services() if home in Path(f"/proc/{each.pid}/environ").read_bytes().split(b"\0")]


def test_what_is_left_of_removed_worktrees_is_ended_and_what_was_moved_is_left(lab: Lab) -> None:
    lab.configure(web={"command": lab.server(), "port": "auto", "health": "tcp"})
    (lab.path / "tasks.py").write_text(TASKS)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        git(lab.path, *words)
    removed, moved = lab.folder / "removed", lab.folder / "moved"
    for path in (removed, moved):
        git(lab.path, "worktree", "add", "-q", "--detach", str(path))
        assert lab.inv("up", cwd=path).code == 0
    port = lab.sentinel("status", "web", "--json", cwd=moved).json["port"]
    addresses = {"SENTINEL_PORT_WEB": str(port), "SENTINEL_URL_WEB": f"http://localhost:{port}"}
    assert lab.inv("env", "--workspace", str(moved), "--json").json == addresses
    git(lab.path, "worktree", "remove", "--force", str(removed))
    git(lab.path, "worktree", "move", str(moved), str(lab.folder / "there"))

    assert f"web of {removed}, which is gone, still runs; inv gc ends what is left" in lab.inv("web.status").err
    assert f"web of {moved}, which was moved here, still runs" in lab.inv("ps", cwd=lab.folder / "there").err
    everywhere = {each["workspace"]: each["folder"] for each in lab.inv("ps", "--all", "--json").json["workspaces"]}
    assert everywhere == {str(removed): "gone", str(moved): "moved", str(lab.path): "here"}

    assert of(lab, removed), "whoever only looks ends nothing"
    done = lab.inv("gc", "--json")
    assert {each["workspace"]: each["state"] for each in done.json["workspaces"]} == {
        str(removed): "gone", str(moved): "moved",
    }  # fmt: skip
    assert not of(lab, removed)
    assert of(lab, moved)
    assert {each.partition(":")[0] for each in lab.windows()} == {"sentinel-moved"}
    assert lab.inv("web.status").err == ""

    refused = lab.inv("down", "--all")
    assert refused.code == 2
    assert f"{moved}: web" in refused.err
    assert "--yes" in refused.err
    assert lab.inv("down", "--workspace", str(moved)).code == 0
    until(lambda: not lab.windows(), "the end of the last session")
    there = lab.inv("up", "--json", cwd=lab.folder / "there").json["services"][0]
    assert there["port"] == port, "an automatic port stays over a move"
    assert lab.inv("down", "--all", "--yes").code == 0
    until(lambda: not lab.windows(), "the end of every session")
    shutil.rmtree(lab.folder / "there")
    assert lab.inv("gc", "--keep-logs", "0").code == 0
    assert lab.state("folder.json") == []
