"""The verbs for workspaces that this call is not in: `gc`, and `down` of another one or of all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .acting import open_running_world, show_outcome
from .console import Console
from .neighbours import age, count, way_to_end

if TYPE_CHECKING:
    from ..engine.gc import Collected, Ended
    from ..model import Report
    from ..observation.workspaces import Known
    from ..world import World

KEPT = "7d"


def collect_garbage(console: Console, keep_logs: str | None) -> int:
    """Ends what is left of workspaces that are no more, and shows what became of each; exit 1 if anything would not."""
    from ..engine.gc import collect

    keep = _length("--keep-logs", KEPT if keep_logs is None else keep_logs)
    world = _world(console)
    done = collect(world, keep, console.dry)
    failures = [f"{each.known.path}: {each.ended.failure}" for each in done if each.ended and each.ended.failure]
    console.document({"workspaces": [_document(each) for each in done], "error": "; ".join(failures) or None})
    lines = [line for each in done if (line := _line(console, world, each, keep))]
    for line in lines or ["nothing to do: nothing runs whose workspace is no more"]:
        console.result(line)
    if kept := [each for each in done if _is_only_kept(each)]:
        console.result(f"   {len(kept)} more {'is' if len(kept) == 1 else 'are'} gone; only their logs are left")
    return 1 if failures else 0


def _world(console: Console) -> World:
    """The world of this call; what is left of others is the answer itself, and no aside."""
    console.tells_of_gone = False
    return open_running_world(console, None, {})[0]


def _length(flag: str, text: str) -> float:
    from ..errors import ConfigurationError, Problem
    from ..text.moments import LENGTH, seconds_of

    found = seconds_of(text)
    if found is None:
        raise ConfigurationError([Problem(flag, text, LENGTH)])
    return found


def _document(done: Collected) -> dict[str, Any]:
    known, ended = done.known, done.ended
    return {
        "workspace": known.path,
        "state": known.fate.word,
        "reason": known.fate.reason,
        "moved_to": known.fate.moved_to or None,
        "since": known.since,
        "services": known.running,
        "ended": ended is not None and not ended.failure,
        "session_closed": ended is not None and ended.closed,
        "state_folder": str(known.state_folder) if known.folder else None,
        "removed": done.removed,
        "error": (ended.failure or None) if ended else None,
    }


def _is_only_kept(done: Collected) -> bool:
    return done.known.fate.word == "gone" and done.ended is None and not done.removed


def _line(console: Console, world: World, done: Collected, keep: float) -> str:
    """What was done of a workspace, or why it was left; empty where nothing of it runs and nothing was done."""
    from ..text.sanitize import plain

    known = done.known
    if _is_only_kept(done) or (known.fate.word != "gone" and not known.running):
        return ""
    path, running = plain(known.path), ", ".join(known.running)
    if known.fate.word != "gone":
        way, still = plain(way_to_end(world, known)), "still runs" if len(known.running) == 1 else "still run"
        return f"{console.out.sign('warn')} {path}: left, {plain(known.fate.reason)}; {running} {still}; {way}"
    told = [f"gone{age(world, known)}", *_done(done, running, console.dry)]
    sign = "bad" if done.ended and done.ended.failure else "ok"
    return f"{'' if console.dry else console.out.sign(sign) + ' '}{path}: {'; '.join(told)}"


def _done(done: Collected, running: str, dry: bool) -> Iterable[str]:
    would = "would be " if dry else ""
    if done.ended and done.ended.failure:
        yield f"would not end: {done.ended.failure}"
    elif done.ended and running:
        yield f"{would}ended: {running}"
    if done.ended and done.ended.closed:
        yield f"its session {'would be' if dry else 'is'} closed"
    elif done.ended and done.known.left.sessions:
        yield "its session has other windows, and is left"
    if done.removed:
        yield f"its logs {'would be' if dry else 'are'} removed"


def end_workspace(console: Console, path: str) -> int:
    """Ends every service of the workspace at that path, which need not be there any more; exit 3 if none is known."""
    from ..engine.gc import end_all

    world = _world(console)
    known = _known_at(world, path)
    return _show_ended(console, [(known, end_all(world, known, console.dry))])


def _known_at(world: World, path: str) -> Known:
    from ..errors import NothingThere
    from ..observation.workspaces import known_workspaces

    real = os.path.realpath(os.path.join(os.getcwd(), os.path.expanduser(path)))
    for known in known_workspaces(world, real):
        return known
    raise NothingThere(f"nothing is known of a workspace {real}", "{ps} --all")


def show_addresses(console: Console, path: str, export: bool, dotenv: bool) -> int:
    """The ports and addresses of what runs of the workspace at that path; exit 3 if none is known."""
    from ..engine.surroundings import addresses
    from .beside import show_variables

    world = _world(console)
    known = _known_at(world, path)
    found: dict[str, str] = {}
    for server in known.servers:
        found |= addresses(known.world(world, server))
    show_variables(console, found, export, dotenv)
    return 0


def end_everything(console: Console, close: bool, yes: bool) -> int:
    """Ends every service of every workspace of this user, after a list of them; on a terminal it is asked once."""
    from ..engine.gc import end_all
    from ..errors import SentinelError
    from ..observation.workspaces import known_workspaces
    from ..text.sanitize import plain

    world = _world(console)
    known = [each for each in known_workspaces(world) if each.running or (close and each.servers)]
    for each in known:
        console.diagnostic(f"{plain(each.path)}: {', '.join(each.running) or 'nothing runs'}")
    if known and not (console.dry or yes):
        if not console.can_ask:
            what = f"nobody is here to be asked whether {count(known)} may be ended"
            raise SentinelError(what, "--yes ends them without asking", exit_code=2)
        if not console.ask(f"End {count(known)}?"):
            console.diagnostic("nothing was ended")
            return 1
    return _show_ended(console, [(each, end_all(world, each, console.dry, close)) for each in known])


def _show_ended(console: Console, done: Sequence[tuple[Known, Ended]]) -> int:
    """What became of each service, of several workspaces below the path of each."""
    from ..text.sanitize import plain

    groups = [(plain(known.path), _reports(ended)) for known, ended in done]
    if console.as_json or len(groups) == 1:
        groups = [("", [report for _, reports in groups for report in reports])]
    codes = []
    for path, reports in groups:
        if path:
            console.result(path)
        codes.append(show_outcome(console, reports, "stopped", None))
    errors = [ended.error for _, ended in done if ended.error]
    for error in errors:
        console.warning(error)
    return next(filter(None, codes), 1 if errors else 0)


def _reports(ended: Ended) -> list[Report]:
    from .acting import without_window

    return [without_window(report) for report in ended.reports] if ended.closed else ended.reports
