"""Why a service is as it is: its state with its cause, what it waits for, and what changed since it last ran well."""

from __future__ import annotations

from ..config.digests import changes_since
from ..decisions.dependencies import is_satisfied
from ..model import Needed, Report, Service, Why
from ..observation.observe import last_output
from ..world import World
from .status import status


def why(world: World, name: str) -> Why:
    """The service as status tells it, and what else a person would look for; changes nothing."""
    service = world.workspace.service(name)
    known = {each.name for each in world.workspace.services}
    report, *others = status(world, [name, *(needed for needed, _ in service.depends_on if needed in known)])
    state = world.state_of(report.seen.state_folder)
    well = state.ran_well(name)
    is_compared = well is not None and world.workspace.is_whole
    return Why(
        report=report,
        waits_for=_waits_for(service, others),
        last_output=last_output(service, world, report.seen),
        well=well,
        changes=changes_since(well.digests, service, state.salt()) if well and is_compared else (),
        commit=world.commit,
    )


def _waits_for(service: Service, others: list[Report]) -> tuple[Needed, ...]:
    conditions = dict(service.depends_on)
    needed = [Needed(each.service.name, conditions[each.service.name], each.state) for each in others]
    return tuple(each for each in needed if not is_satisfied(each.condition, each.state, settled=True))
