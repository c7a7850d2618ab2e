"""A service on its way up, as one task follows it, and what is shown of it meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from ..decisions.decide import Watch
from ..model import Identity, Observation, Progress, Report, Service
from ..world import World


class Track(Struct):
    """What one task knows of one service on its way up."""

    service: Service
    began: float
    watch: Watch = field(default_factory=Watch)
    deadline: float | None = None
    elsewhere_since: float | None = None
    ending: dict[Identity, float] = field(default_factory=dict)
    killed: dict[Identity, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    overtaken: int = 0
    report: Report | None = None

    @property
    def settled(self) -> bool:
        """True once there is nothing more to do for it but to report."""
        return self.report is not None

    @property
    def is_wanted_anew(self) -> bool:
        """True while it still has to run once more: what an earlier run came to satisfies nobody."""
        return self.watch.anew and not self.settled

    def note_killed(self, whom: Iterable[Identity], now: float) -> None:
        """They were sent KILL; what counts is the first time, however late that was."""
        for who in whom:
            self.killed.setdefault(who, now)

    def outlives_kill(self, who: Identity, now: float) -> float:
        """Seconds since it was sent KILL; none if it was not."""
        return now - self.killed.get(who, now)

    def note_where_it_listens(self, seen: Observation, now: float) -> None:
        """For how long it has listened on another port than its own, looks apart."""
        if not seen.elsewhere:
            self.elsewhere_since = None
        elif self.elsewhere_since is None:
            self.elsewhere_since = now
        since = now if self.elsewhere_since is None else self.elsewhere_since
        self.watch = replace(self.watch, elsewhere_for=now - since)


def progress_of(track: Track, seen: Observation | None, world: World) -> Progress:
    """What a person may be shown of a service that is waited for."""
    word = "ending what holds its port" if track.ending else "waiting"
    if seen and seen.alive:
        word = f"listening on {', '.join(seen.elsewhere)} instead of {seen.port}" if seen.elsewhere else "starting"
    elapsed, limit = world.monotonic() - track.began, track.service.startup_timeout
    last = partial(_last_line, track.service, world, seen) if seen and seen.alive else str
    return Progress(track.service, word, elapsed, limit, last)


def _last_line(service: Service, world: World, seen: Observation) -> str:
    lines = world.logs.last_words(world.log_of(service, seen), 3)
    return next((line for line in reversed(lines) if line.strip()), "")
