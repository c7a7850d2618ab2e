"""Start: look, decide, act and look again until every wanted service is healthy or has failed with its cause."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress

from msgspec import Struct
from msgspec.structs import replace

from ..config.environment import check_environments
from ..decisions.decide import Watch, decide, has_longer, is_ending, state
from ..decisions.dependencies import is_satisfied, with_dependencies
from ..errors import SentinelError
from ..model import (
    Action,
    Done,
    EndHolders,
    EndLauncher,
    Fail,
    Holder,
    Identity,
    Launch,
    Launcher,
    Lease,
    Observation,
    Progress,
    Refuse,
    Report,
    Run,
    Service,
    Wait,
)
from ..observation.changes import changes_of
from ..observation.health_check import Ask
from ..observation.health_threads import HealthThreads
from ..observation.observe import last_output, observe
from ..observation.snapshot import Snapshot, take_snapshot
from ..observation.watching import watching
from ..world import World
from . import outcomes
from .last_words import await_last_words
from .launching import Launched, Ready, launch_all, on_port
from .log_pump import start_again
from .ready import tell_ready
from .record_ends import note_killed_launchers
from .rest import Rest
from .takeover import end_holders, end_launcher
from .track import Track, progress_of
from .watching import await_watcher, have_it_watched

MOST_TIMES_OVERTAKEN = 5
ACTS = (Launch, EndHolders, EndLauncher)
"""What is done with the service's lock held."""


class Options(Struct, frozen=True):
    """How to start: `wait` until healthy, or only until launched; `dry` only decides.

    `restarted` are services that were ended for this start (or would have been): a one-shot among them runs once more.
    `leases` are what is started for, none for no end; None leaves leases as they are, and as they were `kept`.
    `meanwhile` is done once: while what was launched comes up, or at the end of a start that launches nothing.
    """

    wait: bool = True
    dry: bool = False
    restarted: frozenset[str] = frozenset()
    leases: tuple[Lease, ...] | None = None
    kept: Mapping[str, tuple[Lease, ...]] = {}
    meanwhile: Callable[[], None] | None = None


class Start:
    """One start of some services; `run` is the loop."""

    def __init__(self, world: World, wanted: Iterable[str], options: Options) -> None:
        self.world, self.options, self.meanwhile = world, options, options.meanwhile
        services = {service.name: service for service in world.workspace.services}
        began = world.monotonic()
        self.tracks = {
            service.name: Track(service, began, Watch(anew=service.name in options.restarted))
            for service in with_dependencies(wanted, services)
        }
        self.needed = {name for track in self.tracks.values() for name, _ in track.service.depends_on}
        check_environments(world, [track.service for track in self.tracks.values()])
        self.health_threads = HealthThreads(world)
        self.rest = Rest(world, self.health_threads, self._show)
        self.seen: dict[str, Observation] = {}
        self.going_on = set[str]()
        self.snapshot: Snapshot

    def _look(self, tracks: Collection[Track]) -> Snapshot:
        """Where this task has launched them all, what there was of them before has ended: their own processes tell."""
        own = {track.watch.launched for track in tracks}
        near = {launch for launch in own if launch} if None not in own else ()
        self.snapshot = take_snapshot(self.world, len(self.tracks), near)
        return self.snapshot

    def run(self) -> list[Report]:
        """The report of every service that was wanted or needed, in dependency order."""
        patience = max((track.service.startup_timeout for track in self.tracks.values()), default=0.0)
        self.world.tmux.wait_up_to(patience, self._show_wait_for_tmux)
        try:
            self._run()
            self._do_meanwhile()
        finally:
            self.health_threads.break_off()
        return [track.report for track in self.tracks.values() if track.report]

    def _run(self) -> None:
        began = self.world.monotonic()
        while any(not track.settled for track in self.tracks.values()):
            self.turn()
            if all(track.settled for track in self.tracks.values()):
                break
            self._show()
            self.rest.until_news(self._waiting(), self.world.monotonic() - began, self._deadline())

    def _waiting(self) -> list[tuple[Service, Observation]]:
        """The services that nothing is certain of yet, as they were seen last."""
        names = [track.service.name for track in self.tracks.values() if not track.settled]
        return [(self.tracks[name].service, self.seen[name]) for name in names if name in self.seen]

    def _deadline(self) -> float:
        """When the next of them is late."""
        deadlines = [each.deadline for each in self.tracks.values() if not each.settled and each.deadline is not None]
        return min(deadlines, default=float("inf"))

    def turn(self) -> None:
        """One look and what follows from it."""
        open_tracks = [track for track in self.tracks.values() if not track.settled]
        with ExitStack() as locks:
            locked = self._lock_early(open_tracks, locks)
            acting = self._look_and_settle(open_tracks)
            self._note_killed_launchers(open_tracks)
            if self.options.dry:
                self._settle_dry(acting)
                return
            if all(track.service.name in locked for track, _ in acting):
                self._act(acting)
                return
        self._act_once_locked([track for track, _ in acting])

    def _lock_early(self, tracks: Iterable[Track], locks: ExitStack) -> set[str]:
        """Takes the locks of those that a look will hardly find running, so that it need not be made again."""
        likely = [track.service.name for track in tracks if not self.options.dry and self._is_likely_launched(track)]
        locked = set[str]()
        for name in sorted(likely):
            with suppress(SentinelError):  # another task acts on it, or nobody can
                locks.enter_context(self.world.state.lock(name, patience=0.0))
                locked.add(name)
        return locked

    def _is_likely_launched(self, track: Track) -> bool:
        """True for one that may be started now, if nothing is on record of it but an end."""
        if track.watch.launched is not None or self._blocked(track.service) is not None:
            return False
        run = self.world.state.run(track.service.name)
        return run is None or (run.is_over and (track.watch.anew or not track.service.is_one_shot))

    def _look_and_settle(self, tracks: Sequence[Track]) -> list[tuple[Track, Action]]:
        """Settles what is certain after a look; what is to be done about the others."""
        actions = self._decide(tracks, self._look(tracks))
        self._settle([(track, action) for track, action in actions if not isinstance(action, ACTS)])
        return [pair for pair in actions if isinstance(pair[1], ACTS)]

    def _note_killed_launchers(self, tracks: Iterable[Track]) -> None:
        if not self.options.dry:
            note_killed_launchers(self.world, ((each.service, self.seen[each.service.name]) for each in tracks))

    # Deciding

    def _decide(self, tracks: Sequence[Track], snapshot: Snapshot) -> list[tuple[Track, Action]]:
        return [(track, self._next(track, snapshot)) for track in tracks]

    def _next(self, track: Track, snapshot: Snapshot) -> Action:
        seen = self._observe(track, snapshot, self.health_threads, for_a_start=True)
        if self.options.dry and track.service.name in self.options.restarted:
            seen = self._as_if_ended(track.service, seen, snapshot)
        self.seen[track.service.name] = seen
        if (blocked := self._blocked(track.service)) is not None and not seen.alive:
            return blocked
        now = self.world.monotonic()
        is_late = track.deadline is not None and now >= track.deadline and not has_longer(seen)
        track.watch = replace(track.watch, late=is_late)
        track.note_where_it_listens(seen, now)
        action = decide(track.service, seen, track.watch)
        if isinstance(action, Wait) and seen.alive and not is_ending(track.service, seen):
            self._follow(track, seen)
        return action

    def _observe(self, track: Track, snapshot: Snapshot, put: Ask, for_a_start: bool) -> Observation:
        seen = observe(track.service, self.world, snapshot, put, for_a_start)
        if not snapshot.process_table.is_near or _is_alone(seen, track.watch.launched):
            return seen
        whole = snapshot.with_all_processes(self.world, len(self.tracks))
        return observe(track.service, self.world, whole, put, for_a_start)

    def _as_if_ended(self, service: Service, seen: Observation, snapshot: Snapshot) -> Observation:
        """What would be seen once the service had been stopped, on the port that it would have then."""
        if service.port not in (None, seen.port):
            seen = observe(service, self.world, snapshot, self.health_threads, for_a_start=True, at=service.port)
        left = tuple(holder for holder in seen.holders if holder.relation not in ("ours", "stray"))
        ended = replace(seen, pane=None, run=None, launcher=None, family=(), orphans=())
        return replace(ended, holders=left, answer=seen.answer if left else None)

    def _follow(self, track: Track, seen: Observation) -> None:
        """A launch that somebody else made is followed as if it were ours, to its own deadline.

        One whose start is over (it reloads, or is late) is given the whole time from now.
        """
        if track.watch.follows is None:
            track.watch = replace(track.watch, found=seen.launch)
        if track.deadline is None:
            spent = seen.age if state(track.service, seen) == "starting" else 0.0
            track.deadline = self.world.monotonic() + max(0.0, track.service.startup_timeout - spent)

    def _blocked(self, service: Service) -> Action | None:
        for name, condition in service.depends_on:
            track = self.tracks[name]
            if track.report is not None and track.report.code:
                return Fail("dependency", name)
            seen = None if track.is_wanted_anew else self.seen.get(name)
            ok = is_satisfied(condition, state(track.service, seen), track.settled) if seen else False
            if not ok and not (self.options.dry and track.settled):
                return Fail("dependency", name) if track.settled else Wait()
        return None

    # Acting

    def _act_once_locked(self, tracks: Sequence[Track]) -> None:
        """Looks again with the locks held, so that of two starts at once only one acts."""
        with ExitStack() as locks:
            for track in sorted(tracks, key=lambda track: track.service.name):
                locks.enter_context(self.world.state.lock(track.service.name))
            self._act(self._look_and_settle(tracks))

    def _act(self, actions: Sequence[tuple[Track, Action]]) -> None:
        """Does what was decided after the last look; needs the locks."""
        for track, action in actions:
            if isinstance(action, EndHolders | EndLauncher):
                self._end(track, action)
        self._launch([(track, action) for track, action in actions if isinstance(action, Launch)], self.snapshot)

    def _launch(self, pairs: Sequence[tuple[Track, Launch]], snapshot: Snapshot) -> None:
        if not pairs:
            return
        wanted = [
            Ready(track.service, self.seen[track.service.name], action.move, self._leases_of(track))
            for track, action in pairs
        ]
        self.rest.note_logs(track.service for track, _ in pairs)
        for (track, _), made in zip(pairs, launch_all(wanted, self.world, snapshot, self.going_on), strict=True):
            self._note_launch(track, made)
        opened = [track for track, _ in pairs if track.watch.launched and not track.settled]
        if any(track.service.watch for track in opened):
            have_it_watched(self.world, "")
        self.health_threads.prepare(track.service for track in opened)
        self.world.in_background(lambda: self.world.commit)  # asked of git now, so that nobody waits for it later
        self._do_meanwhile()
        self._finish_unwaited([track for track in opened if not self._waits_for(track)])

    def _do_meanwhile(self) -> None:
        work, self.meanwhile = self.meanwhile, None
        if work is not None:
            work()

    def _leases_of(self, track: Track) -> tuple[Lease, ...]:
        given = self.options.leases
        return self.options.kept.get(track.service.name, ()) if given is None else given

    def _note_launch(self, track: Track, made: Launched) -> None:
        if made.refused is not None:
            track.overtaken += 1
            if not made.refused.was_overtaken or track.overtaken > MOST_TIMES_OVERTAKEN:
                self._fail_launch(track, made.refused.what)
            return  # whoever opened the session or took the index since we looked is seen by the next look
        track.service = on_port(track.service, made.port)
        track.notes += [*outcomes.chosen(track.service), *made.notes]
        track.watch = Watch(launched=made.launch)
        track.deadline = self.world.monotonic() + track.service.startup_timeout
        if not made.taken:
            self._fail_launch(track, self._why_not_taken())
        elif (run := self.world.state.run(track.service.name)) is not None and run.launch == made.launch:
            self.seen[track.service.name] = self._as_recorded(run, made)

    def _as_recorded(self, run: Run, made: Launched) -> Observation:
        """What a launch that has its spec tells of itself before anybody has looked at it."""
        launcher = Launcher(Identity(run.launcher, run.launcher_ticks), run.launch)
        session = self.snapshot.session.name
        return Observation(self.world.now(), session, True, run=run, port=made.port, launcher=launcher)

    def _why_not_taken(self) -> str:
        if self.world.tmux.panes():
            return "its window did not take its orders"
        return "the tmux server has ended; `exit-unattached on` in tmux.conf makes it do so"

    def _fail_launch(self, track: Track, why: str) -> None:
        seen = self.seen[track.service.name]
        self._finish(track, outcomes.failed(track.service, self.world.workspace, Fail("not-taken", why), seen))

    def _waits_for(self, track: Track) -> bool:
        """Without `wait` too, a service that another one needs is waited for."""
        return self.options.wait or track.service.name in self.needed

    def _finish_unwaited(self, tracks: Sequence[Track]) -> None:
        snapshot = self._look(tracks) if tracks else self.snapshot
        for track in tracks:
            seen = self._observe(track, snapshot, lambda service, question: None, for_a_start=False)
            self.seen[track.service.name] = seen
            self._finish(track, outcomes.started(track.service, self.world.workspace, seen, changed=True))

    def _end(self, track: Track, action: EndHolders | EndLauncher) -> None:
        seen = self.seen[track.service.name]
        if isinstance(action, EndHolders):
            if stubborn := end_holders(track, action.holders, action.event, self.world, seen.recorded):
                self._refuse(track, stubborn)
        elif not end_launcher(track, action.launcher, self.world):
            self._finish(track, outcomes.would_not_end(track.service, self.world.workspace, seen))

    # Settling

    def _settle(self, actions: Sequence[tuple[Track, Action]]) -> None:
        told = [track.service for track, action in actions if isinstance(action, (Done, Fail))]
        await_last_words(self.world, [(each, self.seen[each.name]) for each in told])
        for track, action in actions:
            seen = self.seen[track.service.name]
            if isinstance(action, Done):
                self._done(track, seen, action)
            elif isinstance(action, Refuse):
                self._refuse(track, action.holder)
            elif isinstance(action, Fail):
                self._fail(track, action, seen)
            elif self._is_to_be_left(track, action, seen) and self._is_leased_as_wanted(track, seen):
                self._finish_unchanged(track, self.seen[track.service.name])

    def _done(self, track: Track, seen: Observation, action: Done) -> None:
        if self._is_leased_as_wanted(track, seen):
            self._ready(track, self.seen[track.service.name], action)

    def _is_leased_as_wanted(self, track: Track, seen: Observation) -> bool:
        """What ran before this task is leased by it too, or runs on for nobody; false if its lease has just ended."""
        given, run = self.options.leases, seen.run
        if given is None or run is None or not seen.alive or track.watch.launched or self.options.dry:
            return True
        if not run.leases:
            track.notes += [outcomes.not_leased()] if given else []
            return True
        wanted = (*(each for each in run.leases if each not in given), *given) if given else ()
        path = self.world.state_of(seen.state_folder).lease(track.service.name)
        if not self.world.leases.change(path, run.launch, wanted):
            return False
        track.notes.append(outcomes.leased_otherwise(bool(given)))
        self.seen[track.service.name] = replace(seen, run=replace(run, leases=wanted))
        return True

    def _refuse(self, track: Track, holder: Holder) -> None:
        seen = self.seen[track.service.name]
        self._finish(track, outcomes.refused(track.service, self.world.workspace, holder, seen))

    def _fail(self, track: Track, failure: Fail, seen: Observation) -> None:
        """What it printed last is read now: it came through tmux a moment after the look."""
        seen = replace(seen, last_output=last_output(track.service, self.world, seen))
        needed = self.tracks.get(failure.reason)
        self._finish(track, outcomes.failed(track.service, self.world.workspace, failure, seen, needed))

    def _is_to_be_left(self, track: Track, action: Action, seen: Observation) -> bool:
        """True if nobody waits for what starts already; what ends must have ended before it can be started."""
        if not (isinstance(action, Wait) and seen.alive):
            return False
        return self.options.dry or not (self._waits_for(track) or is_ending(track.service, seen))

    def _ready(self, track: Track, seen: Observation, action: Done) -> None:
        if seen.alive and seen.pane and not seen.was_ready and not self.options.dry:
            self.world.tmux.mark_ready(seen.pane)
        if track.watch.launched and not self.options.dry:
            self.world.state.note_ran_well(track.service.name, track.watch.launched, self.world.commit)
        if not self.options.dry:
            tell_ready(self.world, seen)
        seen = self._with_its_watcher(track, self._with_its_log(track, seen))
        if track.watch.launched is None:
            self._finish_unchanged(track, seen)
        else:
            self._finish(track, outcomes.started(track.service, self.world.workspace, seen, changed=True))

    def _finish_unchanged(self, track: Track, seen: Observation) -> None:
        """It ran before this task, perhaps with another configuration."""
        seen = replace(seen, changes=changes_of(track.service.name, self.world, seen))
        self._finish(track, outcomes.started(track.service, self.world.workspace, seen, changed=False))

    def _with_its_log(self, track: Track, seen: Observation) -> Observation:
        """Starts a log pump again that was killed."""
        if not seen.is_unlogged or seen.pane is None or self.options.dry:
            return seen
        start_again(self.world, track.service, self.world.log_of(track.service, seen), seen.pane)
        track.notes.append(outcomes.logged_again())
        return replace(seen, is_unlogged=False)

    def _with_its_watcher(self, track: Track, seen: Observation) -> Observation:
        """Waits for a watcher that has just been started, or starts one again that was killed."""
        is_new = track.watch.launched is not None
        if not seen.alive or not track.service.watch or self.options.dry or not (is_new or seen.unwatched):
            return seen
        if not is_new:
            have_it_watched(self.world, seen.state_folder)
        await_watcher(self.world, track.service, seen)
        found = replace(seen, **{"unwatched": "", **watching(track.service, self.world, seen)})
        track.notes += [outcomes.watched_again()] if seen.unwatched and not found.unwatched and not is_new else []
        return found

    def _settle_dry(self, actions: Sequence[tuple[Track, Action]]) -> None:
        for track, action in actions:
            plan = outcomes.planned(track.service, self.seen[track.service.name], action)
            report = outcomes.started(track.service, self.world.workspace, self.seen[track.service.name], changed=False)
            self._finish(track, replace(report, error=None, hint="", notes=(plan,)))

    def _finish(self, track: Track, report: Report) -> None:
        track.report = replace(report, notes=(*track.notes, *report.notes))

    # Where it was broken off

    def going_on_and_left(self) -> tuple[list[Service], list[Service]]:
        """Of the services that nothing is certain of yet, those that run, and those that were not launched."""
        open_tracks = [track for track in self.tracks.values() if not track.settled]
        runs = self.going_on | {name for name, seen in self.seen.items() if seen.alive}
        services = [track.service for track in open_tracks]
        return [each for each in services if each.name in runs], [each for each in services if each.name not in runs]

    # Showing that it waits

    def _show(self) -> None:
        self.world.progress(self._progress())

    def _progress(self) -> list[Progress]:
        waiting = [track for track in self.tracks.values() if not track.settled]
        return [progress_of(track, self.seen.get(track.service.name), self.world) for track in waiting]

    def _show_wait_for_tmux(self, what: str, seconds: float) -> None:
        """Only the thread that runs the loop draws."""
        if threading.current_thread() is threading.main_thread():
            open_tracks = (track for track in self.tracks.values() if not track.settled)
            self.world.progress(
                [Progress(each.service, what, seconds, each.service.startup_timeout) for each in open_tracks]
            )


def _is_alone(seen: Observation, launch: str | None) -> bool:
    """True for a launch that goes on, if nobody else holds its port: no other process matters to it."""
    is_there = seen.alive and seen.launch == launch and seen.run is not None
    return is_there and all(holder.relation == "ours" for holder in seen.holders)


def start(world: World, wanted: Iterable[str], options: Options) -> list[Report]:
    """Every wanted service and what it needs: running and ours, or reported with its cause (contract: Start)."""
    refuse_inside(world, wanted := list(wanted))
    run = Start(world, wanted, options)
    try:
        return run.run()
    except KeyboardInterrupt as reason:
        raise outcomes.start_interrupted(world.workspace, *run.going_on_and_left()) from reason


def refuse_inside(world: World, wanted: Sequence[str]) -> None:
    """A service may not start or stop itself from inside its own window (contract: Start)."""
    inside = world.environ.get("SENTINEL_SERVICE")
    if inside in wanted and world.environ.get("SENTINEL_WORKSPACE") == world.workspace.path:
        raise SentinelError(
            f"{inside} can't be started or stopped from inside its own window", "do it from another window or terminal"
        )
