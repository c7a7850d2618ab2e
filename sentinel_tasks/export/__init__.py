"""A workspace as the files of an engine that goes on where one machine ends (contract: Export). Pure.

Knows the nouns, the names and what a secret looks like, nothing else of ours: what it is given is all that it sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ..model import Workspace
from . import compose, kubernetes, procfile, supervisord, systemd
from .header import is_ours, one_line, with_header
from .lost import Lost
from .plan import Options, Plan, planned
from .provided import lists
from .rows import Part, Target, said

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (systemd.TARGET, supervisord.TARGET, compose.TARGET, kubernetes.TARGET, procfile.TARGET)
}
"""The engines by name."""

__all__ = ["TARGETS", "Exported", "Lost", "Options", "export", "is_ours", "one_line"]


class Exported(Struct, frozen=True):
    """The text of each file by its path, all that got lost, and the names of what must be provided, by service."""

    files: Mapping[str, str]
    losses: tuple[Lost, ...]
    provide: Mapping[str, tuple[str, ...]]


def export(workspace: Workspace, target: str, options: Options | None = None) -> Exported:
    """The same files to the byte for the same workspace and options; no value of a secret is in any of them.

    UnicodeEncodeError if the workspace holds what no text can.
    """
    engine, asked = TARGETS[target], options or Options()
    plan = planned(workspace, asked, engine.hosts, engine.copies)
    told = {service.name: said(engine.rows, plan, service) for service in plan.services}
    losses = (*plan.losses, *(lost for _, found in told.values() for lost in found))
    parts = [*engine.write(plan, {name: puts for name, (puts, _) in told.items()}), *lists(target, plan)]
    files = {part.path: _headed(target, plan, part, losses) for part in parts}
    return Exported(files, losses, {name: names for name, names in plan.secrets.items() if names})


def _headed(target: str, plan: Plan, part: Part, losses: Iterable[Lost]) -> str:
    told: list[object] = [] if part.path.endswith(".example") else list(_told(plan, part, losses))
    return with_header(" ".join(_typed(target, plan.options)), part.services, [*part.notes, *told], part.text)


def _told(plan: Plan, part: Part, losses: Iterable[Lost]) -> Iterator[object]:
    for name in part.services:
        if names := plan.left.get(name):
            yield f"{name} takes from its environment: {', '.join(names)}"
    yield from (lost for lost in losses if lost.service in part.services)


def _typed(target: str, options: Options) -> Iterator[str]:
    """What was typed, as far as the text depends on it."""
    yield target
    yield from [f"--image {options.image}"] if options.image else []
    yield from [f"--only {','.join(options.only)}"] if options.only is not None else []
    yield from ["--metrics"] if options.metrics else []
