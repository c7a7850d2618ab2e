"""How a service's latest run went: its launcher's record, as far as it does not contradict what lives."""

from __future__ import annotations

from msgspec.structs import replace

from ..model import Observation, Run, Service, identity_of
from ..world import World

LONGEST_CLEANUP = 10.0
"""Seconds that a launcher needs at most to end what a run that failed left behind."""


def record_of(service: Service, bare: Observation, world: World) -> Run | None:
    """The record of the launch that the launcher or the pane is of; of the last one if there is neither.

    What lives counts before what is on record.
    """
    run = _latest(service, bare, world)
    if run is not None and run.leases:
        kept = world.leases.kept(world.state_of(bare.state_folder).lease(service.name), run.launch)
        run = run if kept is None else replace(run, leases=kept)
    launch = bare.launch
    if run is not None and launch not in (None, run.launch):
        run = None
    if run is not None and bare.launcher is None and bare.pane is not None and bare.pane.stopped == run.launch:
        return run if run.is_over else replace(run, ended=bare.now, next_start=None, interrupted=True)
    if run is not None and _is_contradicted(run, bare, world):
        return replace(run, ended=None, exit_code=None, signal=None, error=None, interrupted=False)
    if run is not None and _names_a_stranger(run, bare):
        child = bare.family[0]
        return replace(run, pid=child.pid, ticks=child.ticks)
    return (_unrecorded(bare, world) or run) if run is None or run.is_incomplete else run


def _latest(service: Service, bare: Observation, world: World) -> Run | None:
    """The record on the disk, or what the launcher has its window tell while the disk has no room for one.

    A launcher that has ended since tmux was looked at may have had its end told there.
    """
    state, pane = world.state_of(bare.state_folder), bare.pane
    written = state.run(service.name)
    if pane is None:
        return written
    is_told_late = bare.launcher is None and (pane.run or written is None or written.launch != bare.launch)
    told = state.carried(world.tmux.record_on(pane) if is_told_late else pane.run)
    return told if told is not None and told.launch == bare.launch else written


def _names_a_stranger(run: Run, bare: Observation) -> bool:
    """True for a process of the run that is not below the launcher, although nothing says that it has ended."""
    is_left = run.asked is not None or run.backgrounded is not None or run.ended is not None
    return (
        not is_left and run.pid is not None and bool(bare.family) and all(each.pid != run.pid for each in bare.family)
    )


def _is_contradicted(run: Run, bare: Observation, world: World) -> bool:
    """True for a record of an end while the launcher and what it started live on."""
    if not run.is_over or not bare.family:
        return False
    main = next((each for each in bare.family if each.pid == run.pid), None)
    if main is not None:
        return world.processes.is_alive(identity_of(main))  # it may have ended since the look
    if run.backgrounded is not None and run.asked is None and run.cause is None:
        return any(world.processes.is_alive(identity_of(each)) for each in bare.family)  # its end is theirs
    return run.exit_code != 0 and not run.interrupted and bare.now - (run.ended or bare.now) > LONGEST_CLEANUP


def _unrecorded(bare: Observation, world: World) -> Run | None:
    """What the processes tell where the record does not: the launcher's child, and since when it runs."""
    if bare.launcher is None or not bare.family:
        return None
    child = bare.family[0]
    started = bare.now - world.processes.age(child)
    return Run(bare.launcher.launch, bare.launcher.identity.pid, child.pid, started=started, ticks=child.ticks)
