"""Words on workspaces that this call is not in: what still runs of those that are gone, and how to end it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..observation.workspaces import Known
    from ..world import World


def age(world: World, known: Known) -> str:
    """For how long it has been gone, in words; empty if nobody knows."""
    from ..text.duration import duration

    return "" if known.since is None else f" for {duration(world.now() - known.since)}"


def way_to_end(world: World, known: Known) -> str:
    """What a person types to end what runs of that workspace."""
    down = world.workspace.typed.task("down")
    return f"{down} --workspace {shlex.quote(known.path)} ends it" if down else ""


def words_on_gone(world: World) -> str:
    """One line on what still runs of other workspaces of the repository that are gone; empty if nothing does."""
    from ..observation.workspaces import gone_beside

    found = gone_beside(world)
    here = [each for each in found if each.fate.moved_to == world.workspace.path]
    gone = [each for each in found if each.fate.word == "gone"]
    if here:
        what = f"of {here[0].path}, which was moved here,"
        return f"{', '.join(here[0].running)} {what} {_still(here)}; {way_to_end(world, here[0])}"
    if not gone:
        return ""
    one = f"{', '.join(gone[0].running)} of {gone[0].path}, which is gone,"
    what = one if len(gone) == 1 else f"{count(gone)} that are gone"
    typed = world.workspace.typed.task("gc")
    return f"{what} {_still(gone)}{f'; {typed} ends what is left' if typed else ''}"


def _still(known: Sequence[Known]) -> str:
    return "still runs" if sum(len(each.running) for each in known) == 1 else "still run"


def count(known: Sequence[Known]) -> str:
    """How many services of how many workspaces run."""
    services, workspaces = sum(len(each.running) for each in known), len(known)
    return f"{services} service{'s' * (services != 1)} of {workspaces} workspace{'s' * (workspaces != 1)}"
