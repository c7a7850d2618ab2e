"""Whether a workspace is no more, was moved, or is on something that is not mounted (contract: Tasks, Gc). Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Word = Literal["here", "gone", "moved", "not-mounted", "in-doubt"]
Mount = Literal["mounted", "missing", "other", "unknown"]
Held = Literal["", "removed", "hidden"]


class Sight(Struct, frozen=True):
    """What was seen of a workspace's folder and of what holds it.

    `is_there` is None where that can't be told, for the reason `why`. `is_known` says that it was written down which
    folder it was, and `mount` what is now at `mount_point`, where its file system was. What still runs `held` it when
    the folder was removed, or while no path leads to it any more. The same folder is now at `elsewhere`, or git has the
    same worktree at `by_git`.
    """

    is_there: bool | None
    why: str = ""
    is_known: bool = False
    mount: Mount = "unknown"
    mount_point: str = ""
    held: Held = ""
    elsewhere: str = ""
    by_git: str = ""


class Fate(Struct, frozen=True):
    """What became of a workspace, and why that is thought; `moved_to` is where it is now."""

    word: Word
    reason: str = ""
    moved_to: str = ""


def fate_of(sight: Sight) -> Fate:
    """What became of the workspace. It is gone only if that is sure: what is left of it is ended then."""
    if sight.is_there:
        return Fate("here")
    if sight.is_there is None:
        return Fate("in-doubt", f"it can't be looked at: {sight.why}")
    if moved_to := sight.elsewhere or sight.by_git:
        return Fate("moved", f"it was moved to {moved_to}", moved_to)
    if sight.held == "hidden":
        return Fate("not-mounted", "what runs still holds it, but nothing is mounted that leads to it")
    if sight.held == "removed":
        return Fate("gone", "its folder was removed")
    if not sight.is_known:
        return Fate("in-doubt", "nobody has written down which folder it was")
    return _by_its_mount(sight)


def _by_its_mount(sight: Sight) -> Fate:
    if sight.mount == "missing":
        return Fate("not-mounted", f"nothing is mounted at {sight.mount_point}")
    if sight.mount == "other":
        return Fate("in-doubt", f"another file system is mounted at {sight.mount_point} now")
    if sight.mount == "unknown":
        return Fate("in-doubt", "nobody can tell what is mounted here")
    return Fate("gone", "its folder was removed")


def has_been_gone(since: float | None, now: float, keep: float) -> bool:
    """True for a workspace that has surely been without its folder for longer than its logs are to be kept."""
    return since is not None and now - since > keep


def since_when(noted: float | None, removed: float | None, changed_above: float | None) -> float | None:
    """Since when the folder has been gone at least: None if nothing tells.

    It was `noted` to be so, the kernel knows when it was `removed`, and what removed it has changed the folder above.
    """
    return removed or min((each for each in (noted, changed_above) if each is not None), default=None)
