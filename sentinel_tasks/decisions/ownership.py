"""Whose port it is: a listener's relation to a service (contract: Start, Relations). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Holder, Listener, Pane, Relation

FRIENDLY: frozenset[Relation] = frozenset({"ours", "adopted"})
"""Holders that may answer the service's health check."""


def classify(
    listener: Listener, name: str, folder: str, session: str, panes: Sequence[Pane], own: Pane | None
) -> Holder:
    """The listener with its relation to the service of that name in that workspace: by its pane, else by its tags.

    `own` is the service's own pane.
    """
    pane = _pane_of(listener, panes)
    inside = is_inside(listener.cwd, folder)
    if _is_under_another_server(listener, pane, panes):
        return Holder(listener, "pane", pane, inside)
    return Holder(listener, _relation(listener, name, folder, session, pane, own), pane, inside)


def _pane_of(listener: Listener, panes: Sequence[Pane]) -> Pane | None:
    pids = {listener.pid, *listener.ancestors}
    return next((pane for pane in panes if not pane.dead and pane.pid in pids), None)


def _is_under_another_server(listener: Listener, pane: Pane | None, panes: Sequence[Pane]) -> bool:
    """True if it runs in no pane and below another tmux server than these panes.

    Below the same server and in no pane, it has lost its window and is a stray.
    """
    elsewhere = listener.tmux is not None and listener.tmux not in {each.server for each in panes}
    return listener.own_user and pane is None and elsewhere


def _relation(
    listener: Listener, name: str, folder: str, session: str, pane: Pane | None, own: Pane | None
) -> Relation:
    if listener.identity is None:
        return "other-user" if listener.user and not listener.own_user else "unknown"
    if not listener.own_user:
        return "other-user"
    if pane is not None:
        if own is not None and pane.pane_id == own.pane_id and pane.alive:
            return "ours"
        return _relation_of_pane(pane, session)
    if listener.workspace == folder and listener.service == name:
        return "stray"
    return "workspace" if listener.service else "foreign"


def _relation_of_pane(pane: Pane, session: str) -> Relation:
    if pane.alive:
        return "workspace"
    return "adopted" if pane.session == session else "pane"


def is_inside(folder: str | None, workspace: str) -> bool:
    """True if the folder is the workspace or below it."""
    return folder is not None and (folder == workspace or folder.startswith(workspace.rstrip("/") + "/"))


def covers(listening_address: str, connected_address: str) -> bool:
    """True if a listener at the first address also answers at the second; `::` answers for IPv4 too, as a rule."""
    if listening_address in (connected_address, "::"):
        return True
    return listening_address == "0.0.0.0" and "." in connected_address
