"""Whose session is it, which pane, which index (contract: Workspace). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from ..model import Pane, Workspace
from ..names import mark, names_for_session, port_pairs, session_name


class Session(Struct, frozen=True):
    """The workspace's session: its name, whether it is there, and whether it was made by hand and has no mark yet."""

    name: str
    exists: bool
    unmarked: bool = False


def session_of(path: str, panes: Sequence[Pane], is_made_here: Callable[[str], bool]) -> Session:
    """The session that carries the workspace's mark, else the one to make or to adopt (contract: Workspace)."""
    marked = next((pane for pane in panes if pane.workspace == mark(path)), None)
    if marked:
        return Session(marked.session, True)
    plain = next((pane for pane in panes if pane.session == session_name(path)), None)
    if plain is not None and not plain.workspace and is_made_here(plain.session_path):
        return Session(plain.session, True, unmarked=True)
    taken = {pane.session for pane in panes}
    return Session(next(name for name in names_for_session(path) if name not in taken), False)


def pane_of(path: str, service: str, panes: Sequence[Pane]) -> Pane | None:
    """The pane that carries the service's mark, wherever it was moved; one that is alive before one that is dead."""
    home = mark(path)
    marked = [pane for pane in panes if pane.service == service and pane.home == home and pane.launch]
    usable = [pane for pane in marked if pane.alive or pane.dead]
    return max(usable, key=lambda pane: (pane.alive, int(pane.pane_id[1:])), default=None)


def remembered_ports(session: Session, panes: Sequence[Pane]) -> dict[str, int]:
    """The automatic ports that the workspace's session remembers, by service."""
    return port_pairs(next((pane.ports for pane in panes if session.exists and pane.session == session.name), ""))


def known_ports(workspace: Workspace, session: Session, panes: Sequence[Pane]) -> dict[str, int]:
    """Every service's port as far as it has one: configured, remembered, or what its living window really uses."""
    home, services = mark(workspace.path), workspace.services
    automatic = {service.name for service in services if service.auto_port}
    return {
        **{service.name: service.port for service in services if service.port},
        **{name: port for name, port in remembered_ports(session, panes).items() if name in automatic},
        **{pane.service: pane.port for pane in panes if pane.alive and pane.port and pane.home == home},
    }


def free_index(wanted: int | None, taken: frozenset[int]) -> int:
    """The wanted window index, or the next one that is free; 3 and up for services that want none."""
    index = 3 if wanted is None else wanted
    while index in taken:
        index += 1
    return index
