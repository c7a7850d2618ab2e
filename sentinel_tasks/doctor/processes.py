"""What runs without a declaration, on a tmux server that is not asked, or without a launcher."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from functools import partial

from ..decisions.escalation import CLEANUP
from ..decisions.pause import pause_after
from ..engine.outcomes import way_to_end
from ..engine.signals import kill, send
from ..lineage.reach import Claim
from ..model import Finding, Identity, Listener, identity_of
from ..observation.process_table import ProcessTable
from ..observation.unconfigured import unconfigured as services_unconfigured
from ..report.phrases import command
from ..text.sanitize import plain
from ..world import World
from .findings import failed, passed_unless
from .look import Look


def unconfigured(look: Look) -> list[Finding]:
    """Every service that runs is declared."""
    if look.silent:
        return []
    wrong = [
        failed(
            "unconfigured",
            f"{service.name} still runs, but nothing declares it any more",
            way_to_end(service.name, look.workspace),
            "warning",
        )
        for service in services_unconfigured(look.world, look.panes, look.table)
    ]
    return passed_unless("unconfigured", wrong, "every service that runs is declared")


def windows(look: Look) -> list[Finding]:
    """Every service that runs has its window on the tmux server that is asked."""
    hidden = [
        (name, seen.launcher)
        for name, seen in look.observations.items()
        if seen.alive and seen.launcher and not seen.launcher.is_reached
    ]
    wrong = [
        failed(
            "windows",
            f"{name} runs on a tmux server that is not reached from here (pid {launcher.server})",
            f"{launcher.way}; {command(look.workspace.service(name), 'stop', look.workspace.typed)} ends the service",
            "warning",
        )
        for name, launcher in hidden
    ]
    return passed_unless("windows", wrong, "every service that runs has its window here")


def strays(look: Look) -> list[Finding]:
    """Every process of this workspace's services has its window."""
    if look.silent:
        return []
    wrong = [
        failed(
            "strays",
            f"{_shown(whom)} of {service} {'has' if len(whom) == 1 else 'have'} no window any more",
            "{doctor} --fix",
            "warning",
            partial(end, look.world, {who for each in whom if (who := each.identity)}, _recorded(look, service)),
        )
        for service, whom in sorted(look.strays.items())
    ]
    return passed_unless("strays", wrong, "none that can be seen")


def _shown(whom: Iterable[Listener]) -> str:
    return ", ".join(f"{plain(each.name or '') or 'a process'} (pid {each.pid})" for each in whom)


def _recorded(look: Look, service: str) -> frozenset[Identity]:
    seen = look.observations.get(service)
    return seen.recorded if seen else frozenset()


def end(world: World, whom: set[Identity], recorded: frozenset[Identity] = frozenset()) -> None:
    """Ends these processes and what they have started; each signal step is for those that survived the one before.

    `recorded` are those of them that a launcher's record names.
    """
    began, taken = world.monotonic(), 0
    while living := _living(world, whom):
        whom |= living
        elapsed = world.monotonic() - began
        if taken == len(CLEANUP.steps) and CLEANUP.is_hopeless(elapsed):
            return
        if step := CLEANUP.due(elapsed, taken):
            claim = Claim(orphans=frozenset(living), recorded=recorded)
            if step.signal == "SIGKILL":
                kill(world, claim)
            else:
                send(world, claim, sorted(living), signal.Signals[step.signal])
            taken += 1
            began = world.monotonic() - step.after
        world.sleep(pause_after(elapsed))


def _living(world: World, whom: set[Identity]) -> set[Identity]:
    table = ProcessTable(world)
    return {identity_of(each) for who in whom for each in table.family(who)}
