"""Waits for what services printed last, so that a failure is told with its cause, and an end once its log is whole."""

from __future__ import annotations

from collections.abc import Iterable

from ..decisions.pause import pause_after
from ..model import Observation, Service
from ..world import World

LAST_WORDS_SECONDS = 1.0


def await_last_words(world: World, ended: Iterable[tuple[Service, Observation]]) -> None:
    """The logs of these are complete then, as far as they have ended, unless that takes too long.

    What a service prints comes through tmux a moment after its end is on record.
    """
    silent = {
        world.log_of(service, seen): seen.run.launch
        for service, seen in ended
        if seen.pane and seen.run and seen.run.ended is not None
    }
    began = world.monotonic()
    while not all(world.logs.is_complete(log, launch) for log, launch in silent.items()):
        if (elapsed := world.monotonic() - began) >= LAST_WORDS_SECONDS:
            return
        world.sleep(pause_after(elapsed))
