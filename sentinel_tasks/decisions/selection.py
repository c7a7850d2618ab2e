"""Which services of a workspace a command means. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ..model import Service


class Part(Struct, frozen=True):
    """A part of a workspace as a person names it; None is what was not said."""

    only: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    without: Sequence[str] = ()


def selected(services: Sequence[Service], part: Part) -> list[str]:
    """The names that are meant: those of `only` and of the groups, else all with `autostart`, but not `without`."""
    if part.only is None and part.groups is None:
        names = [service.name for service in services if service.autostart]
    else:
        groups = set(part.groups or ())
        names = [*(part.only or ()), *(each.name for each in services if groups.intersection(each.groups))]
    return [name for name in dict.fromkeys(names) if name not in part.without]


def unknown_groups(services: Sequence[Service], part: Part) -> list[str]:
    """The groups that no service is in."""
    known = {group for service in services for group in service.groups}
    return [group for group in part.groups or () if group not in known]
