"""Restart: a stop, then a start that runs one-shots once more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ..config.environment import with_its_environment
from ..decisions.dependencies import with_dependencies
from ..errors import ConfigurationError, Problem
from ..model import STATUS_CODES, Lease, Report, Service
from ..observation.observe import observe
from ..observation.snapshot import take_snapshot
from ..world import World
from .start import Options, Start, start
from .stop import stop

REFUSED = STATUS_CODES["conflict"]


class Restarted(Struct, frozen=True):
    """The reports of both halves; `started` is None if a service did not stop, so that none was started."""

    stopped: list[Report]
    started: list[Report] | None


def restart(world: World, wanted: Sequence[str], options: Options) -> Restarted:
    """Stops the wanted services, then starts them and what they need; if one does not stop, none is started.

    Contract: Start, Restart.
    """
    return _stop_and_start(world, wanted, wanted, options, ())


def running_with_another(world: World, wanted: Sequence[str]) -> list[str]:
    """Those of the wanted services that run with another configuration than they would be started with now."""
    snapshot = take_snapshot(world, len(wanted))
    services = [world.workspace.service(name) for name in wanted]
    return [each.name for each in services if observe(each, world, snapshot, lambda *_: None).changes]


def start_anew(
    world: World, wanted: Sequence[str], changed: Sequence[str], options: Options, left_of: Collection[str] = ()
) -> Restarted:
    """Starts the wanted services, and restarts exactly the `changed` ones among them.

    Before that it ends the instances of `left_of` that the configuration names no more.
    """
    return _stop_and_start(world, changed, wanted, options, left_of)


def _stop_and_start(
    world: World, ended: Sequence[str], wanted: Sequence[str], options: Options, left_of: Collection[str]
) -> Restarted:
    ended = [*ended, *_that_restart_with(world, ended)]
    wanted = [*wanted, *(name for name in ended if name not in wanted)]
    options = replace(options, restarted=frozenset(ended), kept=_leases_of(world, ended))
    if ended and not options.dry and (refused := _refusals(world, ended, options)):
        return Restarted(refused, None)
    stopped = stop(world, ended, dry=options.dry, left_of=left_of) if ended or left_of else []
    if any(report.code for report in stopped):
        return Restarted(stopped, None)
    return Restarted(stopped, start(world, wanted, options))


def _leases_of(world: World, names: Sequence[str]) -> dict[str, tuple[Lease, ...]]:
    """What these run for: a restart changes nothing of that."""
    runs = [(name, run) for name in names if (run := world.state.run(name)) and run.leases and not run.is_over]
    kept = ((name, run, world.leases.kept(world.state.lease(name), run.launch)) for name, run in runs)
    return {name: run.leases if leases is None else leases for name, run, leases in kept}


def _that_restart_with(world: World, ended: Sequence[str]) -> list[str]:
    """The services that run and restart when one of these does, or one that does so itself."""
    found = dict.fromkeys(ended)
    services = [each for each in world.workspace.services if each.restart_with]
    called = {each.name: each.common_name for each in world.workspace.services}
    while more := [
        each.name
        for each in services
        if each.name not in found and {called[name] for name in found}.intersection(each.restart_with)
    ]:
        found.update(dict.fromkeys(more))
    others = [each for each in services if each.name in found and each.name not in ended]
    if not others:
        return []
    snapshot = take_snapshot(world, len(others))
    return [each.name for each in others if observe(each, world, snapshot, lambda *_: None).alive]


def _refusals(world: World, wanted: Sequence[str], options: Options) -> list[Report]:
    """The reports of those that could not be started again: known before anything is stopped. Errors are raised."""
    world.state.prepare()
    services = {service.name: service for service in world.workspace.services}
    problems = [problem for each in with_dependencies(wanted, services) for problem in _no_folder(each, world)]
    if problems:
        raise ConfigurationError(problems)
    planned = Start(world, wanted, replace(options, dry=True))
    planned.turn()
    return [track.report for track in planned.tracks.values() if track.report and track.report.code == REFUSED]


def _no_folder(service: Service, world: World) -> Iterator[Problem]:
    folder = with_its_environment(service, world)[0].cwd
    if world.is_gone(folder):
        yield Problem(f"{service.key}.cwd", folder, "there is no such folder")
