"""Ends what is in a service's way: holders of its port that may be ended, and what is left of an earlier launch."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from ..decisions.escalation import GONE_SECONDS, KILL_SECONDS, TAKEOVER, TERM_SECONDS
from ..lineage.reach import Claim
from ..model import Holder, Identity, Launcher, identity_of
from ..observation.process_table import ProcessTable
from ..world import World
from .holders import ending
from .signals import kill, send
from .track import Track


def end_holders(
    track: Track, holders: Iterable[Holder], event: str, world: World, recorded: frozenset[Identity]
) -> Holder | None:
    """TERM at first sight, KILL later; the holder that can't be signalled or has outlived both. Call it once a turn.

    `recorded` are those that the record of the service's launcher names.
    """
    table, now = ProcessTable(world), world.monotonic()
    roots = {who: holder for holder in holders if (who := holder.listener.identity)}
    living = {identity_of(each) for root in (*roots, *track.ending) for each in table.family(root)}
    new, claim = sorted(living - {*track.ending}), Claim(holders=frozenset(living), recorded=recorded)
    reached = send(world, claim, new, signal.SIGTERM)
    track.ending.update(dict.fromkeys(new, now))
    for who in [who for who in roots if who in reached]:
        _tell(track, roots[who], event, world)
    due = {who for who in living if TAKEOVER.due(now - track.ending[who], taken=1)}
    if due:
        kill(world, claim, spared=frozenset(living - due))
        track.note_killed(due, now)
    unreached = [who for who in roots if who in new and who not in reached]
    outlived = [who for who in roots if who in living and track.outlives_kill(who, now) > GONE_SECONDS]
    return next((roots[who] for who in (*unreached, *outlived)), None)


def _tell(track: Track, holder: Holder, event: str, world: World) -> None:
    note = ending(holder, event)
    track.notes.append(note)
    world.state.event(track.service.name, event, holder.listener.pid, note)


def end_launcher(track: Track, launcher: Launcher, world: World) -> bool:
    """Asks it once to end its service, which it does as a stop would; KILL to all once it has had the time for that.

    False once it has outlived that too. Call it once a turn.
    """
    who, now, claim = launcher.identity, world.monotonic(), Claim(launchers=frozenset({launcher.identity}))
    if who not in track.ending:
        send(world, claim, [who], signal.SIGTERM)
    elapsed = now - track.ending.setdefault(who, now)
    patience = track.service.stop_timeout + TERM_SECONDS + KILL_SECONDS
    if elapsed >= patience:
        kill(world, claim)
        track.note_killed([who], now)
    return track.outlives_kill(who, now) < KILL_SECONDS
