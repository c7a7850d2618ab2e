"""Reports in words: what was found or done for one service, why, and the next command to type. Looks at nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..decisions.decide import is_windowless, state
from ..errors import Interrupted
from ..model import (
    STATUS_CODES,
    Action,
    EndHolders,
    Fail,
    Holder,
    Launch,
    Lease,
    Listener,
    Observation,
    Report,
    Service,
    Workspace,
)
from ..names import is_instance
from ..report.phrases import changed_since_start, command, doctor, ended, how_it_ended
from ..text.duration import duration
from ..text.sanitize import last_line, plain

if TYPE_CHECKING:
    from .track import Track


def report(service: Service, workspace: Workspace, seen: Observation) -> Report:
    """The truth about one service, as status tells it."""
    told = _told(service, workspace, seen)
    notes = [*told.notes, *_whereabouts(seen), *_unlogged(service, workspace, seen), *_hooks(seen)]
    notes += [*_unwatched(service, workspace, seen), *_leased(seen)]
    if seen.changes:
        notes += [differs(service, workspace, seen.changes)]
    return replace(told, notes=tuple(notes))


def with_way_to_end(told: Report) -> Report:
    """The same of what is not configured any more: that, and what ends it."""
    way = way_to_end(told.service.name, told.workspace)
    return replace(told, notes=(*told.notes, f"it is configured no more{f'; {way} ends it' if way else ''}"))


def way_to_end(name: str, workspace: Workspace) -> str:
    """What a person types to end what is not configured any more; empty if no such task is listed."""
    up, down = (workspace.typed.task(verb) for verb in ("up", "down"))
    service = next((each for each in workspace.templates if is_instance(name, each)), "")
    return f"{up} --only {service} --apply" if service and up else down


def differs(service: Service, workspace: Workspace, changes: Sequence[str]) -> str:
    """That a running service is configured otherwise now, in what, and the command that applies it."""
    restart = command(service, "restart", workspace.typed)
    return f"{changed_since_start(changes)}{f'; {restart} applies it' if restart else ''}"


def _unlogged(service: Service, workspace: Workspace, seen: Observation) -> list[str]:
    if not (seen.alive and seen.is_unlogged):
        return []
    logs = command(service, "logs", workspace.typed)
    return [
        f"its output is not written to its log any more: the log pump was killed{f'; {logs} mends that' * bool(logs)}"
    ]


def _hooks(seen: Observation) -> list[str]:
    if not (seen.run and seen.run.hooks):
        return []
    from ..text.masking import masked_text

    return [masked_text(plain(each)) for each in seen.run.hooks.values()]


def _unwatched(service: Service, workspace: Workspace, seen: Observation) -> list[str]:
    """What keeps a change of its files from being seen, or that one is waited for."""
    if waits_for_a_change(service, seen):
        return ["it starts again when a watched file changes"]
    notes = [f"no file matches its watch: {pattern}" for pattern in seen.unmatched]
    if seen.unwatched:
        start = command(service, "start", workspace.typed)
        notes += [f"its files are not watched: {seen.unwatched}{f'; {start} has them watched again' * bool(start)}"]
    return notes


def _leased(seen: Observation) -> list[str]:
    leases = seen.run.leases if seen.alive and seen.run else ()
    return [f"leased {' or '.join(_lease(each, seen.now) for each in leases)}"] if leases else []


def _lease(lease: Lease, now: float) -> str:
    told = [f"while process {lease.pid} lives"] if lease.pid is not None else []
    told += [f"for {duration(lease.until - now)}"] if lease.until is not None else []
    return " and ".join(told)


def leased_otherwise(is_leased: bool) -> str:
    """What a start tells that has changed the leases of what runs already."""
    return "its leases hold one more" if is_leased else "its lease was taken away: it runs on"


def not_leased() -> str:
    """What a start tells that would have leased what somebody wants without an end."""
    return "it ran before without a lease, and goes on so"


def waits_for_a_change(service: Service, seen: Observation) -> bool:
    """True if its launcher lives on for the next save, though the service has ended."""
    return bool(service.watch) and not seen.alive and seen.launcher is not None and seen.launcher.has_window


def watched_again() -> str:
    """What a start tells that has mended this."""
    return "its files are watched again; changes since the watcher was killed were not seen"


def logged_again() -> str:
    """What a start tells that has mended this."""
    return "its output is written to its log again; what it printed since the log pump was killed is not in there"


def _whereabouts(seen: Observation) -> list[str]:
    """Where it runs, if that is not the place where a person would look."""
    launcher, notes = seen.launcher, []
    if seen.alive and launcher and not launcher.is_reached:
        place = f"on a tmux server that is not reached from here (pid {launcher.server})"
        notes += [f"its window is {place}: {launcher.way}"]
    if seen.alive and seen.background:
        notes += [f"it put itself into the background (pid {seen.background.pid})"]
    return notes


def _told(service: Service, workspace: Workspace, seen: Observation) -> Report:
    word = state(service, seen)
    told = Report(service, word, seen, workspace, code=STATUS_CODES[word])
    if word == "conflict":
        from .holders import ways_on, who

        holder = next(holder for holder in seen.holders if holder.relation != "ours")
        return replace(
            told,
            error=f"port {seen.port} is held by {who(holder, workspace)}",
            hint=ways_on(service, holder, workspace),
        )
    if word == "crashed" and seen.run is not None:
        last = last_line(seen.last_output)
        return replace(
            told,
            error=f"{ended(seen.run)}{f': {last}' if last else ''}",
            hint=command(service, "logs", workspace.typed),
        )
    if word == "stopped" and (how := how_it_ended(seen)):
        return replace(told, notes=(how,))
    if word == "running" and not seen.alive:
        from .holders import adopted

        return replace(told, notes=tuple(adopted(holder) for holder in seen.holders if holder.relation == "adopted"))
    if word == "unhealthy" and (is_windowless(seen) or not seen.alive):
        return replace(told, error=_without_its_window(seen), hint=_ways_back(service, workspace))
    if word == "unhealthy" and seen.answer is not None:
        why = f"{seen.answer.detail}{_elsewhere(seen)}"
        hint = _ways_to_health(service, seen, command(service, "logs", workspace.typed))
        return replace(told, error=f"not healthy: {why}", hint=hint)
    return told


def _without_its_window(seen: Observation) -> str:
    """What runs on though its window or its launcher is gone; a launcher without its window is ending it."""
    family = [each.pid for each in seen.family] or ([seen.launcher.identity.pid] if seen.launcher else [])
    pids = [*family, *(holder.listener.pid for holder in seen.orphans)]
    ending = ", which was closed; it is being ended" if seen.launcher else ""
    return f"runs without its window (pid {', '.join(map(str, pids))}){ending}"


def _ways_back(service: Service, workspace: Workspace) -> str:
    start, stop = (command(service, verb, workspace.typed) for verb in ("start", "stop"))
    return f"{start} takes its place, {stop} ends it"


def started(service: Service, workspace: Workspace, seen: Observation, changed: bool) -> Report:
    """It is up, or under way where nobody waits for it."""
    told = report(service, workspace, seen)
    notes = [*told.notes, *([] if changed else _kept(service, workspace, seen)), *_slow(service, seen)]
    return replace(told, code=0, changed=changed, notes=tuple(notes))


def _slow(service: Service, seen: Observation) -> list[str]:
    """A start waits as long as it may, a status does not: the next one would call it unhealthy."""
    seconds, limit = (seen.answer.latency_ms or 0) / 1000 if seen.answer else 0, service.health.timeout
    if seconds <= limit:
        return []
    return [
        f"its health check took {seconds:.0f} s, but status waits {limit:g} s for it: "
        f"health: {{…, timeout: {ceil(2 * seconds)}}}"
    ]


def _kept(service: Service, workspace: Workspace, seen: Observation) -> list[str]:
    """What runs already is left on its port, though another one is wanted now: the way there, if it is free."""
    if not seen.alive or service.port is None or seen.port in (None, service.port):
        return []
    if not seen.wanted_is_free:
        return [f"it keeps port {seen.port}; {service.port} is taken"]
    restart = command(service, "restart", workspace.typed)
    wanted = f" --port {service.port}" if restart == workspace.typed.task("restart", service.name) else ""
    return [f"it keeps port {seen.port}; {restart}{wanted} moves it to {service.port}"]


def refused(service: Service, workspace: Workspace, holder: Holder, seen: Observation) -> Report:
    """The port is in hands that we leave alone: who, as far as can be seen, and the ways on."""
    from .holders import details, ways_on, who

    sick = ", which does not pass the health check" if holder.relation == "adopted" else ""
    error = f"port {seen.port} is held by {who(holder, workspace)}{sick}"
    told = Report(service, "conflict", seen, workspace, code=4, changed=False, error=error)
    return replace(told, hint=ways_on(service, holder, workspace), notes=details(holder))


def failed(
    service: Service, workspace: Workspace, failure: Fail, seen: Observation, needed: Track | None = None
) -> Report:
    """It did not come up, and why."""
    word = state(service, seen)
    told = Report(service, word, seen, workspace, code=1, changed=False)
    if failure.kind == "dependency":
        of = needed.report.error if needed and needed.report and needed.report.error else "it is not up"
        return replace(told, error=f"waits for {failure.reason}, which failed: {of}", state="stopped")
    if failure.kind == "not-taken":
        return replace(told, error=f"could not be started: {failure.reason}", hint=doctor(workspace.typed))
    logs, last = command(service, "logs", workspace.typed), seen.last_output
    if failure.kind in ("timeout", "other-port"):
        late = _too_late(service, seen) if failure.kind == "timeout" else f"nothing listens on port {seen.port}"
        hint = _ways_to_health(service, seen, f"{logs} (left running for a look)".strip())
        told = replace(told, error=f"{late}{_elsewhere(seen)}", hint=hint, tail=last)
        is_young = word == "starting" and service.health.kind != "exit"  # it began a moment after it was launched
        return replace(told, state="unhealthy") if is_young else told
    hint = "; ".join(filter(None, [_way_to_run_once(service, seen), logs]))
    told = replace(told, notes=tuple(_unwatched(service, workspace, seen)))
    return replace(told, error=f"ended while starting: {_end_of(seen, workspace)}", hint=hint, tail=last)


def _way_to_run_once(service: Service, seen: Observation) -> str:
    """What to write for a command that is done, and is no server that failed; empty if it did not exit 0."""
    is_done = seen.run is not None and seen.run.exit_code == 0 and service.port is None
    return f"{service.key}.health: exit, if it is to run once" if is_done else ""


def _end_of(seen: Observation, workspace: Workspace) -> str:
    if seen.run:
        return ended(seen.run)
    if seen.pane:
        return f"how could not be written down in {workspace.state_folder} (is its disk full?)"
    return "its window was closed while it was starting"


def _too_late(service: Service, seen: Observation) -> str:
    why = seen.answer.detail if seen.answer else "its health check has not answered"
    return f"not healthy after {service.startup_timeout:g} s: {why}"


def _ways_to_health(service: Service, seen: Observation, look: str) -> str:
    from ..decisions.other_port import remedy

    return "; ".join(filter(None, [remedy(service, seen), look]))


def _elsewhere(seen: Observation) -> str:
    return f"; it listens on {', '.join(seen.elsewhere)} instead" if seen.elsewhere else ""


def stopped(
    service: Service, workspace: Workspace, seen: Observation, changed: bool, notes: Sequence[str] = ()
) -> Report:
    """It does not run any more, or did not before: how it ended then is still told."""
    word = state(service, seen)
    before = word if not changed and word in ("crashed", "completed") else "stopped"
    return Report(service, before, seen, workspace, changed=changed, notes=tuple(notes))


def would_not_stop(
    service: Service, workspace: Workspace, seen: Observation, killed: Iterable[int], unreached: Iterable[Listener]
) -> Report:
    """Processes outlived even KILL, or belong to another user and outlived C-c."""
    from .holders import name_of

    pids = ", ".join(str(pid) for pid in killed)
    others = ", ".join(f"{name_of(each)} (pid {each.pid}) of user {each.user}" for each in unreached)
    why = [f"still there after SIGKILL: {pids}"] if pids else []
    why += [f"can't be signalled: {others}"] if others else []
    told = Report(service, state(service, seen), seen, workspace, code=1, changed=True)
    return replace(told, error=f"would not stop: {'; '.join(why)}", hint=doctor(workspace.typed))


def would_not_end(service: Service, workspace: Workspace, seen: Observation) -> Report:
    """The launcher of an earlier launch outlived even KILL."""
    pid = seen.launcher.identity.pid if seen.launcher else "unseen"
    told = Report(service, state(service, seen), seen, workspace, code=1, changed=False)
    return replace(told, error=f"its earlier launch would not end (launcher pid {pid})", hint=doctor(workspace.typed))


def chosen(service: Service) -> list[str]:
    """What a service without a configured command runs, and why (contract: Configuration)."""
    return [*([] if service.why == "configured" else [f"runs {_shown(service)}: {service.why}"]), *service.notes]


def _shown(service: Service) -> str:
    from ..text.masking import masked, masked_text

    return masked_text(service.command) if isinstance(service.command, str) else " ".join(masked(service.command))


def planned(service: Service, seen: Observation, action: Action) -> str:
    """What would be done, for `--dry`."""
    if isinstance(action, Launch):
        why = "" if service.why == "configured" else f" ({service.why})"
        return f"would start {service.name}{_where(service, seen, action)}: {_shown(service)}{why}"
    if isinstance(action, EndHolders) and action.event == "takeover":
        return f"would end what holds port {seen.port}, then start {service.name}"
    return f"would end what is left of an earlier launch, then start {service.name}"


def _where(service: Service, seen: Observation, launch: Launch) -> str:
    if launch.move or (service.auto_port and not seen.port):
        return " on an automatic port"
    return f" on port {seen.port}" if seen.port else ""


def start_interrupted(workspace: Workspace, going_on: Sequence[Service], left: Sequence[Service]) -> Interrupted:
    """Ctrl-C while a start waits: what was launched goes on in its window, and the rest was `left` unstarted."""
    told = [f"not started: {_names(left)}"] if left else []
    if going_on:
        windows = "keeps starting in its window" if len(going_on) == 1 else "keep starting in their windows"
        told = [f"{_names(going_on)} {windows}", *told]
    watch, end = _for_all(going_on, "attach", workspace), _for_all(going_on, "stop", workspace)
    them = "it" if len(going_on) == 1 else "them"
    ways = [f"{typed} {does} {them}" for typed, does in ((watch, "shows"), (end, "stops")) if typed]
    return Interrupted("; ".join(["interrupted", *(told or ["nothing was under way"])]), ", ".join(ways))


def _for_all(services: Sequence[Service], verb: str, workspace: Workspace) -> str:
    """One command for all of these services; empty if there is none, or no service."""
    if len(services) == 1:
        return command(services[0], verb, workspace.typed)
    together = workspace.typed.task({"stop": "down"}.get(verb, verb))
    only = "" if verb == "attach" else f" --only {','.join(service.name for service in services)}"
    return f"{together}{only}" if together and services else ""


def stop_interrupted(workspace: Workspace, asked: Sequence[Service], left: Sequence[Service]) -> Interrupted:
    """Ctrl-C while a stop waits: those `asked` to end may still do it, the rest was left as it is."""
    told = [f"asked to stop, and may still end: {_names(asked)}"] if asked else []
    if left or not asked:
        told += [f"left as it is: {_names(left) or 'nothing'}"]
    first = next(iter([*asked, *left]), None)
    ways = (command(first, verb, workspace.typed) for verb in ("status", "stop")) if first else ()
    return Interrupted("; ".join(["interrupted", *told]), " or ".join(filter(None, ways)))


def _names(services: Sequence[Service]) -> str:
    return ", ".join(service.name for service in services)
