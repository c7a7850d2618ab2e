"""A record that no disk has room for: the launcher has its window tell it, and tasks read it there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from sentinel_tasks.model import Run
from sentinel_tasks.observation.records import record_of
from sentinel_tasks.system.state_folder import State
from tests.facts import NOW, OWN_PANE, OWN_RUN, seen_alive, service

READY = replace(OWN_RUN, ready=NOW)
WEB = service()


def read(folder: Path, on_window: str, on_disk: Run | None, later: str | None = None) -> Run | None:
    """What is known of its run, of these; `later` is on its window once its launcher has ended."""
    state = State(folder / "app")
    state.prepare()
    if on_disk:
        (path := state.record(WEB.name)).write_bytes(msgspec.json.encode(on_disk))
        path.chmod(0o600)
    world: Any = SimpleNamespace(state_of=lambda folder: state, tmux=SimpleNamespace(record_on=lambda pane: later))
    seen = replace(seen_alive(), pane=replace(OWN_PANE, run=on_window))
    return record_of(WEB, seen if later is None else replace(seen, launcher=None, family=()), world)


@pytest.mark.parametrize("on_disk", [None, OWN_RUN])
def test_what_the_window_tells_counts_before_a_record_that_is_lost_or_old(tmp_path: Path, on_disk: Run | None) -> None:
    """A start waited for 30 s for the READY=1 that the launcher had heard at once."""
    assert read(tmp_path, msgspec.json.encode(READY).decode(), on_disk) == READY


@pytest.mark.parametrize(
    "on_window", ["", "no record", "{}", msgspec.json.encode(replace(READY, launch="an earlier one")).decode()]
)
def test_a_window_that_tells_nothing_of_this_launch_is_not_believed(tmp_path: Path, on_window: str) -> None:
    assert read(tmp_path, on_window, OWN_RUN) == OWN_RUN


@pytest.mark.parametrize("on_window", ["", msgspec.json.encode(READY).decode()])
def test_an_end_that_is_told_after_tmux_was_looked_at_is_known(tmp_path: Path, on_window: str) -> None:
    """It was told as killed, for the window had said that it runs."""
    ended = replace(READY, ended=NOW, exit_code=3)
    assert read(tmp_path, on_window, None, msgspec.json.encode(ended).decode()) == ended
