"""The tasks of one service (contract: Tasks). Each has its flags as parameters and runs one function of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from invoke.context import Context

from ..verbs.acting import Names, restart_services, start_services, stop_services
from ..verbs.console import Console
from ..verbs.views import attach_to, open_page, show_status, show_why, show_workers
from .boundary import run
from .declared import OwnTask

REPEATED = ("field",)
"""Flags that may be given several times."""
HELP = {
    "only": "these services, separated by commas",
    "group": "the services of these groups, separated by commas",
    "except_": "not these services, separated by commas",
    "all": "every workspace on this machine",
    "port": "the port to use instead",
    "timeout": "how long it may take",
    "no_wait": "do not wait until it is healthy",
    "on_conflict": "when the port is taken",
    "json": "one JSON document on stdout",
    "lines": "how many lines of each service",
    "follow": "keep showing what comes",
    "timestamps": "when each line came",
    "since": "only what came since then",
    "until": "only what came until then",
    "grep": "only lines in which this regular expression is found",
    "invert": "only lines in which it is not",
    "level": "only lines of this level or a worse one",
    "field": "only JSON and logfmt lines with this field; may be given again",
    "cursor": "go on where the answer ended that told this cursor",
    "stats": "only how many lines, bytes and levels there are",
    "fix": "do what is safe to do",
    "apply": "restart those whose configuration has changed since they were started",
    "for_": "what to wait for",
    "name": "the service",
    "counts": "NAME=N, several with spaces or commas between them",
    "export": "as shell commands, for eval",
    "dotenv": "as lines of a .env file",
    "reveal": "show secrets too",
    "yes": "do not ask",
    "names": "only the names of what the workspace adds to it",
    "while_": "end it with that process, whatever ends that",
    "ttl": "end it after so long",
    "workspace": "those of the workspace in that folder, which may be gone",
    "keep_logs": "keep logs for so long after their workspace has gone",
    "watch": "go on showing what is so",
    "plain": "in sentences, and then what changes: for screen readers and logs",
}


def with_help(task: OwnTask) -> OwnTask:
    """The task with the help texts of its flags: they are the parameters of its body after Invoke's context."""
    task.help = {flag.strip("_").replace("_", "-"): HELP[flag] for flag in task.argspec(task.body).parameters}
    return task


def tasks_of(name: str) -> list[OwnTask]:
    """`start`, `status`, `logs`, `stop`, `restart` and `attach` for the service of that name.

    `dev` and `telemetry` have `start` and `activate` for the same task.
    """

    def status(c: Context, json: bool = False) -> None:
        run(c, json, lambda console: show_status(console, name))

    def logs(
        c: Context,
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
        from ..verbs.logs import show_logs

        run(
            c, json, lambda console: show_logs(
                console, [name], lines=lines, follow=follow, timestamps=timestamps, since=since, until=until, grep=grep,
                invert=invert, level=level, field=field, cursor=cursor, stats=stats,
            )
        )  # fmt: skip

    def stop(c: Context, timeout: str | None = None, json: bool = False) -> None:
        run(c, json, lambda console: stop_services(console, [name], given_flags(stop_timeout=timeout)))

    def attach(c: Context) -> None:
        run(c, False, lambda console: attach_to(console, name))

    first, alias = ("activate", "start") if name == "telemetry" else ("start", "activate")
    aliases = [alias] if name in ("dev", "telemetry") else []
    verbs = [
        _task(_starting(name, start_services), f"Start {name} and wait until it is healthy.", first, aliases),
        _task(status, f"The state of {name}."),
        _task(logs, f"Recent output of {name}."),
        _task(stop, f"Stop {name} and all its processes."),
        _task(_starting(name, restart_services), f"Stop {name}, then start it in the same window.", "restart"),
        _task(attach, f"Show the window of {name} in this terminal."),
        *_beside(name),
        *(_of_telemetry(name) if name == "telemetry" else []),
    ]
    for each in verbs:
        each.service, each.verb = name, "start" if each.name == first else each.name
    return verbs


def _beside(name: str) -> list[OwnTask]:
    """The tasks that wait for the service, or use what it sees."""

    def wait(c: Context, for_: str = "healthy", timeout: str | None = None, json: bool = False) -> None:
        from ..verbs.beside import wait_for

        run(c, json, lambda console: wait_for(console, [name], for_, timeout))

    def env(
        c: Context,
        export: bool = False,
        dotenv: bool = False,
        reveal: bool = False,
        names: bool = False,
        json: bool = False,
    ) -> None:
        from ..verbs.beside import show_environment, show_environment_names

        run(
            c,
            json,
            lambda console: (
                show_environment_names(console, name)
                if names
                else show_environment(console, name, export, dotenv, reveal)
            ),
        )

    def run_(c: Context) -> None:
        from ..verbs.beside import run_beside

        run(c, False, lambda console: run_beside(console, name))

    def url(c: Context, json: bool = False) -> None:
        from ..verbs.beside import show_url

        run(c, json, lambda console: show_url(console, name))

    def why(c: Context, json: bool = False) -> None:
        run(c, json, lambda console: show_why(console, name))

    return [
        _task(wait, f"Wait until {name} is healthy; nothing is started."),
        _task(run_, f"Run a command in the folder and environment of {name}.", "run"),
        _task(env, f"Print the environment of {name}."),
        _task(url, f"Print the address at which {name} answers."),
        _task(why, f"Why {name} is as it is, on one screen."),
    ]


def _of_telemetry(name: str) -> list[OwnTask]:
    """The tasks that only the Worker Telemetry API has."""

    def workers(c: Context, json: bool = False) -> None:
        run(c, json, lambda console: show_workers(console, name))

    def open_(c: Context) -> None:
        run(c, False, lambda console: open_page(console, name))

    return [
        _task(workers, "The workers that the API knows of."),
        _task(open_, "Open the dashboard, or print its address.", "open"),
    ]


def _task(body: Callable[..., None], description: str, name: str | None = None, aliases: Sequence[str] = ()) -> OwnTask:
    body.__doc__ = description
    return with_help(OwnTask(body, name=name, aliases=aliases, auto_shortflags=False, iterable=REPEATED))


def _starting(name: str, act: Callable[[Console, Names, Mapping[str, str], bool], int]) -> Callable[..., None]:
    """The body of a task that has all the flags of a start; `act` gets them, and whether to wait."""

    def start(
        c: Context,
        port: str | None = None,
        timeout: str | None = None,
        no_wait: bool = False,
        on_conflict: str | None = None,
        json: bool = False,
    ) -> None:
        flags = given_flags(port=port, startup_timeout=timeout, on_conflict=on_conflict)
        run(c, json, lambda console: act(console, [name], flags, not no_wait))

    return start


def given_flags(**given: str | None) -> dict[str, str]:
    """The flags that were given, by the key of the configuration that each overrides."""
    return {key: value for key, value in given.items() if value is not None}
