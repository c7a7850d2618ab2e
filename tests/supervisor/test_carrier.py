"""The record while it can't be written: on the launcher's own pane, and no longer than that. On a real tmux."""

from __future__ import annotations

import json
import os
import shutil
import signal

import pytest

from tests.lab import until

from .launched import PATIENT, InPane

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.parametrize("pane", [PATIENT], indirect=True, ids=["patient"])


def told(pane: InPane) -> str:
    return pane.tmux("show-options", "-p", "-q", "-v", "-t", "=s:", "@sentinel_run")


def test_record_is_on_the_pane_until_it_can_be_written_again(pane: InPane) -> None:
    pane.record.mkdir()
    pane.give("echo ready; exec sleep 1000", tmux=TMUX)
    record = until(lambda: told(pane))
    assert json.loads(record)["launch"] == pane.name
    pane.wait_for("can't be written")
    pane.record.rmdir()
    os.kill(pane.pid, signal.SIGINT)
    until(lambda: (run := pane.state.run("web")) and run.asked)
    until(lambda: not told(pane))
    os.kill(pane.pid, signal.SIGTERM)
    pane.wait_for_end()


def test_end_is_on_the_pane_before_its_launcher_ends(pane: InPane) -> None:
    pane.record.mkdir()
    pane.give("exit 3", tmux=TMUX)
    pane.wait_for_end()
    assert json.loads(told(pane))["exit_code"] == 3
