"""What each verb does: workspace, one engine call, its reports shown, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .console import Console

if TYPE_CHECKING:
    from ..model import Report, Workspace
    from ..world import World

Names = Sequence[str] | None
"""The services meant; None is every service of the workspace."""

MOST_LINES = 10_000_000


def open_world(console: Console, names: Names, flags: Mapping[str, str]) -> tuple[World, list[str]]:
    """The workspace's world and the services meant; ConfigurationError if one of them is unknown."""
    from ..errors import ConfigurationError
    from ..settings import Complaints

    meant = dict.fromkeys(names, flags) if names is not None else {}
    workspace = console.workspace(meant)
    known = [service.name for service in workspace.services]
    if names is None and flags:
        workspace = console.workspace(dict.fromkeys(known, flags))
    complaints = Complaints()
    for name in names or []:
        if name not in known:
            complaints.unknown("--only", name, "service", known)
    if complaints.problems:
        raise ConfigurationError(complaints.problems)
    return console.world(workspace), list(names) if names is not None else known


def start_services(console: Console, names: Names, flags: Mapping[str, str], wait: bool, together: bool = False) -> int:
    """Starts them and what they need; shows what came of each."""
    from ..engine.start import Options, start

    world, wanted = open_world(console, names, flags)
    reports = start(world, wanted, Options(wait=wait, dry=console.dry))
    return show_outcome(console, reports, "started", None if together else wanted[0])


def stop_services(
    console: Console, names: Names, flags: Mapping[str, str], together: bool = False, close: bool = False
) -> int:
    """Stops them in reverse order of dependency; `close` ends the session too if nothing else is in it."""
    from ..engine.stop import stop

    world, wanted = open_world(console, names, flags)
    reports = stop(world, wanted, dry=console.dry)
    if close and not console.dry and not any(report.code for report in reports):
        from ..engine.session import close_session

        close_session(world)
    return show_outcome(console, reports, "stopped", None if together else wanted[0])


def restart_services(
    console: Console, names: Names, flags: Mapping[str, str], wait: bool, together: bool = False
) -> int:
    """Stops them, then starts them; a service that would not stop is not started."""
    from ..engine.start import Options, start
    from ..engine.stop import stop

    world, wanted = open_world(console, names, flags)
    ended = stop(world, wanted, dry=console.dry)
    if any(report.code for report in ended):
        return show_outcome(console, ended, "stopped", None if together else wanted[0])
    if console.dry:
        show_notes(console, ended)
    reports = start(world, wanted, Options(wait=wait, dry=console.dry, restarted=frozenset(wanted)))
    return show_outcome(console, reports, "restarted", None if together else wanted[0])


def show_outcome(console: Console, reports: Sequence[Report], done: str, only: str | None) -> int:
    """Says what came of each service; the exit code is that of the first failure, or of the one service meant."""
    from ..report import as_json, details, outcome_line

    console.clear()
    meant = [report for report in reports if only is None or report.service.name == only]
    code = next((report.code for report in meant if report.code), 0)
    if only is None:
        failures = [f"{report.service.name}: {report.error}" for report in reports if report.code]
        console.document({"services": [as_json(report) for report in meant], "error": "; ".join(failures) or None})
    else:
        console.document(as_json(meant[0]))
    if console.as_json:
        show_notes(console, reports)
        return code
    for report in reports:
        say = console.diagnostic if report.code else console.result
        style = console.err if report.code else console.out
        lines = details(report, style) if console.dry else [outcome_line(report, done, style), *details(report, style)]
        say("\n".join(lines) if lines else f"{report.service.name}: nothing to do")
    return code


def show_notes(console: Console, reports: Sequence[Report]) -> None:
    """What else is to be known of each, or what would be done; beside the document where one was asked for."""
    from ..report import note_lines

    for line in (line for report in reports for line in note_lines(report)):
        (console.diagnostic if console.as_json else console.result)(line)


def show_status(console: Console, name: str) -> int:
    """The status page of one service."""
    from ..engine.status import status
    from ..report import as_json, status_page

    world, _ = open_world(console, [name], {})
    (report,) = status(world, [name])
    console.document(as_json(report))
    console.result(status_page(report, console.out))
    return report.code


def show_all(console: Console, everywhere: bool) -> int:
    """`ps`: the workspace's services, or those of every workspace on this machine."""
    from ..engine.status import everything, status
    from ..logtext import plain
    from ..report import as_json, table

    world, names = open_world(console, None, {})
    groups = everything(world) if everywhere else [status(world, names)]
    console.document(
        {
            "workspaces": [
                {
                    "workspace": _home(world, group),
                    "session": _session(group),
                    "services": [as_json(each) for each in group],
                }
                for group in groups
            ]
        }
    )
    for group in groups:
        if everywhere:
            console.result(plain(f"{_home(world, group)}  ({_session(group)})"))
        console.result(table(group, console.out))
    return 0


def show_workers(console: Console, name: str) -> int:
    """The workers that the service's registry lists, whatever API answers."""
    from ..engine.status import workers
    from ..report import workers_table

    world, _ = open_world(console, [name], {})
    report, found = workers(world, name)
    console.document({"service": name, "state": report.state, "workers": found, "error": report.error})
    if report.code:
        return show_status(console, name) if not console.as_json else report.code
    console.result(workers_table(found, console.out) if found else "no workers")
    return report.code


def open_page(console: Console, name: str) -> int:
    """The service's page in a browser; its address where there is none."""
    import webbrowser

    from ..engine.status import status
    from ..engine.tell import command
    from ..errors import NothingThere

    world, _ = open_world(console, [name], {})
    (report,) = status(world, [name])
    if report.state != "running" or report.seen.port is None:
        raise NothingThere(f"{name} is {report.state}", command(report.service, "start"))
    address = f"http://localhost:{report.seen.port}/"
    console.result(address)
    if sys.stdout.isatty() and has_browser(console.environ):
        webbrowser.open(address)
    return 0


def has_browser(environ: Mapping[str, str]) -> bool:
    """True where a page can be shown: on macOS, or where a display or a chosen browser is."""
    return sys.platform == "darwin" or any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def show_schema(console: Console) -> int:
    """The JSON Schema of the configuration."""
    from ..report import dumps
    from ..schema import json_schema

    print(dumps(json_schema()))
    return 0


def _home(world: World, group: Sequence[Report]) -> str:
    return group[0].workspace.path if group else world.workspace.path


def _session(group: Sequence[Report]) -> str | None:
    return group[0].seen.session if group and group[0].seen.session_exists else None


# Logs


def follow_or_show(console: Console, names: Names, lines: str, follow: bool, together: bool = False) -> int:
    """The last lines, and with `follow` all that come after."""
    from ..engine.lines import following, last
    from ..errors import NothingThere

    count = _number_of_lines(lines)
    world, wanted = open_world(console, names, {})
    if follow:
        for name, line in following(world, wanted, count, console.out.colour):
            _print_line(console, name, line, wanted, together)
        return 0
    found = last(world, wanted, count, console.out.colour and not console.as_json)
    if not any(world.state.log(name).exists() for name in wanted):
        raise NothingThere(f"{', '.join(wanted)}: nothing was ever logged here")
    plain_lines = [line if not together else f"{name}: {line}" for name, line in found]
    console.document({"service": None if together else wanted[0], "lines": plain_lines})
    for name, line in [] if console.as_json else found:
        _print_line(console, name, line, wanted, together)
    return 0


def _print_line(console: Console, name: str, line: str, names: Sequence[str], together: bool) -> None:
    if console.as_json:
        from ..report import dumps_line

        print(dumps_line({"service": name, "line": line}), flush=True)
        return
    width = max(len(each) for each in names)
    print(f"{console.out.hue(name.ljust(width), names, name)} | {line}" if together else line, flush=True)


def _number_of_lines(text: str) -> int:
    from ..errors import ConfigurationError, Problem

    if not text.isdecimal() or not text.isascii() or int(text) > MOST_LINES:
        raise ConfigurationError([Problem("--lines", text, f"must be a number from 0 to {MOST_LINES}")])
    return int(text)


# Attach


def attach_to(console: Console, name: str | None) -> int:
    """The session, or one service's window, in this terminal; off a terminal the command to type."""
    import subprocess

    from ..engine.session import place_of
    from ..errors import NothingThere

    world, _ = open_world(console, [name] if name else None, {})
    place = place_of(world, name)
    if place is None:
        raise NothingThere(
            f"{name or 'this workspace'} has no window to attach to", _how_to_start(world.workspace, name)
        )
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        console.result(place.typed)
        return 0
    if world.tmux.attached_here():
        world.tmux.switch(place.session_id, place.window)
        return 0
    environ = {key: value for key, value in console.environ.items() if key not in ("TMUX", "TMUX_PANE")}
    return subprocess.run(world.tmux.attach_command(place.session, place.window), env=environ, check=False).returncode


def _how_to_start(workspace: Workspace, name: str | None) -> str:
    from ..engine.tell import command

    return command(workspace.service(name), "start") if name else "inv up"
