"""Scale: as many instances of a service as are wanted now; of what runs, those that are too many end.

Contract: Tasks, Scale.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..observation.observe import observe
from ..observation.snapshot import take_snapshot
from ..observation.unconfigured import unconfigured
from ..world import World
from .restart import Restarted, start_anew
from .start import Options


def scale(world: World, names: Collection[str], options: Options) -> Restarted:
    """Ends the instances of these services that are too many, then starts those that are missing of what runs.

    The workspace has as many of each as are wanted.
    """
    return start_anew(world, _running(world, names), (), options, names)


def _running(world: World, names: Collection[str]) -> Sequence[str]:
    """All instances of those services of which any runs."""
    snapshot, templates = take_snapshot(world, len(world.workspace.services)), world.workspace.templates
    left = unconfigured(world, snapshot.panes, snapshot.process_table, names)
    running = [
        name
        for name in names
        if any(observe(each, world, snapshot, lambda *_: None).alive for each in [*templates[name], *left])
    ]
    return [each.name for name in running for each in templates[name]]
