"""Gc: ends what is left of workspaces that are no more, and lets go of their state after a while.

Contract: Tasks, Gc.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ..decisions.gone import has_been_gone
from ..errors import SentinelError, TmuxRefused
from ..model import Report
from ..observation.workspaces import Known, known_workspaces
from ..world import World
from .session import close_session
from .stop import stop


class Ended(Struct, frozen=True):
    """What became of what was left of one workspace: the reports of its services, and whether its sessions are closed.

    `error` is why not all of it could be ended.
    """

    reports: list[Report]
    closed: bool = False
    error: str = ""

    @property
    def failure(self) -> str:
        """What could not be ended, and why; empty if all of it has ended."""
        told = [f"{report.service.name}: {report.error}" for report in self.reports if report.code and report.error]
        return "; ".join([*told, *([self.error] if self.error else [])])


class Collected(Struct, frozen=True):
    """A workspace that is not where it was, what was ended of it, and whether its state folder was removed.

    `ended` is None where nothing was to be. With `dry` all of it is what would be.
    """

    known: Known
    ended: Ended | None = None
    removed: bool = False


def collect(world: World, keep: float, dry: bool = False) -> list[Collected]:
    """Every workspace that is not where it was, with what was ended and removed of those that are gone.

    State folders are kept for so many seconds.
    """
    if dry:
        return [_planned(world, known, keep) for known in _not_here(world)]
    with world.collecting():
        world.folders.remove_leftovers(world.state_root)
        return [_collected(world, known, keep) for known in _not_here(world)]


def _not_here(world: World) -> list[Known]:
    return [known for known in known_workspaces(world) if known.fate.word != "here"]


def _is_to_be_removed(world: World, known: Known, keep: float) -> bool:
    return known.folder is not None and has_been_gone(known.since, world.now(), keep)


def _planned(world: World, known: Known, keep: float) -> Collected:
    if known.fate.word != "gone":
        return Collected(known)
    would_end = Ended([], closed=bool(known.left.sessions)) if known.running or known.servers else None
    return Collected(known, would_end, _is_to_be_removed(world, known, keep))


def _collected(world: World, known: Known, keep: float) -> Collected:
    if known.fate.word != "gone" or world.folders.is_there(known.path)[0] is not False:
        return Collected(known)
    ended = end_all(world, known) if known.running or known.servers else None
    if known.folder is None or (ended is not None and ended.failure):
        return Collected(known, ended)
    if _is_to_be_removed(world, known, keep):
        return Collected(known, ended, world.folders.remove(known.state_folder, known.folder))
    if known.folder.gone_since is None:
        world.folders.note_gone(known.state_folder, known.folder, known.since or world.now())
    return Collected(known, ended)


def end_all(world: World, known: Known, dry: bool = False, close: bool = True) -> Ended:
    """Ends every service of the workspace, as it is known without its configuration, on every tmux server.

    `close` also closes its sessions if nothing else is in them.
    """
    reports: dict[str, Report] = {}
    closed, error = False, ""
    for server in known.servers or [world.workspace.socket_name]:
        there = known.world(world, server)
        try:
            reports = _worst(reports, found := stop(there, known.services(), dry=dry))
            closes = close and not dry and not any(report.code for report in found)
            closed = (closes and close_session(there)) or closed
        except TmuxRefused as reason:
            error = error if reason.was_overtaken else reason.what
        except SentinelError as reason:
            error = reason.what
    return Ended([*reports.values()], closed, error)


def _worst(before: dict[str, Report], reports: Sequence[Report]) -> dict[str, Report]:
    """Of a service that was looked for on several servers: what did not end, else what was ended."""
    found = dict(before)
    for report in reports:
        known = found.get(report.service.name)
        if known is None or report.code or (report.changed and not known.code):
            found[report.service.name] = report
    return found
