"""Odd folders, other people's tmux options, windows that wander: the same workspace and service are found.

Contract: Workspace.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.lab import Lab, until

SESSION = re.compile(r"^sentinel-[A-Za-z0-9_-]+$")

ODD = [
    ('o\'neil "my app";', "sentinel-oneil-my-app"),
    ("#{pane_id}#(touch injected)#[fg=red]##", "sentinel-pane_idtouch-injectedfgred"),
    ("%H:%M$HOME`id`a:b.v2", "sentinel-HMHOMEidabv2"),
    ("two\nlines", "sentinel-two-lines"),
    ("🚀проект日本", "sentinel-workspace"),
    ("-n", "sentinel-n"),
    ("back\\slash", "sentinel-backslash"),
    ("not-utf8-\udcff", "sentinel-not-utf8"),
    ("x" * 255, f"sentinel-{'x' * 255}"),
]
"""What tmux, a shell and a terminal could take for theirs; tests/test_names.py has the names one by one."""


def configured(lab: Lab, path: Path | None = None, **keys: object) -> None:
    lab.configure(path, telemetry={"command": lab.server(), "port": lab.port(), **keys})


def sessions(lab: Lab) -> list[str]:
    return [window.partition(":")[0] for window in lab.windows()]


# Folders


@pytest.mark.parametrize(("folder", "session"), ODD, ids=[str(number) for number in range(len(ODD))])
def test_a_service_runs_in_a_folder_of_any_name(lab: Lab, folder: str, session: str) -> None:
    path = lab.workspace(folder)
    configured(lab, path)
    done = lab.inv("telemetry.activate", "--json", cwd=path)
    assert done.code == 0, done.said
    assert done.json["workspace"] == str(path)
    assert done.json["session"] == session
    assert re.match(SESSION, session)
    assert lab.windows() == [f"{session}:2:📡 telemetry"]
    ended = lab.inv("telemetry.stop", "--json", cwd=path)
    assert (ended.code, ended.json["changed"]) == (0, True)
    assert ended.json["window"] == done.json["window"]
    assert lab.services() == []
    assert not [found for found in lab.folder.rglob("injected*") if found.is_file()]


def test_two_folders_of_the_same_name_get_two_sessions(lab: Lab) -> None:
    there = lab.workspace("elsewhere/app")
    for path in (lab.path, there):
        configured(lab, path)
    here, other = (lab.inv("telemetry.activate", "--json", cwd=path).json for path in (lab.path, there))
    assert here["session"] == "sentinel-app"
    assert re.match(r"^sentinel-app-[0-9a-f]{6}$", other["session"])
    assert lab.inv("telemetry.status", "--json", cwd=there).json["pid"] == other["pid"]
    assert lab.inv("telemetry.stop").code == 0
    assert lab.inv("telemetry.status", cwd=there).code == 0
    lab.tmux("kill-session", "-t", "=sentinel-app")
    assert lab.inv("telemetry.restart", "--json", cwd=there).json["session"] == other["session"]


def test_a_name_that_begins_with_anothers_never_meets_it(lab: Lab) -> None:
    longer = lab.workspace("app2")
    configured(lab, longer)
    configured(lab)
    assert lab.inv("telemetry.activate", cwd=longer).code == 0
    assert lab.inv("telemetry.status", "--json").json["session"] is None
    assert lab.inv("telemetry.activate").code == 0
    assert sorted(lab.windows()) == ["sentinel-app2:2:📡 telemetry", "sentinel-app:2:📡 telemetry"]
    assert lab.inv("telemetry.stop").code == 0
    assert lab.inv("telemetry.status", cwd=longer).code == 0
    assert lab.inv("down").code == 0
    assert sessions(lab) == ["sentinel-app2"]


def test_workspace_folder_overrides_where_tasks_py_lies(lab: Lab) -> None:
    configured(lab)
    other = lab.folder / "chosen"
    other.mkdir()
    done = lab.inv("telemetry.activate", "--json", env={"WORKSPACE_FOLDER": str(other)})
    assert done.code == 0, done.said
    assert (done.json["workspace"], done.json["session"]) == (str(other), "sentinel-chosen")
    missing = lab.inv("telemetry.activate", env={"WORKSPACE_FOLDER": "/no/such/folder"})
    assert missing.code == 2
    assert "/no/such/folder" in missing.err


def test_a_subfolder_and_a_linked_folder_are_the_same_workspace(lab: Lab) -> None:
    configured(lab)
    below, link = lab.path / "src" / "deep", lab.folder / "link"
    below.mkdir(parents=True)
    link.symlink_to(lab.path)
    first = lab.inv("telemetry.activate", "--json", cwd=link, env={"PWD": str(link)}).json
    for again in (
        lab.inv("telemetry.activate", "--json", env={"WORKSPACE_FOLDER": str(link)}).json,
        lab.inv("telemetry.activate", "--json", cwd=below).json,
        lab.inv("telemetry.activate", "--json").json,
    ):
        assert (again["pid"], again["changed"], again["workspace"]) == (first["pid"], False, str(lab.path))
    assert first["workspace"] == str(lab.path)


def test_a_folder_that_was_replaced_by_another_is_the_same_workspace_again(lab: Lab) -> None:
    configured(lab)
    lab.path.rename(lab.folder / "moved")
    fresh = lab.workspace("app")
    configured(lab, fresh)
    assert lab.inv("telemetry.activate", "--json", cwd=fresh).json["session"] == "sentinel-app"


# Sessions made by hand


def test_a_session_made_by_hand_in_this_folder_is_adopted(lab: Lab) -> None:
    configured(lab)
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(lab.path), "-n", "mine", "sleep 600")
    done = lab.inv("telemetry.activate", "--json")
    assert done.code == 0, done.said
    assert lab.windows() == ["sentinel-app:0:mine", "sentinel-app:2:📡 telemetry"]
    assert lab.inv("down").code == 0
    assert "sentinel-app:0:mine" in lab.windows()


def test_a_session_made_by_hand_through_a_link_is_adopted(lab: Lab) -> None:
    configured(lab)
    (lab.folder / "link").symlink_to(lab.path)
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(lab.folder / "link"), "sleep 600")
    assert lab.inv("telemetry.activate", "--json").json["session"] == "sentinel-app"


def test_a_session_of_the_name_made_elsewhere_is_left_alone(lab: Lab) -> None:
    configured(lab)
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(lab.folder), "-n", "theirs", "sleep 600")
    done = lab.inv("telemetry.activate", "--json")
    assert re.match(r"^sentinel-app-[0-9a-f]{6}$", done.json["session"])
    assert [window for window in lab.windows() if window.startswith("sentinel-app:")] == ["sentinel-app:0:theirs"]
    assert lab.inv("telemetry.status", "--json").json["pid"] == done.json["pid"]


# Other people's options


@pytest.mark.parametrize(
    "lines",
    [
        ["set -g base-index 1", "set -g pane-base-index 1", "set -g automatic-rename on", "set -g allow-rename on",
         "set-hook -g after-new-window split-window"],
        ["set -g base-index 2", "set -g renumber-windows on", "set-hook -g after-new-window 'rename-window hooked'",
         "set -g destroy-unattached on", "set -g default-shell /bin/false", "set -g default-command 'exit 1'"],
        ["set -g remain-on-exit on", "set -g history-limit 5", "set -g status off", "set -g window-size smallest",
         "set -g base-index 999"],
    ],
    ids=["new-windows-are-split", "nothing-stays", "everything-stays"],
)  # fmt: skip
def test_the_users_own_tmux_options_change_nothing(lab: Lab, lines: list[str]) -> None:
    (lab.folder / "home" / ".tmux.conf").write_text("\n".join([*lines, ""]))
    server = lab.server()
    lab.configure(dev={"command": server, "port": lab.port()}, telemetry={"command": server, "port": lab.port()})
    done = lab.inv("up", "--json")
    assert done.code == 0, done.said
    first, second = done.json["services"]
    assert (first["window"]["index"], second["window"]["index"]) == (1, 2)
    assert len(lab.windows()) == 2
    again = lab.inv("restart", "--only", "dev", "--json").json["services"][0]
    assert again["window"]["id"] == first["window"]["id"]
    assert again["pid"] != first["pid"]
    assert lab.inv("telemetry.status", "--json").json["window"]["id"] == second["window"]["id"]
    assert lab.tmux("show-options", "-g", "history-limit").endswith(
        " 5" if "set -g history-limit 5" in lines else " 2000"
    )
    assert lab.inv("down").code == 0
    assert lab.services() == []


def test_a_tmux_server_that_does_not_stay_is_named_as_the_cause(lab: Lab) -> None:
    """The doctor, to which it used to be sent, saw nothing wrong."""
    (lab.folder / "home" / ".tmux.conf").write_text("set -g exit-unattached on\n")
    configured(lab)

    def told() -> bool:
        """A server that goes late has let the launcher begin, whose window is closed then."""
        done = lab.inv("telemetry.activate")
        assert done.code == 1
        return "`exit-unattached on` in tmux.conf" in done.err

    until(told)
    assert lab.services() == []


def test_our_windows_are_found_though_the_user_closes_those_before_them(lab: Lab) -> None:
    (lab.folder / "home" / ".tmux.conf").write_text("set -g renumber-windows on\n")
    configured(lab)
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(lab.path), "-n", "mine", "sleep 600")
    first = lab.inv("telemetry.activate", "--json").json
    lab.tmux("new-window", "-d", "-t", "=sentinel-app:", "-n", "spare", "sleep 600")
    lab.tmux("kill-window", "-t", "=sentinel-app:0")
    lab.tmux("move-window", "-r", "-t", "=sentinel-app:")
    told = lab.inv("telemetry.status", "--json").json
    assert (told["state"], told["pid"]) == ("running", first["pid"])
    assert lab.inv("telemetry.stop").code == 0
    assert lab.services() == []


# Windows that wander


def test_a_window_that_was_renamed_or_moved_is_found_again_and_told_where_it_is(lab: Lab) -> None:
    configured(lab)
    first = lab.inv("telemetry.activate", "--json").json
    lab.tmux("rename-window", "-t", first["window"]["id"], "my own; name")
    again = lab.inv("telemetry.activate", "--json").json
    assert (again["changed"], again["pid"]) == (False, first["pid"])
    assert again["window"]["name"] == "my own; name"
    lab.tmux("move-window", "-s", first["window"]["id"], "-t", "=sentinel-app:7")
    told = lab.inv("telemetry.status")
    assert "window 7" in told.out
    assert "Running" in told.out
    assert lab.inv("telemetry.restart", "--json").json["window"] == {**again["window"], "index": 7}


def test_a_window_that_was_moved_to_another_session_is_found_again(lab: Lab) -> None:
    configured(lab)
    first = lab.inv("telemetry.activate", "--json").json
    lab.tmux("new-session", "-d", "-s", "elsewhere", "sleep 600")
    lab.tmux("move-window", "-s", first["window"]["id"], "-t", "=elsewhere:5")
    assert "window 5 of elsewhere" in lab.inv("telemetry.activate").out
    again = lab.inv("telemetry.activate", "--json").json
    assert (again["changed"], again["pid"]) == (False, first["pid"])
    told = lab.inv("telemetry.restart", "--json").json
    assert (told["session"], told["window"]["index"]) == ("elsewhere", 5)
    page = lab.inv("telemetry.status").out
    assert "tmux Session: elsewhere\n✅ Session exists\n✅ Telemetry window exists (window 5)\n" in page
    assert lab.inv("telemetry.stop").code == 0
    assert lab.services() == []
    assert [window for window in lab.windows() if window.startswith("elsewhere:0:")]


def test_a_window_that_is_shown_in_two_sessions_is_one(lab: Lab) -> None:
    configured(lab)
    first = lab.inv("telemetry.activate", "--json").json
    lab.tmux("new-session", "-d", "-s", "elsewhere", "sleep 600")
    lab.tmux("link-window", "-s", first["window"]["id"], "-t", "=elsewhere:5")
    assert "window exists (window 2)" in lab.inv("telemetry.status").out
    assert "'=sentinel-app:2'" in lab.inv("telemetry.attach").out
    again = lab.inv("telemetry.activate", "--json").json
    assert (again["pid"], again["session"], again["window"]) == (first["pid"], first["session"], first["window"])
    assert lab.inv("telemetry.stop").code == 0
    assert lab.services() == []


def test_a_pane_that_a_person_split_off_is_left_alone(lab: Lab) -> None:
    configured(lab)
    first = lab.inv("telemetry.activate", "--json").json
    lab.tmux("split-window", "-d", "-t", first["window"]["id"], "exec sleep 601")
    done = lab.inv("telemetry.restart", "--json")
    assert done.code == 0, done.said
    assert done.json["window"]["id"] == first["window"]["id"]
    commands = lab.tmux("list-panes", "-a", "-F", "#{pane_dead}#{pane_current_command}").splitlines()
    assert "0sleep" in commands
    assert len(commands) == 2


@pytest.mark.parametrize("move", [["break-pane"], ["join-pane", "-t", "=sentinel-app:1"]], ids=["broken-out", "joined"])
def test_a_pane_that_left_its_window_is_found_again(lab: Lab, move: list[str]) -> None:
    server = lab.server()
    lab.configure(dev={"command": server, "port": lab.port()}, telemetry={"command": server, "port": lab.port()})
    dev, first = lab.inv("up", "--json").json["services"]
    pane = lab.tmux("list-panes", "-t", first["window"]["id"], "-F", "#{pane_id}")
    lab.tmux("split-window", "-d", "-t", pane, "exec sleep 601")
    lab.tmux(*move, "-d", "-s", pane)
    told = {each["service"]: each["pid"] for each in lab.inv("up", "--json").json["services"]}
    assert told == {"dev": dev["pid"], "telemetry": first["pid"]}
    again = lab.inv("telemetry.restart", "--json")
    assert again.code == 0, again.said
    assert lab.inv("dev.status", "--json").json["pid"] == dev["pid"]
    assert lab.inv("down").code == 0
    assert lab.services() == []


def test_an_index_that_is_taken_gives_way_to_the_next_and_messages_say_so(lab: Lab) -> None:
    configured(lab)
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(lab.path), "sleep 600")
    for index in (2, 3):
        lab.tmux("new-window", "-d", "-t", f"=sentinel-app:{index}", "sleep 600")
    done = lab.inv("telemetry.activate")
    assert done.code == 0, done.said
    assert "window 4 of sentinel-app" in done.out
    assert "window exists (window 4)" in lab.inv("telemetry.status").out
    assert "sentinel-app:4:📡 telemetry" in lab.windows()


def test_a_window_that_was_closed_is_opened_again(lab: Lab) -> None:
    configured(lab)
    first = lab.inv("telemetry.activate", "--json").json
    lab.tmux("kill-window", "-t", first["window"]["id"])
    until(lambda: not lab.services())
    told = lab.inv("telemetry.status", "--json").json
    assert told["state"] in ("stopped", "crashed")
    until(lambda: "listening on" in lab.inv("telemetry.logs").out)
    again = lab.inv("telemetry.activate", "--json")
    assert (again.code, again.json["changed"]) == (0, True)


def test_no_window_exists_for_a_service_that_was_never_started(lab: Lab) -> None:
    lab.configure(
        dev={"command": lab.server(), "port": lab.port()}, telemetry={"command": lab.server(), "port": lab.port()}
    )
    assert lab.inv("telemetry.activate").code == 0
    assert lab.windows() == ["sentinel-app:2:📡 telemetry"]
    assert lab.inv("dev.status").code == 3
    assert lab.inv("dev.stop").code == 0
    assert lab.windows() == ["sentinel-app:2:📡 telemetry"]


# Locales


def test_in_a_c_locale_windows_are_found_and_output_is_ascii(lab: Lab) -> None:
    path = lab.workspace("проект 🚀")
    configured(lab, path)
    first = lab.inv("telemetry.activate", "--json", cwd=path).json
    again = lab.inv("telemetry.activate", "--json", cwd=path, env={"LC_ALL": "C"}).json
    assert (again["pid"], again["window"]) == (first["pid"], first["window"])
    lab.inv("telemetry.stop", cwd=path)
    posix = {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}
    verbs = ("telemetry.activate", "telemetry.status", "ps", "telemetry.activate", "telemetry.stop")
    said = [lab.inv(verb, cwd=path, env=posix) for verb in verbs]
    assert [each.code for each in said] == [0] * len(said)
    assert all(each.said.isascii() for each in said), [each.said for each in said]
    assert "already running" in said[3].out
    assert lab.windows() == ["sentinel-workspace:2:📡 telemetry"]
    assert lab.services() == []


def test_another_tmux_server_is_used_by_its_socket_name(lab: Lab) -> None:
    services = {"telemetry": {"command": lab.server(), "port": lab.port()}}
    (lab.path / "invoke.yaml").write_text(json.dumps({"sentinel": {"socket_name": "other", "services": services}}))
    assert lab.inv("telemetry.activate").code == 0
    assert lab.windows() == []
    there = lab.tmux("list-windows", "-a", "-F", "#{session_name}:#{window_index}", socket_name="other")
    assert there == "sentinel-app:2"
