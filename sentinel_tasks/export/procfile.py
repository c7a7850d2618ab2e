"""A Procfile: for honcho and its kin on one machine, and for platforms that run one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping

from ..model import Service
from ..names import PORT_VARIABLES, port_variable
from .common import (
    DETACHED_ELSEWHERE,
    HERE,
    HOOKS,
    MASKED,
    METRICS,
    WATCH,
    WINDOW,
    has_other_log_limits,
    is_one_shot,
    lost_dependency,
    lost_if,
    lost_if_given,
    unread_files,
)
from .plan import Plan
from .rows import Loss, Part, Put, Row, Settings, Target
from .words import NAME, on_one_line, through_env, words_of

NOBODY_ASKS = "nobody asks: it counts as started at once"
NOBODY_WAITS = "nobody waits: all are started at once"
NOBODY_LISTENS = "nobody listens to what it tells: it counts as started at once"
PROVIDED = "sentinel.env"


def _command(plan: Plan, service: Service) -> Iterator[Put]:
    line = f"exec {shlex.join(through_env(words_of(service), _own(plan, service)))}"
    yield Put(("line",), on_one_line(f"{_without(plan, service)}{_port(plan, service)}{_folder(plan, service)}{line}"))


def _without(plan: Plan, service: Service) -> str:
    """Takes away what the runner gives to all and this service has not: a port, and the secrets of the others."""
    given = dict.fromkeys(name for other in plan.services for name in plan.secrets[other.name])
    names = [name for name in given if name not in plan.secrets[service.name] and NAME.fullmatch(name)]
    names += [] if service.name in plan.ports else ["PORT"]
    return f"unset {' '.join(names)} && " if names else ""


def _port(plan: Plan, service: Service) -> str:
    """A platform has a port of its own for the service that is called web."""
    if service.name not in plan.ports:
        return ""
    value = f'"${{{port_variable(service.name)}:-$PORT}}"'
    return f"export {' '.join(f'{name}={value}' for name in _port_variables(service))} && "


def _port_variables(service: Service) -> list[str]:
    return ["PORT", *(variable for name, variable in PORT_VARIABLES.items() if name == service.name)]


def _own(plan: Plan, service: Service) -> dict[str, str]:
    """What is not the same for all; that is in the list of what must be provided."""
    elsewhere = {*plan.shared(), *(_port_variables(service) if service.name in plan.ports else [])}
    return {name: value for name, value in plan.environment(service).items() if name not in elsewhere}


def _folder(plan: Plan, service: Service) -> str:
    if service.cwd == plan.workspace.path:
        return ""
    inside = plan.is_inside(service.cwd)
    folder = service.cwd.removeprefix(plan.workspace.path).lstrip("/") if inside else service.cwd
    return f"cd {shlex.quote(folder if not folder.startswith('-') else f'./{folder}')} && "


def _cwd(plan: Plan, service: Service) -> Iterator[Loss]:
    if not plan.is_inside(service.cwd):
        yield Loss()


def _files(plan: Plan, service: Service) -> Iterator[Loss]:
    if any(other.env_files != service.env_files for other in plan.services):
        yield from (Loss(path) for path in service.env_files)
    else:
        yield from unread_files(plan, service)


def _secrets(plan: Plan, service: Service) -> Iterator[Loss]:
    others = {name for other in plan.services if other is not service for name in plan.secrets[other.name]}
    yield from (Loss(name) for name in plan.secrets[service.name] if name in others)


def _startup_timeout(plan: Plan, service: Service) -> Iterator[Loss]:
    if service.health.kind != "up":
        yield Loss()


def _restart(plan: Plan, service: Service) -> Iterator[Loss]:
    if service.restart != "never":
        yield Loss()


def _logs(plan: Plan, service: Service) -> Iterator[Loss]:
    if has_other_log_limits(service):
        yield Loss()


def _autostart(plan: Plan, service: Service) -> Iterator[Loss]:
    if not plan.is_started(service):
        yield Loss()


def _stop_signal(plan: Plan, service: Service) -> Iterator[Loss]:
    if service.stop_signal != "TERM":
        yield Loss()


def _always_lost(plan: Plan, service: Service) -> Iterator[Loss]:
    yield Loss()


ROWS = (
    Row("title", "nothing: a line has only a name"),
    Row("command", "the line", _command),
    MASKED,
    HERE,
    Row(
        "cwd",
        "`cd` in the line, from the workspace",
        _cwd,
        "it is outside of the workspace, where a platform has nothing",
    ),
    Row("env", "`env` in the line"),
    Row("env_file", "`honcho -e`", _files, "every process gets the variables of all files, each read as honcho does"),
    Row(
        "a secret variable",
        "`honcho -e sentinel.env`, listed in `sentinel.env.example`; a platform's config vars",
        _secrets,
        "another service has one of this name: both get the same value",
    ),
    Row("the caller's environment", "that of whoever starts honcho; none of its values is written"),
    Row("port", "`PORT` from `SENTINEL_PORT_NAME`, else the platform's own; an automatic one is fixed"),
    Row("ports and addresses of the others", "`SENTINEL_PORT_*`, `SENTINEL_URL_*` in `sentinel.env.example`"),
    Row("health: a path or URL", "nothing", lost_if("http"), NOBODY_ASKS),
    Row("health: tcp", "nothing", lost_if("tcp"), NOBODY_ASKS),
    Row("health: command", "nothing", lost_if("command"), NOBODY_ASKS),
    Row("health: log", "nothing", lost_if("log"), NOBODY_ASKS),
    Row("health: notify", "nothing", lost_if("notify"), NOBODY_LISTENS),
    Row("health: exit", "the line `release`, all of them in order"),
    Row("health: null", "nothing", lost_if("up"), NOBODY_ASKS),
    Row("liveness", "nothing", lost_if_given("liveness", "watchdog"), "nobody asks once it runs"),
    Row("limits: memory", "nothing", lost_if_given("memory_limit"), "nobody looks at its memory"),
    Row("limits: nofile", "nothing", lost_if_given("nofile_limit"), "it has the runner's own"),
    Row("startup_timeout", "nothing", _startup_timeout, "nobody notices what is late"),
    Row("depends_on: healthy", "nothing", lost_dependency("healthy"), NOBODY_WAITS),
    Row("depends_on: started", "nothing", lost_dependency("started"), NOBODY_WAITS),
    Row("depends_on: completed", "the line `release`, run before the others"),
    Row("restart", "nothing", _restart, "nothing is started again; honcho ends all when one ends"),
    Row("stop_signal", "nothing", _stop_signal, "the runner's own: TERM"),
    Row("stop_timeout", "nothing", _always_lost, "the runner's own"),
    Row("stop_command", "nothing", lost_if_given("stop_command"), "it is asked by its signal alone"),
    Row("success_codes", "nothing", lost_if_given("success_codes"), "honcho ends all when one ends, whatever its code"),
    HOOKS,
    DETACHED_ELSEWHERE,
    WATCH,
    Row("log_max_mb, log_backups", "the runner's own", _logs, "the runner's own"),
    Row("worker_command", "`SENTINEL_WORKER_COMMAND`"),
    Row("instances", "a line for each"),
    Row("autostart", "nothing", _autostart, "the runner starts every line"),
    WINDOW,
    METRICS,
)


def write(plan: Plan, settings: Settings) -> Iterable[Part]:
    """The Procfile; what must be run once stands first."""
    lines = {service.name: str(settings[service.name][0].value) for service in plan.services}
    once = [service.name for service in plan.services if is_one_shot(service)]
    text = "".join(f"{name}: {line}\n" for name, line in lines.items() if name not in once)
    if once:
        phase = "release" if "release" not in lines or "release" in once else "release-phase"
        text = f"{phase}: {_in_order([lines[name] for name in once])}\n{text}"
    yield Part("Procfile", text, tuple(lines), tuple(_notes(plan, lines, once)))


def _notes(plan: Plan, lines: Mapping[str, str], once: list[str]) -> Iterator[str]:
    files = [path for service in plan.services for path in service.env_files]
    given = ",".join(dict.fromkeys([*files, f"{plan.options.folder}/{PROVIDED}"]))
    words = ["honcho", "-f", f"{plan.options.folder}/Procfile", "-e", given, "start"]
    names = [name for name in lines if name not in once] if once else []
    yield f"Run it in {plan.workspace.path}: {on_one_line(shlex.join([*words, *names]))}"
    if once:
        yield "Before that, once: the same with the line of what runs once"


def _in_order(lines: list[str]) -> str:
    return lines[0] if len(lines) == 1 else " && ".join(f"({line})" for line in lines)


TARGET = Target("procfile", ROWS, write)
