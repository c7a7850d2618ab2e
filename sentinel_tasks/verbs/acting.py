"""The verbs that act: read the workspace, call the engine once, show its reports, return the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..names import is_instance
from .console import Console

if TYPE_CHECKING:
    from ..engine.restart import Restarted
    from ..errors import Problem
    from ..model import Lease, Report, Service, Workspace
    from ..world import World

Names = Sequence[str] | None
"""The services meant; None is every service of the workspace."""


def open_world(console: Console, names: Names, flags: Mapping[str, str]) -> tuple[World, list[str]]:
    """The workspace's world and the services meant; ConfigurationError if one of them is unknown."""
    of_one = dict.fromkeys(names, flags) if names is not None and len(names) == 1 else None
    return _open(console, console.workspace(of_one), names, flags)


def _open(console: Console, workspace: Workspace, names: Names, flags: Mapping[str, str]) -> tuple[World, list[str]]:
    """The same with a workspace that was read already; the flags of several services still have to be put into it."""
    from ..errors import ConfigurationError

    if problems := _unknown(names or (), workspace):
        raise ConfigurationError(problems)
    wanted = meant(workspace, names)
    if problems := _port_of_many(wanted, flags):
        raise ConfigurationError(problems)
    if flags and (names is None or len(names) != 1):
        of_each = {service.name: _of_many(service, flags) for service in workspace.services if service.name in wanted}
        workspace = console.workspace(of_each)
    return console.world(workspace), wanted


def open_running_world(console: Console, names: Names, flags: Mapping[str, str]) -> tuple[World, list[str]]:
    """As `open_world`, but with a wrong configuration what runs is known from its windows, and the problems are told.

    ConfigurationError if a flag is wrong, or if a service that is meant neither runs nor is configured well.
    """
    workspace, problems = console.workspace_and_problems()
    if not problems:
        return open_world(console, names, flags) if flags else _open(console, workspace, names, flags)
    from msgspec.structs import replace

    from ..errors import ConfigurationError
    from ..observation.unconfigured import running_unread

    world = console.world(workspace)
    running = running_unread(world, world.tmux.panes())
    services = [replace(service, **_timeouts(flags)) for service in (*workspace.services, *running)]
    workspace = replace(workspace, services=tuple(services))
    wanted = meant(workspace, names)
    if any(name not in {service.name for service in services} for name in wanted):
        raise ConfigurationError(problems)
    for problem in problems:
        console.warning(f"{problem.key}: {problem.value!r}: {problem.reason}")
    return console.world(workspace), wanted


def meant(workspace: Workspace, names: Names) -> list[str]:
    """The services of these names: for the name in common of several instances all of them, without names all.

    Instances that are not configured well are known by their names.
    """
    known, templates = {service.name: None for service in workspace.services}, workspace.templates
    found: dict[str, None] = {}
    for name in known if names is None else names:
        own = [each.name for each in templates.get(name, ())]
        numbered = [each for each in known if is_instance(each, name)] if name not in known else []
        found |= dict.fromkeys(own or numbered or [name])
    return list(found)


def are_instances(wanted: Sequence[str], names: Names) -> bool:
    """True if a name was that of several instances, however many there are; their tasks tell of each."""
    return names is not None and [*wanted] != [*names]


def _timeouts(flags: Mapping[str, str]) -> dict[str, float]:
    """The one flag that a stop has; a wrong one counts for nothing while the configuration is wrong."""
    text = flags.get("stop_timeout", "")
    return {"stop_timeout": float(text)} if text.replace(".", "", 1).isdecimal() else {}


def _unknown(wanted: Iterable[str], workspace: Workspace) -> list[Problem]:
    known = [*(service.name for service in workspace.services), *workspace.templates]
    unknown = [name for name in wanted if name not in known]
    if not unknown:
        return []
    from ..config.problems import Problems

    problems_found = Problems()
    for name in unknown:
        problems_found.unknown("--only", name, "service", known, name)
    return problems_found.problems


def _port_of_many(wanted: Sequence[str], flags: Mapping[str, str]) -> list[Problem]:
    from ..errors import Problem

    port = flags.get("port", "auto")
    reason = "must be auto where several services are meant"
    return [Problem("--port", port, reason)] if port != "auto" and len(wanted) > 1 else []


def _of_many(service: Service, flags: Mapping[str, str]) -> Mapping[str, str]:
    """The flags as they apply to one of several services: an automatic port is only for one that has a port."""
    if service.port is not None or service.auto_port or flags.get("port") != "auto":
        return flags
    return {key: value for key, value in flags.items() if key != "port"}


def _remembered(console: Console, world: World, flags: Mapping[str, str]) -> Callable[[], None]:
    """Remembers what is started, as it is configured without flags: when there is time for it."""
    return lambda: console.remember(console.workspace_and_problems()[0] if flags else world.workspace)


def start_part(
    console: Console,
    wish: Mapping[str, list[str] | None],
    flags: Mapping[str, str],
    wait: bool,
    anew: bool,
    leases: Sequence[Lease] = (),
) -> int:
    """Starts the part of the workspace that is wished for, and what it needs; shows what became of each.

    `anew` restarts those that run with another configuration than theirs now. `leases` are what they are started for.
    """
    from ..decisions.selection import Part, selected, unknown_groups
    from ..errors import ConfigurationError

    only, groups, without = wish["only"], wish["groups"], wish["without"] or []
    if anew:
        scaled = console.scales if only is None and groups is None else only or ()
        console.forget_scales([name for name in scaled if name not in without])
    workspace = console.workspace()
    part = Part(None if only is None else meant(workspace, only), groups, meant(workspace, without))
    problems = [
        *_unknown([*(only or ()), *without], workspace),
        *_no_groups(unknown_groups(workspace.services, part), workspace),
    ]
    if problems:
        raise ConfigurationError(problems)
    if not (names := selected(workspace.services, part)):
        console.result("nothing to start: no service is meant")
        return 0
    if anew:
        return _apply_changes(console, names, flags, wait, leases)
    return start_services(console, names, flags, wait, True, leases)


def _apply_changes(
    console: Console, names: Sequence[str], flags: Mapping[str, str], wait: bool, leases: Sequence[Lease]
) -> int:
    from ..engine.restart import running_with_another, start_anew
    from ..engine.start import Options

    world, wanted = open_world(console, names, flags)
    changed = running_with_another(world, wanted)
    left_of = [name for name, own in world.workspace.templates.items() if {each.name for each in own} <= {*wanted}]
    options = Options(wait, console.dry, leases=tuple(leases), meanwhile=_remembered(console, world, flags))
    return show_both(console, start_anew(world, wanted, changed, options, left_of), changed)


def _no_groups(groups: Sequence[str], workspace: Workspace) -> list[Problem]:
    from ..config.problems import Problems

    known = sorted({group for service in workspace.services for group in service.groups})
    problems_found = Problems()
    for group in groups:
        problems_found.unknown("--group", group, "group", known, group)
    return problems_found.problems


def start_services(
    console: Console,
    names: Names,
    flags: Mapping[str, str],
    wait: bool,
    together: bool = False,
    leases: Sequence[Lease] = (),
) -> int:
    """Starts them and what they need for what is given, or for good, and shows what became of each."""
    from ..engine.start import Options, start

    world, wanted = open_world(console, names, flags)
    options = Options(wait, console.dry, leases=tuple(leases), meanwhile=_remembered(console, world, flags))
    reports = start(world, wanted, options)
    together = together or are_instances(wanted, names)
    code = show_outcome(console, reports, "started", None if together else wanted[0])
    if together and any(report.seen.changes for report in reports) and (up := world.workspace.typed.task("up")):
        console.result(f"   {console.out.sign('hints')} {up} --apply restarts those whose configuration has changed")
    return code


def stop_services(
    console: Console, names: Names, flags: Mapping[str, str], together: bool = False, close: bool = False
) -> int:
    """Stops them in reverse order of dependency; `close` also closes the session if nothing else is in it."""
    from ..engine.stop import stop

    world, wanted = open_running_world(console, names, flags)
    left_of = [name for name in names or () if name in world.workspace.templates]
    reports = stop(world, wanted, dry=console.dry, and_unconfigured=together and names is None, left_of=left_of)
    if close and not console.dry and not any(report.code for report in reports):
        from ..engine.session import close_session

        closed = close_session(world)
        reports = [without_window(report) for report in reports] if closed else reports
        console.forget_scales(console.scales)
    together = together or are_instances(wanted, names)
    return show_outcome(console, reports, "stopped", None if together else wanted[0])


def without_window(report: Report) -> Report:
    """The report as it is once the session is closed."""
    from msgspec.structs import replace

    return replace(report, seen=replace(report.seen, session_exists=False, pane=None))


def restart_services(
    console: Console, names: Names, flags: Mapping[str, str], wait: bool, together: bool = False
) -> int:
    """Stops them, then starts them and what they need; if one does not stop, none is started."""
    from ..engine.restart import restart
    from ..engine.start import Options

    world, wanted = open_world(console, names, flags)
    only = None if together or are_instances(wanted, names) else wanted[0]
    options = Options(wait, console.dry, meanwhile=_remembered(console, world, flags))
    return show_both(console, restart(world, wanted, options), wanted, only)


def show_both(console: Console, done: Restarted, restarted: Sequence[str], only: str | None = None) -> int:
    """Shows what became of each service that was stopped and started, and of those that were only stopped."""
    if done.started is None:
        return show_outcome(console, done.stopped, "stopped", only)
    if console.dry:
        show_notes(console, done.stopped)
    names = {report.service.name for report in done.started}
    ended = [] if console.dry else [report for report in done.stopped if report.service.name not in names]
    return show_outcome(console, [*ended, *done.started], "restarted", only, restarted)


def show_outcome(
    console: Console, reports: Sequence[Report], done: str, only: str | None, restarted: Names = None
) -> int:
    """Shows what became of each service; returns the exit code of the first failure, or of the one service meant.

    If `restarted` is given, the services that are not in it were only started, because those need them.
    """
    console.clear()
    meant = [report for report in reports if only is None or report.service.name == only]
    console.document(_outcome_document(reports, meant, together=only is None))
    if console.as_json:
        show_notes(console, reports)
    else:
        for report in reports:
            word = done if restarted is None or report.service.name in restarted else "started"
            _show_report(console, report, "stopped" if report.state == "stopped" else word)
    return next((report.code for report in meant if report.code), 0)


def show_states(console: Console, reports: Sequence[Report]) -> int:
    """Shows a line for each; the exit code is that of the first that is not as wanted."""
    from ..report.tables import table

    console.document(_outcome_document(reports, reports, together=True))
    console.result(table(reports, console.out))
    return next((report.code for report in reports if report.code), 0)


def _outcome_document(reports: Sequence[Report], meant: Sequence[Report], together: bool) -> dict[str, Any]:
    from ..report import as_json

    if not together:
        return as_json(meant[0])
    failures = [f"{report.service.name}: {report.error}" for report in reports if report.code]
    return {"services": [as_json(report) for report in meant], "error": "; ".join(failures) or None}


def _show_report(console: Console, report: Report, done: str) -> None:
    from ..report import details, outcome_line

    show, style = (console.diagnostic, console.err) if report.code else (console.result, console.out)
    lines = [*([] if console.dry else [outcome_line(report, done, style)]), *details(report, style)]
    show("\n".join(lines) if lines else f"{report.service.name}: nothing to do")


def show_notes(console: Console, reports: Sequence[Report]) -> None:
    """Prints the notes of each report, or with `--dry` its plan; with `--json` to stderr, beside the document."""
    from ..report import note_lines

    for line in (line for report in reports for line in note_lines(report)):
        (console.diagnostic if console.as_json else console.result)(line)
