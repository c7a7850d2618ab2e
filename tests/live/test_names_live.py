"""Odd folders, other people's tmux options, windows that wander: the same workspace and service are found.

Contract: Workspace.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.lab import STAYS, Lab, until

SESSION = re.compile(r"^sentinel-[A-Za-z0-9_-]+$")

LONGEST = "x" * 255
"""tests/test_names.py has other names one by one, test_injection.py runs in folders that tmux could misunderstand."""


def configured(lab: Lab, path: Path | None = None) -> None:
    lab.configure(path, telemetry=STAYS)


def sessions(lab: Lab) -> list[str]:
    return [window.partition(":")[0] for window in lab.windows()]


# Folders


def test_a_service_runs_in_a_folder_of_the_longest_name(lab: Lab) -> None:
    path, session = lab.workspace(LONGEST), f"sentinel-{LONGEST}"
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


# Sessions made by hand


def test_a_session_made_by_hand_through_a_link_is_adopted_and_a_window_gets_the_next_free_index(lab: Lab) -> None:
    configured(lab)
    (lab.folder / "link").symlink_to(lab.path)
    made = ("-d", "-s", "sentinel-app", "-c", str(lab.folder / "link"), "-n", "mine", "sleep 600")
    lab.tmux("new-session", *made, ";", "new-window", "-d", "-t", "=sentinel-app:2", "-n", "too", "sleep 600")
    done = lab.inv("telemetry.activate")
    assert "window 3 of sentinel-app" in done.out
    assert lab.windows() == ["sentinel-app:0:mine", "sentinel-app:2:too", "sentinel-app:3:📡 telemetry"]
    assert lab.inv("down").code == 0
    assert lab.windows()[:2] == ["sentinel-app:0:mine", "sentinel-app:2:too"]
    assert lab.services() == []


def test_a_session_of_the_name_made_elsewhere_is_left_alone(lab: Lab) -> None:
    configured(lab)
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(lab.folder), "-n", "theirs", "sleep 600")
    done = lab.inv("telemetry.activate", "--json")
    assert re.match(r"^sentinel-app-[0-9a-f]{6}$", done.json["session"])
    assert [window for window in lab.windows() if window.startswith("sentinel-app:")] == ["sentinel-app:0:theirs"]
    assert lab.inv("telemetry.status", "--json").json["pid"] == done.json["pid"]


# Other people's options


OPTIONS = """
set -g base-index 999
set -g pane-base-index 1
set -g renumber-windows on
set -g automatic-rename on
set -g allow-rename on
set -g remain-on-exit on
set -g history-limit 5
set -g status off
set -g window-size smallest
set -g destroy-unattached on
set -g default-shell /bin/false
set -g default-command 'exit 1'
set-hook -g after-new-window "split-window 'sleep 600'; rename-window hooked"
"""


def test_the_users_own_tmux_options_change_nothing(lab: Lab) -> None:
    """Windows would be split, renamed and closed; what has no command of its own would end at once."""
    (lab.folder / "home" / ".tmux.conf").write_text(OPTIONS)
    lab.configure(dev=STAYS, telemetry=STAYS)
    done = lab.inv("up", "--json")
    assert done.code == 0, done.said
    first, second = done.json["services"]
    assert (first["window"]["index"], second["window"]["index"]) == (1, 2)
    assert len(lab.windows()) == 2
    again = lab.inv("restart", "--only", "dev", "--json").json["services"][0]
    assert again["window"]["id"] == first["window"]["id"]
    assert again["pid"] != first["pid"]
    assert lab.inv("telemetry.status", "--json").json["window"]["id"] == second["window"]["id"]
    assert lab.tmux("show-options", "-g", "history-limit").endswith(" 5")
    assert lab.inv("down").code == 0
    assert lab.services() == []


def test_a_tmux_server_that_does_not_stay_is_named_as_the_cause(lab: Lab) -> None:
    """The doctor, to which it used to be sent, saw nothing wrong."""
    (lab.folder / "home" / ".tmux.conf").write_text("set -g exit-unattached on\n")
    configured(lab)

    def told() -> bool:
        """A server that goes late has let the launcher begin, whose window is closed then."""
        done = lab.inv("telemetry.activate")
        return done.code == 1 and "`exit-unattached on` in tmux.conf" in done.err

    until(told)
    assert lab.services() == []


def test_a_window_that_was_moved_renamed_linked_or_taken_to_another_session_is_found_and_told_where_it_is(
    lab: Lab,
) -> None:
    (lab.folder / "home" / ".tmux.conf").write_text("set -g renumber-windows on\n")
    configured(lab)
    lab.tmux("new-session", "-d", "-s", "sentinel-app", "-c", str(lab.path), "-n", "mine", "sleep 600")
    first = lab.inv("telemetry.activate", "--json").json
    window = first["window"]["id"]

    # A person closes the windows before it, which have others move up
    lab.tmux("new-window", "-d", "-t", "=sentinel-app:", "-n", "spare", "sleep 600")
    lab.tmux("kill-window", "-t", "=sentinel-app:0")
    lab.tmux("move-window", "-r", "-t", "=sentinel-app:")
    told = lab.inv("telemetry.status", "--json").json
    assert (told["state"], told["pid"], told["window"]["index"]) == ("running", first["pid"], 1)

    # renames and moves it
    lab.tmux("rename-window", "-t", window, "my own; name")
    lab.tmux("move-window", "-s", window, "-t", "=sentinel-app:7")
    again = lab.inv("telemetry.activate", "--json").json
    assert (again["changed"], again["pid"]) == (False, first["pid"])
    assert again["window"] == {"index": 7, "id": window, "name": "my own; name"}

    # shows it in two sessions
    lab.tmux("new-session", "-d", "-s", "elsewhere", "sleep 600")
    lab.tmux("link-window", "-s", window, "-t", "=elsewhere:5")
    page = lab.inv("telemetry.status").out
    assert "window exists (window 7)" in page
    assert "Running" in page
    assert "'=sentinel-app:7'" in lab.inv("telemetry.attach").out
    twice = lab.inv("telemetry.activate", "--json").json
    assert (twice["pid"], twice["session"], twice["window"]) == (first["pid"], first["session"], again["window"])

    # takes it to another session
    lab.tmux("unlink-window", "-t", "=sentinel-app:7")
    assert "window 5 of elsewhere" in lab.inv("telemetry.activate").out
    moved = lab.inv("telemetry.restart", "--json").json
    assert (moved["session"], moved["window"]) == ("elsewhere", {**again["window"], "index": 5})
    page = lab.inv("telemetry.status").out
    assert "tmux Session: elsewhere\n✅ Session exists\n✅ Telemetry window exists (window 5)\n" in page
    assert lab.inv("telemetry.stop").code == 0
    assert lab.services() == []
    assert [each for each in lab.windows() if each.startswith("elsewhere:0:")]


# Windows that wander


def test_a_pane_that_left_its_window_is_found_again(lab: Lab) -> None:
    lab.configure(dev=STAYS, telemetry=STAYS)
    dev, first = lab.inv("up", "--json").json["services"]
    pane = lab.tmux("list-panes", "-t", first["window"]["id"], "-F", "#{pane_id}")
    lab.tmux("split-window", "-d", "-t", pane, "exec sleep 601")
    for move in (["break-pane"], ["join-pane", "-t", "=sentinel-app:1"]):
        lab.tmux(*move, "-d", "-s", pane)
        told = {each["service"]: each["pid"] for each in lab.inv("up", "--json").json["services"]}
        assert told == {"dev": dev["pid"], "telemetry": first["pid"]}
    assert lab.inv("down").code == 0
    assert lab.services() == []
    until(lambda: "sleep" in lab.tmux("list-panes", "-a", "-F", "#{pane_current_command}"), "a person's own pane")


# Locales


def test_in_another_locale_windows_are_found_and_where_it_is_not_utf8_output_is_ascii(lab: Lab) -> None:
    path = lab.workspace("проект 🚀")
    configured(lab, path)
    latin, posix = {"LC_ALL": "de_DE.ISO-8859-1", "PYTHONUTF8": "0"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}
    first = lab.inv("telemetry.activate", "--json", cwd=path, env=latin).json
    again = lab.inv("telemetry.activate", "--json", cwd=path).json
    assert (again["changed"], again["pid"], again["window"]) == (False, first["pid"], first["window"])
    said = lab.inv("telemetry.status", cwd=path, env=posix)
    assert (said.code, said.said.isascii()) == (0, True), said.said
    assert ("(window 2)" in said.out, "[ok]" in said.out) == (True, True), said.out
    assert lab.windows() == ["sentinel-workspace:2:📡 telemetry"]
