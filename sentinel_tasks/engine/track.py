"""A service on its way up, as one task follows it, and what is shown of it meanwhile."""

from __future__ import annotations

from msgspec import Struct, field

from ..decisions.decide import Watch
from ..model import Identity, Observation, Progress, Report, Service
from ..world import World


class Track(Struct):
    """What one task knows of one service on its way up."""

    service: Service
    began: float
    watch: Watch = field(default_factory=Watch)
    deadline: float | None = None
    ending: dict[Identity, float] = field(default_factory=dict)
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


def progress_of(track: Track, seen: Observation | None, world: World) -> Progress:
    """What a person may be shown of a service that is waited for."""
    word = "starting" if seen and seen.alive else "ending what holds its port" if track.ending else "waiting"
    elapsed, limit = world.monotonic() - track.began, track.service.startup_timeout
    last = _last_line(track.service, world, seen) if seen and seen.alive else ""
    return Progress(track.service, word, elapsed, limit, last)


def _last_line(service: Service, world: World, seen: Observation) -> str:
    lines = world.logs.last_words(world.log_of(service, seen), 3)
    return next((line for line in reversed(lines) if line.strip()), "")
