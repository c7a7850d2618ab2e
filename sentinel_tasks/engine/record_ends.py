"""Puts on record how a run ended whose launcher could not do it any more."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from msgspec.structs import replace

from ..errors import TmuxRefused
from ..model import Identity, Observation, Run, Service
from ..world import World

KILLED = "its launcher was killed"
STOPPED_SECONDS = 5.0
"""How long a stop waits for the lock before it leaves a record as it is."""


def note_killed_launchers(world: World, looks: Iterable[tuple[Service, Observation]]) -> None:
    """Records the end of each launcher that was killed, with an event: once, by whoever sees it first.

    Contract: Documents, Events.
    """
    for service, seen in looks:
        run = seen.run
        if run is None or seen.launcher is not None or run.is_over or not _is_gone(run, world):
            continue
        left = tuple(who for holder in seen.orphans if (who := holder.listener.identity))
        end = replace(run, ended=world.now(), next_start=None, cause=KILLED, family=left)
        state = world.state_of(seen.state_folder)
        if state.close_run(service.name, run, end, patience=0.0):
            state.event(service.name, "crash", run.pid, KILLED)


def _is_gone(run: Run, world: World) -> bool:
    """True if this very launcher has surely ended; one of an earlier version tells too little."""
    who = Identity(run.launcher, run.launcher_ticks)
    return run.launcher_ticks > 0 and (not world.processes.is_this_boot(run.boot) or not world.processes.is_alive(who))


def note_stopped(world: World, service: Service, first: Observation) -> None:
    """Records that a service was stopped, where its launcher did not live to do so."""
    state, before = world.state_of(first.state_folder), first.run
    run = state.run(service.name) or (before if first.pane and first.pane.run else None)
    if run is None or before is None or run.launch != before.launch or run.interrupted:
        return
    if run.is_over and (before.ended is None or run.ended != before.ended) and run.cause != KILLED:
        return  # its launcher told the end while it was stopped
    ended = run.ended or world.now()
    end = replace(run, ended=ended, next_start=None, interrupted=True, error=None, cause=None, family=())
    if state.close_run(service.name, run, end, STOPPED_SECONDS):
        state.event(service.name, "stop", run.pid, "asked to end")
    elif first.pane is not None and not run.is_over:
        with suppress(TmuxRefused):  # the window was closed meanwhile
            world.tmux.mark_stopped(first.pane)
