"""Waits for what services printed last, so that a failure is told with its cause, and an end once its log is whole."""

from __future__ import annotations

from collections.abc import Iterable

from ..decisions.pause import pause_after
from ..model import Observation, Service
from ..world import World

LAST_WORDS_SECONDS, SECONDS_ON_A_FULL_DISK = 3.0, 1.0
"""A log pump takes that long only on a very busy machine; on a full disk it may never write the end."""


def await_last_words(world: World, ended: Iterable[tuple[Service, Observation]]) -> None:
    """The logs of these are complete then, as far as they have ended, unless that takes too long.

    What a service prints comes through tmux a moment after its end is on record.
    """
    silent = [
        (world.log_of(service, seen), seen.run.launch, world.state_of(seen.state_folder))
        for service, seen in ended
        if seen.pane and seen.run and seen.run.ended is not None
    ]
    began = world.monotonic()
    while not all(world.logs.is_complete(log, launch) for log, launch, _ in silent):
        is_on_a_full_disk = any(state.is_full() for _, _, state in silent)
        elapsed, most = world.monotonic() - began, SECONDS_ON_A_FULL_DISK if is_on_a_full_disk else LAST_WORDS_SECONDS
        if elapsed >= most:
            return
        world.sleep(pause_after(elapsed))
