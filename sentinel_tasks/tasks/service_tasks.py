"""The tasks of one service: thin verbs around one engine call each (contract: Tasks)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from invoke.context import Context

from .boundary import run
from .console import Console
from .declared import ServiceTask
from .verbs import Names, restart_services, start_services, stop_services
from .views import attach_to, follow_or_show, open_page, show_status, show_workers

HELP = {
    "port": "the port to use instead, or auto",
    "timeout": "seconds it may take",
    "no_wait": "do not wait until it is healthy",
    "on_conflict": "when the port is taken: stop, takeover, fail or auto",
    "json": "one JSON document on stdout",
    "lines": "how many lines of each service",
    "follow": "keep showing what comes",
}


def helped(*names: str) -> dict[str, str]:
    """Invoke's help for these flags."""
    return {name.replace("_", "-"): HELP[name] for name in names}


START = helped("port", "timeout", "no_wait", "on_conflict", "json")


def tasks_of(name: str) -> list[ServiceTask]:
    """`start`, `status`, `logs`, `stop`, `restart` and `attach` for the service of that name.

    `dev` and `telemetry` answer to `start` and `activate` alike.
    """

    def status(c: Context, json: bool = False) -> None:
        run(c, json, lambda console: show_status(console, name))

    def logs(c: Context, lines: str = "50", follow: bool = False, json: bool = False) -> None:
        run(c, json, lambda console: follow_or_show(console, [name], lines, follow))

    def stop(c: Context, timeout: str | None = None, json: bool = False) -> None:
        run(c, json, lambda console: stop_services(console, [name], given_flags(stop_timeout=timeout)))

    def attach(c: Context) -> None:
        run(c, False, lambda console: attach_to(console, name))

    def workers(c: Context, json: bool = False) -> None:
        run(c, json, lambda console: show_workers(console, name))

    def open_(c: Context) -> None:
        run(c, False, lambda console: open_page(console, name))

    first, alias = ("activate", "start") if name == "telemetry" else ("start", "activate")
    aliases = [alias] if name in ("dev", "telemetry") else []
    more = [
        _task(workers, "The workers that the API knows of.", helped("json")),
        _task(open_, "Open the dashboard, or tell its address.", {}, "open"),
    ]
    verbs = [
        _task(_starting(name, start_services), f"Start {name} and wait until it is healthy.", START, first, aliases),
        _task(status, f"The truth about {name}.", helped("json")),
        _task(logs, f"Recent output of {name}.", helped("lines", "follow", "json")),
        _task(stop, f"Stop {name} and all its processes.", helped("timeout", "json")),
        _task(_starting(name, restart_services), f"Stop {name}, then start it in the same window.", START, "restart"),
        _task(attach, f"Show the window of {name} in this terminal.", {}),
        *(more if name == "telemetry" else []),
    ]
    for each in verbs:
        each.service = name
    return verbs


def _task(
    body: Callable[..., None], told: str, flags: dict[str, str], name: str | None = None, aliases: Sequence[str] = ()
) -> ServiceTask:
    body.__doc__ = told
    return ServiceTask(body, name=name, aliases=aliases, help=flags, auto_shortflags=False)


def _starting(name: str, act: Callable[[Console, Names, Mapping[str, str], bool], int]) -> Callable[..., None]:
    """The body of a task that has all the flags of a start: `act` is given them, and whether to wait."""

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
    """The keys of the configuration for which a flag was given."""
    return {key: value for key, value in given.items() if value is not None}
