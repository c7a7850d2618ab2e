"""Whose port it is: a listener's relation to a service (contract: Start, Relations). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ..lineage.reach import is_cut
from ..model import Holder, Identity, Launcher, Listener, Pane, Relation

FRIENDLY: frozenset[Relation] = frozenset({"ours", "adopted"})
"""Holders that may answer the service's health check."""


class Owner(Struct, frozen=True):
    """What is known of the service that a listener is related to: its launcher, and what is left of it without one.

    `folder` is the workspace, `session` the name of its tmux session, `reachable` are those of the orphans that may be
    signalled although they are another user's.
    """

    name: str
    folder: str
    session: str
    launcher: Launcher | None = None
    orphans: frozenset[Identity] = frozenset()
    reachable: frozenset[Identity] = frozenset()


def classify(listener: Listener, owner: Owner, panes: Sequence[Pane]) -> Holder:
    """The listener with its relation to the service: by lineage first, by its pane next, by its tags last."""
    pane = _pane_of(listener, panes)
    return Holder(listener, _relation(listener, owner, pane), pane, is_inside(listener.cwd, owner.folder))


def _pane_of(listener: Listener, panes: Sequence[Pane]) -> Pane | None:
    pids = {each.pid for each in listener.line}
    return next((pane for pane in panes if not pane.dead and pane.pid in pids), None)


def _relation(listener: Listener, owner: Owner, pane: Pane | None) -> Relation:
    cut = next(filter(is_cut, listener.line), None)
    if cut is not None and owner.launcher is not None and (cut.pid, cut.ticks) == owner.launcher.identity:
        return "ours"
    if not listener.own_user and listener.identity not in owner.reachable:
        return "other-user" if listener.user else "unknown"
    if listener.identity is None:
        return "unknown"
    if listener.is_above_us or listener.line[0].kind == "multiplexer":
        return "protected"
    if cut is not None:
        return _relation_below(cut.kind == "launcher", pane, owner.session)
    if listener.identity in owner.orphans:
        return "stray"
    return "workspace" if listener.service else "foreign"


def _relation_below(is_launcher: bool, pane: Pane | None, session: str) -> Relation:
    if is_launcher:
        return "workspace"
    return "adopted" if pane is not None and pane.session == session and not pane.alive else "pane"


def is_at_localhost(address: str) -> bool:
    """False for a loopback address beside `localhost`, such as 127.0.0.2."""
    return not address.startswith("127.") or address == "127.0.0.1"


def is_in_the_way(holder: Holder) -> bool:
    """False for a stranger on another network, or at a loopback address beside `localhost`.

    Each project may have one of its own.
    """
    if not (holder.listener.address in ("0.0.0.0", "::", "::1") or holder.listener.address.startswith("127.")):
        return False
    if is_at_localhost(holder.listener.address) or holder.relation in ("ours", "adopted", "stray"):
        return True
    return holder.relation == "foreign" and holder.inside


def is_inside(folder: str | None, workspace: str) -> bool:
    """True if the folder is the workspace or below it."""
    return folder is not None and (folder == workspace or folder.startswith(workspace.rstrip("/") + "/"))


def covers(listening_address: str, connected_address: str) -> bool:
    """True if a listener at the first address also answers at the second; `::` answers for IPv4 too, as a rule."""
    if listening_address in (connected_address, "::"):
        return True
    return listening_address == "0.0.0.0" and "." in connected_address


def answering(listening: Iterable[str], asked: str) -> str | None:
    """At which of these addresses a connection to the asked one ends: the narrowest one takes it."""
    wider = ("0.0.0.0", "::") if "." in asked else ("::",)
    return next((each for each in (asked, *wider) if each in {*listening}), None)
