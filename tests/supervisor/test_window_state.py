"""The window tells what its service is doing, by an option and by its name's style; the launcher sets both."""

from __future__ import annotations

import os
import shutil
import time
from typing import Any

import pytest

from sentinel_tasks.lineage import proc
from sentinel_tasks.model import UP_AFTER
from sentinel_tasks.supervisor import window_state
from sentinel_tasks.supervisor.window_state import WindowState, words_for
from tests.lab import PATIENCE, until

from .launched import HASTY, PATIENT, READY, InPane, command_of

TMUX = shutil.which("tmux")
patient = pytest.mark.parametrize("pane", [PATIENT], indirect=True, ids=["patient"])
LIVES = f"trap 'exit 0' INT; {READY}while :; do sleep 0.02; done"


def window(pane: InPane) -> str:
    """What the window tells, and the style of its own."""
    return pane.tmux("list-windows", "-a", "-F", "#{@sentinel_status} #{window-status-style}")


def own_style(pane: InPane) -> str:
    return pane.tmux("show-options", "-w", "-t", "=s:", "window-status-style")


@patient
def test_a_crash_is_told_in_red(pane: InPane) -> None:
    pane.give("exit 3", tmux=TMUX)
    pane.wait_for_end()
    assert window(pane) == "crashed fg=red"


@patient
def test_a_restart_is_told_until_the_next_run_stays_up(pane: InPane) -> None:
    pane.give(f"if [ -e well ]; then {LIVES}; fi; exit 1", tmux=TMUX, restart="on-failure")
    until(lambda: window(pane) == "restarting fg=yellow")
    (pane.folder / "well").touch()
    until(lambda: window(pane).startswith("running"))
    assert own_style(pane) == ""
    pane.press("C-c")
    pane.wait_for_end()
    assert window(pane).startswith("stopped")


@patient
def test_a_service_that_no_longer_answers_is_told(pane: InPane) -> None:
    (pane.folder / "well").touch()
    liveness = {"command": "test -e well", "interval": 0.05, "timeout": PATIENCE, "retries": 10_000, "grace": 60.0}
    pane.give(LIVES, tmux=TMUX, liveness=liveness)
    until(lambda: window(pane).startswith("running"))
    (pane.folder / "well").unlink()
    until(lambda: window(pane) == "unhealthy fg=yellow")
    (pane.folder / "well").touch()
    until(lambda: window(pane).startswith("running"))
    assert own_style(pane) == ""


def test_nothing_is_told_where_that_is_not_wanted_and_no_style_of_the_users_is_touched(pane: InPane) -> None:
    pane.tmux("set-option", "-g", "window-status-style", "fg=green")
    pane.give("exit 3")
    pane.wait_for_end()
    assert window(pane).strip() == "fg=green"
    assert own_style(pane) == ""


@patient
def test_a_crash_is_told_though_the_services_folder_is_gone(pane: InPane) -> None:
    pane.give("true", tmux=TMUX, cwd=str(pane.folder / "gone"))
    pane.wait_for_end()
    assert window(pane) == "crashed fg=red"


@pytest.mark.parametrize("pane", [HASTY], indirect=True, ids=["hasty"])
def test_a_tmux_that_does_not_answer_is_killed_and_holds_up_no_end(pane: InPane) -> None:
    frozen = pane.folder / "frozen"
    os.mkfifo(pane.folder / "nothing")
    frozen.write_text(f"#!/bin/sh\nread nothing <{pane.folder}/nothing\n")
    frozen.chmod(0o755)
    pane.give("exit 3", tmux=str(frozen))
    pane.wait_for_end()
    assert pane.told.exit_code == 3
    until(lambda: not [pid for pid in proc.pids() if str(frozen) in command_of(pid)], "the end of what was killed")


# In which order


class Told:
    """A window whose tmux answers when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.words: list[list[str]] = []
        self.heard: list[Any] = []
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setenv("TMUX_PANE", "%5")
        self.state = WindowState(self, self)  # type: ignore[arg-type]
        self.state.tmux = "tmux"

    def is_gone(self) -> bool:
        return False

    def tell_tmux(self, words: list[str], heard: Any) -> None:
        self.words.append(words)
        self.heard.append(heard)


def test_what_changes_while_tmux_is_told_is_told_after_that(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch)
    for word in ("unhealthy", "restarting", "crashed"):
        told.state.tell(word)
    assert [words[6] for words in told.words] == ["unhealthy"]
    told.heard.pop()(0, "")
    assert [words[6] for words in told.words] == ["unhealthy", "crashed"]
    told.heard.pop()(None, "")
    assert not told.state.is_telling


def test_a_run_after_a_restart_is_running_once_it_stays_up(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told(monkeypatch)
    told.state.begin(is_restart=False)
    assert (told.words, told.state.next_due) == ([], float("inf"))
    told.state.begin(is_restart=True)
    told.heard.pop()(0, "")
    told.now = 0.9
    told.state.advance()
    assert [words[6] for words in told.words] == ["restarting"]
    told.now = 1.0
    told.state.advance()
    assert [words[6] for words in told.words] == ["restarting", "running"]
    assert window_state.UP_AFTER == UP_AFTER


@pytest.mark.parametrize(
    ("before", "word", "style"),
    [
        ("starting", "stopped", []),
        ("starting", "crashed", [";", "set-option", "-w", "-t", "%5", "window-status-style", "fg=red"]),
        ("crashed", "restarting", [";", "set-option", "-w", "-t", "%5", "window-status-style", "fg=yellow"]),
        ("restarting", "unhealthy", []),
        ("unhealthy", "running", [";", "set-option", "-w", "-u", "-t", "%5", "window-status-style"]),
    ],
)
def test_the_style_is_touched_only_where_it_changes(before: Any, word: Any, style: list[str]) -> None:
    assert words_for(word, before, "%5") == ["set-option", "-w", "-t", "%5", "@sentinel_status", word, *style]
