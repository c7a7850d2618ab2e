"""The verbs that only look: status, ps, logs, workers, and the way to a window or a page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .console import Console
from .verbs import Names, open_running_world

if TYPE_CHECKING:
    from ..model import Report, Workspace
    from ..world import World

MOST_LINES = 10_000_000


def show_status(console: Console, name: str) -> int:
    """The status page of one service."""
    from ..engine.status import status
    from ..report import as_json, status_page

    world, _ = open_running_world(console, [name], {})
    (report,) = status(world, [name])
    console.document(as_json(report))
    console.result(status_page(report, console.out))
    return report.code


def show_all(console: Console, everywhere: bool) -> int:
    """`ps`: the workspace's services, or those of every workspace on this machine."""
    from ..engine.status import everything, status
    from ..report import table
    from ..text.sanitize import plain

    world, names = open_running_world(console, None, {})
    groups = everything(world) if everywhere else [status(world, names, and_unconfigured=True)]
    console.document({"workspaces": [_workspace_document(world, group) for group in groups]})
    for group in groups:
        if everywhere:
            console.result(plain(f"{_home(world, group)}  ({_session(group) or 'no session'})"))
        console.result(table(group, console.out))
    return 0


def show_workers(console: Console, name: str) -> int:
    """The workers that the service's registry lists, whatever API answers."""
    from ..engine.status import workers
    from ..report import status_page, workers_table

    world, _ = open_running_world(console, [name], {})
    report, found = workers(world, name)
    console.document({"service": name, "state": report.state, "workers": found, "error": report.error})
    if report.code:
        console.result(status_page(report, console.out))
    elif found is None:
        console.result("its health check does not list the workers")
    else:
        console.result(workers_table(found, console.out) if found else "no workers")
    return report.code


def open_page(console: Console, name: str) -> int:
    """Prints the address of the service's page, and opens it in a browser if there is one."""
    import webbrowser

    from ..engine.status import status
    from ..errors import NothingThere
    from ..report.phrases import command

    world, _ = open_running_world(console, [name], {})
    (report,) = status(world, [name])
    if report.state != "running" or report.seen.port is None:
        raise NothingThere(f"{name} is {report.state}", command(report.service, "start", world.workspace.typed))
    address = f"http://{report.seen.host}:{report.seen.port}/"
    console.result(address)
    if sys.stdout.isatty() and has_browser(console.environ):
        webbrowser.open(address)
    return 0


def has_browser(environ: Mapping[str, str]) -> bool:
    """True if a browser can be opened: on macOS, or where the environment names a display or a browser."""
    return sys.platform == "darwin" or any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def show_schema(console: Console) -> int:
    """The JSON Schema of the configuration."""
    from ..config.schema import json_schema

    console.document(json_schema())
    return 0


def _workspace_document(world: World, group: Sequence[Report]) -> dict[str, object]:
    from ..report import as_json

    services = [as_json(report) for report in group]
    return {"workspace": _home(world, group), "session": _session(group), "services": services}


def _home(world: World, group: Sequence[Report]) -> str:
    return group[0].workspace.path if group else world.workspace.path


def _session(group: Sequence[Report]) -> str | None:
    return group[0].seen.session if group and group[0].seen.session_exists else None


def follow_or_show(console: Console, names: Names, lines: str, follow: bool, together: bool = False) -> int:
    """Shows the last lines, and with `follow` all that come after them."""
    from ..engine.log_lines import following, last, log_files
    from ..errors import NothingThere
    from ..report import is_read

    count = _number_of_lines(lines)
    world, wanted = open_running_world(console, names, {})
    logs = log_files(world, wanted)
    if follow:
        to_come = following(world, logs, count, console.out.colour, lambda: is_read(sys.stdout))
        return _until_nobody_reads(console, to_come, wanted, together)
    found = last(world, logs, count, console.out.colour and not console.as_json)
    if not any(log.exists() for log in logs.values()):
        way_on = _how_to_start(world.workspace, None if together else wanted[0])
        raise NothingThere(f"{', '.join(wanted)}: nothing was ever logged here", way_on)
    plain_lines = [line if not together else f"{name}: {line}" for name, line in found]
    console.document({"service": None if together else wanted[0], "lines": plain_lines})
    return _until_nobody_reads(console, [] if console.as_json else found, wanted, together)


def _until_nobody_reads(
    console: Console, lines: Iterable[tuple[str, str]], names: Sequence[str], together: bool
) -> int:
    """Prints the lines until they end, their reader has gone, or Ctrl-C is pressed; returns the exit code."""
    from ..report import put

    try:
        for name, line in lines:
            put(_shown(console, name, line, names, together), sys.stdout)
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


def _shown(console: Console, name: str, line: str, names: Sequence[str], together: bool) -> str:
    if console.as_json:
        from ..report import dumps_line

        return dumps_line({"service": name, "line": line})
    width = max(len(each) for each in names)
    return f"{console.out.hue(name.ljust(width), names, name)} | {line}" if together else line


def _number_of_lines(text: str) -> int:
    from ..errors import ConfigurationError, Problem

    text = str(text)
    if not text.isdecimal() or not text.isascii() or int(text) > MOST_LINES:
        raise ConfigurationError([Problem("--lines", text, f"must be a number from 0 to {MOST_LINES}")])
    return int(text)


def attach_to(console: Console, name: str | None) -> int:
    """Shows the session, or one service's window, in this terminal; off a terminal, prints the command to type."""
    import subprocess

    from ..engine.session import place_of, way_to_window
    from ..errors import NothingThere

    world, _ = open_running_world(console, None if name is None else [name], {})
    place = place_of(world, name)
    if place is None:
        what = f"{name or 'this workspace'} has no window to attach to"
        way = way_to_window(world, name) if name else ""
        raise NothingThere(f"{what} here" if way else what, way or _how_to_start(world.workspace, name))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        console.result(place.typed)
        return 0
    if world.tmux.attached_here():
        world.tmux.switch(place.session_id, place.window)
        return 0
    environ = {key: value for key, value in console.environ.items() if key not in ("TMUX", "TMUX_PANE")}
    return subprocess.run(world.tmux.attach_command(place.session, place.window), env=environ, check=False).returncode


def _how_to_start(workspace: Workspace, name: str | None) -> str:
    from ..report.phrases import command

    typed = workspace.typed
    return command(workspace.service(name), "start", typed) if name else typed.task("up")
