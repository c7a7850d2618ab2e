"""The tasks of a whole workspace: `up`, `down`, `ps`, `logs` and the like."""

from __future__ import annotations

from collections.abc import Callable

from invoke.context import Context

from ..verbs.acting import restart_services, start_part, stop_services
from ..verbs.console import Console
from ..verbs.views import attach_to, show_all, show_mcp_config, show_schema, show_why
from .boundary import run
from .declared import OwnTask
from .export_task import export
from .service_tasks import REPEATED, given_flags, with_help


def verb(body: Callable[..., None]) -> OwnTask:
    """A task of the workspace: its description is the body's docstring, its flags are the body's parameters."""
    name = body.__name__.strip("_").replace("_", "-")
    task = with_help(OwnTask(body, name=name, auto_shortflags=False, iterable=REPEATED))
    task.verb = task.name
    return task


@verb
def up(
    c: Context,
    only: str | None = None,
    group: str | None = None,
    except_: str | None = None,
    port: str | None = None,
    timeout: str | None = None,
    no_wait: bool = False,
    on_conflict: str | None = None,
    json: bool = False,
    apply: bool = False,
    while_: str | None = None,
    ttl: str | None = None,
) -> None:
    """Start every service, in dependency order, and wait until all are healthy."""
    flags = given_flags(port=port, startup_timeout=timeout, on_conflict=on_conflict)
    part = {"only": names(only), "groups": names(group), "without": names(except_) or []}

    def start(console: Console) -> int:
        from ..verbs.leases import leases_of

        return start_part(console, part, flags, not no_wait, apply, leases_of(while_, ttl))

    run(c, json, start)


@verb
def down(
    c: Context,
    only: str | None = None,
    timeout: str | None = None,
    workspace: str | None = None,
    all: bool = False,
    yes: bool = False,
    json: bool = False,
) -> None:
    """Stop every service, in reverse order, and close the session if nothing else is in it."""
    flags = given_flags(stop_timeout=timeout)
    if all or workspace is not None:
        _end_others(c, json, workspace, close=True, yes=yes)
        return
    run(c, json, lambda console: stop_services(console, names(only), flags, together=True, close=only is None))


@verb
def stop(
    c: Context,
    only: str | None = None,
    timeout: str | None = None,
    all: bool = False,
    yes: bool = False,
    json: bool = False,
) -> None:
    """Stop every service, in reverse order; their windows stay."""
    if all:
        _end_others(c, json, None, close=False, yes=yes)
        return
    flags = given_flags(stop_timeout=timeout)
    run(c, json, lambda console: stop_services(console, names(only), flags, together=True))


def _end_others(c: Context, json: bool, workspace: str | None, close: bool, yes: bool) -> None:
    """Ends what runs of that workspace, or of every one."""
    from ..verbs.gc import end_everything, end_workspace

    if workspace is None:
        run(c, json, lambda console: end_everything(console, close, yes))
    else:
        run(c, json, lambda console: end_workspace(console, workspace))


@verb
def ps(c: Context, all: bool = False, watch: bool = False, plain: bool = False, json: bool = False) -> None:
    """One line a service."""
    if watch or plain:
        from ..verbs.ps import show_watched

        run(c, json, lambda console: show_watched(console, all, watch, plain))
    else:
        run(c, json, lambda console: show_all(console, everywhere=all))


@verb
def logs(
    c: Context,
    only: str | None = None,
    all: bool = False,
    lines: str | None = None,
    follow: bool = False,
    timestamps: bool = False,
    since: str | None = None,
    until: str | None = None,
    grep: str | None = None,
    invert: bool = False,
    level: str | None = None,
    field: list[str] | None = None,
    cursor: str | None = None,
    stats: bool = False,
    json: bool = False,
) -> None:
    """Recent output of all services, interleaved."""
    from ..verbs.logs import show_logs

    run(
        c, json, lambda console: show_logs(
            console, names(only), lines=lines, follow=follow, timestamps=timestamps, since=since, until=until,
            grep=grep, invert=invert, level=level, field=field, cursor=cursor, stats=stats, everywhere=all,
            together=True,
        )
    )  # fmt: skip


@verb
def restart(
    c: Context,
    only: str | None = None,
    port: str | None = None,
    timeout: str | None = None,
    no_wait: bool = False,
    on_conflict: str | None = None,
    json: bool = False,
) -> None:
    """Stop every service, then start them again in their windows."""
    flags = given_flags(port=port, startup_timeout=timeout, on_conflict=on_conflict)
    run(c, json, lambda console: restart_services(console, names(only), flags, not no_wait, together=True))


@verb
def attach(c: Context, only: str | None = None) -> None:
    """Show the workspace's session in this terminal."""
    run(c, False, lambda console: attach_to(console, only))


@verb
def schema(c: Context) -> None:
    """The JSON Schema of invoke.yaml's sentinel section, for editors."""
    run(c, True, show_schema)


@verb
def mcp_config(c: Context) -> None:
    """Print .mcp.json: how a coding agent starts the MCP server of these services."""
    run(c, True, show_mcp_config)


@verb
def doctor(c: Context, fix: bool = False, json: bool = False) -> None:
    """Check whether this machine is ready and safe."""
    from .doctor_verb import examine_machine

    run(c, json, lambda console: examine_machine(console, fix))


@verb
def wait(
    c: Context, only: str | None = None, for_: str = "healthy", timeout: str | None = None, json: bool = False
) -> None:
    """Wait until every service is healthy; nothing is started."""
    from ..verbs.beside import wait_for

    run(c, json, lambda console: wait_for(console, names(only), for_, timeout, together=True))


@verb
def run_(c: Context, name: str) -> None:
    """Run a command in a service's folder and environment."""
    from ..verbs.beside import run_beside

    run(c, False, lambda console: run_beside(console, name))


@verb
def env(
    c: Context, export: bool = False, dotenv: bool = False, workspace: str | None = None, json: bool = False
) -> None:
    """Print the ports and addresses of all services, for shells and tests."""
    if workspace is not None:
        from ..verbs.gc import show_addresses

        run(c, json, lambda console: show_addresses(console, workspace, export, dotenv))
        return
    from ..verbs.beside import show_environment

    run(c, json, lambda console: show_environment(console, None, export, dotenv, reveal=True))


@verb
def url(c: Context, name: str, json: bool = False) -> None:
    """Print the address at which a service answers."""
    from ..verbs.beside import show_url

    run(c, json, lambda console: show_url(console, name))


@verb
def scale(c: Context, counts: str, timeout: str | None = None, no_wait: bool = False, json: bool = False) -> None:
    """Have so many instances of a service: start what is missing, or end the last ones."""
    from ..verbs.scale import scale_instances

    run(c, json, lambda console: scale_instances(console, counts, timeout, not no_wait))


@verb
def init(c: Context, yes: bool = False, json: bool = False) -> None:
    """Write a tasks file and a configuration for what this folder has."""
    from ..verbs.first_files import write_first_files
    from .yaml_file import plain_content

    run(c, json, lambda console: write_first_files(console, plain_content, yes))


@verb
def gc(c: Context, keep_logs: str | None = None, json: bool = False) -> None:
    """End what is left of workspaces that are no more."""
    from ..verbs.gc import collect_garbage

    run(c, json, lambda console: collect_garbage(console, keep_logs))


@verb
def why(c: Context, name: str, json: bool = False) -> None:
    """Why a service is as it is, on one screen."""
    run(c, json, lambda console: show_why(console, name))


def names(given: str | None) -> list[str] | None:
    """The names that a flag lists with commas; None if it was not given."""
    return None if given is None else list(dict.fromkeys(name.strip() for name in given.split(",")))


def workspace_tasks() -> list[OwnTask]:
    """The tasks that every workspace has beside those of its services."""
    return [
        up,
        down,
        stop,
        ps,
        logs,
        restart,
        attach,
        doctor,
        schema,
        wait,
        run_,
        env,
        url,
        why,
        export,
        scale,
        init,
        gc,
        mcp_config,
    ]
