"""The verbs that only look: status, ps, logs, workers, and the way to a window or a page."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .acting import are_instances, open_running_world, show_states
from .console import Console

if TYPE_CHECKING:
    from ..model import Report, Workspace
    from ..observation.workspaces import Known
    from ..world import World


def show_status(console: Console, name: str) -> int:
    """The status page of one service, or of several instances a line each."""
    world, wanted = open_running_world(console, [name], {})
    world.begin_look()
    from ..engine.status import status
    from ..report import as_json, status_page

    if are_instances(wanted, [name]):
        return show_states(console, status(world, wanted, left_of=[name]))
    (report,) = status(world, [name])
    console.document(as_json(report))
    console.result(status_page(report, console.out))
    return report.code


def show_why(console: Console, name: str) -> int:
    """Why the service is as it is, of several instances one after the other; the exit code is that of its status."""
    from ..engine.why import why
    from ..report.why import why_document, why_page

    world, wanted = open_running_world(console, [name], {})
    found = [why(world, each) for each in wanted]
    documents = [why_document(each) for each in found]
    console.document({"services": documents} if are_instances(wanted, [name]) else documents[0])
    console.result("\n".join(why_page(each, console.out) for each in found))
    return next((each.report.code for each in found if each.report.code), 0)


def show_all(console: Console, everywhere: bool) -> int:
    """`ps`: the workspace's services, or those of every workspace on this machine."""
    world, names = open_running_world(console, None, {})
    world.begin_look()
    from ..engine.status import everything, status
    from ..report.tables import table

    if not everywhere:
        own = status(world, names, and_unconfigured=True)
        console.document({"workspaces": [workspace_document(world, own)]})
        console.result(table(own, console.out))
        return 0
    groups, known = with_hidden(world, everything(world))
    console.document({"workspaces": [workspace_document(world, group, known) for group in groups]})
    for group in groups:
        console.result(heading(world, group, known))
        console.result(table(group, console.out))
    return 0


def with_hidden(world: World, groups: list[list[Report]]) -> tuple[list[list[Report]], dict[str, Known]]:
    """With those whose windows nobody reaches, and what is known of each workspace's folder."""
    from ..engine.status import status
    from ..observation.workspaces import known_workspaces

    known = {each.path: each for each in known_workspaces(world)}
    shown = {_home(world, group) for group in groups}
    hidden = [each for path, each in known.items() if each.running and path not in shown]
    more = [status(each.world(world, world.workspace.socket_name), each.services()) for each in hidden]
    return [*groups, *more], known


def heading(world: World, group: Sequence[Report], known: Mapping[str, Known]) -> str:
    """Where a workspace is, and what became of that folder."""
    from ..text.sanitize import plain

    fate = _fate_in_words(world, known.get(_home(world, group)))
    return plain(f"{_home(world, group)}  ({_session(group) or 'no session'}){fate}")


def _fate_in_words(world: World, known: Known | None) -> str:
    from .neighbours import age, way_to_end

    if known is None or known.fate.word == "here":
        return ""
    word = f"gone{age(world, known)}" if known.fate.word == "gone" else known.fate.reason
    return "  ".join([f": {word}", *([f"({way})"] if (way := way_to_end(world, known)) else [])])


def show_workers(console: Console, name: str) -> int:
    """The workers that the service's registry lists, whatever API answers."""
    from ..engine.status import workers
    from ..report import status_page
    from ..report.tables import workers_table

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
    from ..report.phrases import to_an_answer

    world, _ = open_running_world(console, [name], {})
    (report,) = status(world, [name])
    if report.state != "running" or report.seen.port is None:
        raise NothingThere(f"{name} is {report.state}", to_an_answer(report))
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
    from ..config.json_schema import json_schema

    console.document(json_schema())
    return 0


def show_mcp_config(console: Console) -> int:
    """What a coding agent reads as .mcp.json; the command that adds the SDK, if that is missing."""
    from importlib.util import find_spec

    from ..installation import command, extra

    if find_spec("mcp") is None:
        console.warning(f"the MCP server needs the SDK: {command(extra('mcp'))}")
    server = {"command": sys.executable, "args": ["-m", "sentinel_tasks.mcp"]}
    console.document({"mcpServers": {"sentinel": server}})
    return 0


def workspace_document(
    world: World, group: Sequence[Report], known: Mapping[str, Known] | None = None
) -> dict[str, object]:
    """One workspace's services as `ps` documents them (contract: Documents, Other documents)."""
    from ..report import as_json

    home, services = _home(world, group), [as_json(report) for report in group]
    found = (known or {}).get(home)
    return {
        "workspace": home,
        "folder": found.fate.word if found else "here",
        "gone_since": found.since if found else None,
        "session": _session(group),
        "services": services,
    }


def _home(world: World, group: Sequence[Report]) -> str:
    return group[0].workspace.path if group else world.workspace.path


def _session(group: Sequence[Report]) -> str | None:
    return group[0].seen.session if group and group[0].seen.session_exists else None


def attach_to(console: Console, name: str | None) -> int:
    """Shows the session, or one service's window, in this terminal; off a terminal, prints the command to type."""
    import subprocess

    from ..engine.session import place_of, way_to_window
    from ..errors import NothingThere

    world, wanted = open_running_world(console, None if name is None else [name], {})
    name = None if name is None else wanted[0]
    place = place_of(world, name)
    if place is None:
        what = f"{name or 'this workspace'} has no window to attach to"
        way = way_to_window(world, name) if name else ""
        raise NothingThere(f"{what} here" if way else what, way or how_to_start(world.workspace, name))
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        console.result(place.typed)
        return 0
    if world.tmux.attached_here():
        world.tmux.switch(place.session_id, place.window)
        return 0
    environ = {key: value for key, value in console.environ.items() if key not in ("TMUX", "TMUX_PANE")}
    return subprocess.run(world.tmux.attach_command(place.session, place.window), env=environ, check=False).returncode


def how_to_start(workspace: Workspace, name: str | None) -> str:
    """What a person types to start that service, or all."""
    from ..report.phrases import command

    typed = workspace.typed
    return command(workspace.service(name), "start", typed) if name else typed.task("up")
