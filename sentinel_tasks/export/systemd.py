"""Unit files for `systemctl --user`: a service a unit, and one target that starts them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from signal import Signals

from ..model import Service
from . import systemd_health as health
from .common import (
    CALLER,
    DETACHED,
    HERE,
    HOOKS,
    MASKED,
    METRICS,
    WATCH,
    WINDOW,
    has_other_log_limits,
    is_one_shot,
    seconds,
    size,
    unread_files,
)
from .instances import NUMBER
from .plan import Plan
from .rows import Loss, Part, Put, Row, Settings, Target
from .systemd_process import is_inline, put, started
from .systemd_text import environment_line, exec_line, is_plain_folder, plain_text, specifiers
from .words import as_words

CLEAN = ("SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE")
"""An end by one of these is no failure for systemd."""
RESTARTS = {"never": "no", "on-failure": "on-failure", "always": "always"}
LOG_LOST = "nobody reads the log: it counts as started once it has been up for a second"
QUICK_RESTARTS, STABLE_SECONDS = 10, 60


def unit(plan: Plan, service: Service) -> str:
    """The name of the service's unit file: of a template, where systemd makes the instances."""
    return f"{plan.stem}-{service.name}{'@' if service.instances else ''}.service"


def units(plan: Plan, service: Service) -> list[str]:
    """The names of its units, by which others wait for it."""
    numbers = range(1, service.instances + 1)
    return [f"{plan.stem}-{service.name}@{number}.service" for number in numbers] or [unit(plan, service)]


def provided(plan: Plan, service: Service) -> str:
    """Where systemd looks for the variables that must be provided."""
    return f"%E/{plan.stem}/{service.name}.env"


def _title(plan: Plan, service: Service) -> Iterator[Put]:
    title = f"{service.title} {NUMBER}" if service.instances else service.title
    yield put("Unit", "Description", specifiers(plain_text(title)))
    yield put("Unit", "PartOf", f"{plan.stem}.target")


def _command(plan: Plan, service: Service) -> Iterator[Put]:
    kinds = {"exit": "oneshot", "notify": "notify"}
    yield put("Service", "Type", kinds.get(service.health.kind, "exec"))
    yield put("Service", "ExecStart", exec_line(started(plan, service, as_words(service.command))))


def _folder(plan: Plan, service: Service) -> Iterator[Put]:
    if is_plain_folder(service.cwd):
        yield put("Service", "WorkingDirectory", specifiers(service.cwd))


def _environment(plan: Plan, service: Service) -> Iterator[Put]:
    for name, value in plan.environment(service).items():
        if not is_inline(service, name):
            yield put("Service", "Environment", environment_line(name, value))


def _files(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    for path in service.env_files:
        yield put("Service", "EnvironmentFile", specifiers(path))
    yield from unread_files(plan, service)


def _secrets(plan: Plan, service: Service) -> Iterator[Put]:
    optional = "" if plan.secrets[service.name] else "-"
    yield put("Service", "EnvironmentFile", f"{optional}{provided(plan, service)}")


def _exit(plan: Plan, service: Service) -> Iterator[Put]:
    if is_one_shot(service):
        yield put("Service", "RemainAfterExit", "yes")


def _notify(plan: Plan, service: Service) -> Iterator[Put]:
    if service.health.kind == "notify" or service.watchdog is not None:
        yield put("Service", "NotifyAccess", "all")


def _liveness(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    if service.watchdog is not None:
        yield put("Service", "WatchdogSec", seconds(service.watchdog))
    if service.liveness is not None:
        yield Loss()


def _memory(plan: Plan, service: Service) -> Iterator[Put]:
    if service.memory_limit is not None:
        yield put("Service", "MemoryMax", size(service.memory_limit, ("K", "M", "G")))


def _nofile(plan: Plan, service: Service) -> Iterator[Put]:
    if service.nofile_limit is not None:
        yield put("Service", "LimitNOFILE", service.nofile_limit)


def _startup_timeout(plan: Plan, service: Service) -> Iterator[Put]:
    yield put("Service", "TimeoutStartSec", seconds(service.startup_timeout))


def _after(plan: Plan, service: Service, condition: str) -> Iterator[Put]:
    for needed in plan.needed(service, condition):
        yield put("Unit", "Requires", " ".join(units(plan, needed)))
        yield put("Unit", "After", " ".join(units(plan, needed)))


def _after_healthy(plan: Plan, service: Service) -> Iterator[Put]:
    yield from _after(plan, service, "healthy")


def _after_completed(plan: Plan, service: Service) -> Iterator[Put]:
    yield from _after(plan, service, "completed")


def _after_started(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    yield from _after(plan, service, "started")
    yield from (Loss(needed.name) for needed in plan.needed(service, "started"))


def _restart(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    yield put("Service", "Restart", RESTARTS[service.restart])
    if service.restart != "never":
        yield put("Service", "RestartSec", "500ms")
        yield put("Service", "RestartPreventExitStatus", "126 127")
        if not is_one_shot(service):  # for which these are failures anyway
            clean = [name for name in CLEAN if 128 + Signals[name] not in service.success_codes]
            yield put("Service", "RestartForceExitStatus", " ".join(clean))
        yield put("Unit", "StartLimitBurst", QUICK_RESTARTS + 1)
        yield put("Unit", "StartLimitIntervalSec", seconds((QUICK_RESTARTS + 1) * STABLE_SECONDS))
        yield Loss()


def _stop_signal(plan: Plan, service: Service) -> Iterator[Put]:
    yield put("Service", "KillSignal", f"SIG{service.stop_signal}")
    yield put("Service", "KillMode", "control-group")


def _stop_timeout(plan: Plan, service: Service) -> Iterator[Put]:
    yield put("Service", "TimeoutStopSec", seconds(service.stop_timeout))


def _stop_command(plan: Plan, service: Service) -> Iterator[Put]:
    if service.stop_command is not None:
        yield put("Service", "ExecStop", exec_line(started(plan, service, as_words(service.stop_command))))


def _success_codes(plan: Plan, service: Service) -> Iterator[Put]:
    if service.success_codes:
        by_signal = [each.name for each in Signals if 128 + each in service.success_codes]
        yield put("Service", "SuccessExitStatus", " ".join([*map(str, service.success_codes), *by_signal]))


def _autostart(plan: Plan, service: Service) -> Iterator[Put]:
    if plan.is_started(service):
        yield put("Install", "WantedBy", f"{plan.stem}.target")


def _logs(plan: Plan, service: Service) -> Iterator[Loss]:
    if has_other_log_limits(service):
        yield Loss()


ROWS = (
    Row("title", "`Description=`", _title),
    Row("command", "`ExecStart=` through `env`, which finds it on the unit's own `PATH`", _command),
    MASKED,
    HERE,
    Row("cwd", "`WorkingDirectory=`", _folder),
    Row("env", "`Environment=`; with an `env_file`, which wins over it there, words of `ExecStart=`", _environment),
    Row(
        "env_file",
        "`EnvironmentFile=`",
        _files,
        "systemd has a syntax of its own: quotes, `$`, `export` or a comment in a line may be read in another way",
    ),
    Row("a secret variable", "`EnvironmentFile=%E/WORKSPACE/NAME.env`, listed in `NAME.env.example`", _secrets),
    Row(CALLER.fact, "the user manager's; what else is needed, such as `PATH`, goes into `NAME.env`"),
    Row("port", "`PORT`; an automatic one is fixed"),
    Row("ports and addresses of the others", "`SENTINEL_PORT_*`, `SENTINEL_URL_*` at localhost"),
    Row("health: a path or URL", "`ExecStartPost=` asks with curl until the status is the expected one", health.http),
    Row("health: tcp", "`ExecStartPost=` asks with nc or bash until the port accepts", health.tcp),
    Row("health: command", "`ExecStartPost=` runs it until it exits 0", health.command),
    Row(
        "health: log",
        "as `null`",
        health.log,
        "nobody reads the log: it counts as started once it has been up for a second",
    ),
    Row("health: notify", "`Type=notify`, `NotifyAccess=all`", _notify),
    Row("health: exit", "`Type=oneshot`, `RemainAfterExit=yes`", _exit),
    Row("health: null", "`ExecStartPost=` looks after a second whether it still runs", health.up),
    Row("liveness", "`WatchdogSec=` for a `watchdog`; else nothing", _liveness, "nobody asks once it runs"),
    Row("limits: memory", "`MemoryMax=`; the kernel kills what needs more", _memory),
    Row("limits: nofile", "`LimitNOFILE=`", _nofile),
    Row("startup_timeout", "`TimeoutStartSec=`; what is late is ended", _startup_timeout),
    Row("depends_on: healthy", "`Requires=` and `After=`", _after_healthy),
    Row("depends_on: started", "`Requires=` and `After=`", _after_started, "it waits until that one is healthy"),
    Row("depends_on: completed", "`Requires=` and `After=`", _after_completed),
    Row(
        "restart",
        "`Restart=`, `StartLimitBurst=11`, `RestartPreventExitStatus=126 127`",
        _restart,
        "the pause before a restart is always half a second, it does not grow",
    ),
    Row("stop_signal", "`KillSignal=`, `KillMode=control-group`", _stop_signal),
    Row("stop_timeout", "`TimeoutStopSec=`, then KILL", _stop_timeout),
    Row("stop_command", "`ExecStop=`; what it leaves is sent the stop signal", _stop_command),
    Row("success_codes", "`SuccessExitStatus=`, the signal of a code above 128 too", _success_codes),
    HOOKS,
    DETACHED,
    WATCH,
    Row("log_max_mb, log_backups", "the journal's own limits", _logs, "the journal keeps what its own limits say"),
    Row("worker_command", "`SENTINEL_WORKER_COMMAND`"),
    Row("instances", "a template unit `NAME@.service`, and an instance of it for each; with a port a unit for each"),
    Row("autostart", "`WantedBy=` the target, and `Wants=` in it", _autostart),
    WINDOW,
    METRICS,
)


def write(plan: Plan, settings: Settings) -> Iterable[Part]:
    """A unit for each service, and the target."""
    yield Part(f"{plan.stem}.target", _target(plan), tuple(service.name for service in plan.services))
    for service in plan.services:
        note = f"What it takes from your terminal, such as PATH: write it into ~/.config/{plan.stem}/{service.name}.env"
        text = _sections(settings[service.name]).replace(NUMBER, "%i")
        yield Part(unit(plan, service), text, (service.name,), (note,))


def _target(plan: Plan) -> str:
    started = [each for service in plan.services if plan.is_started(service) for each in units(plan, service)]
    wants = "".join(f"Wants={each}\n" for each in started)
    title = specifiers(plain_text(f"All services of {plan.workspace.path}"))
    return f"[Unit]\nDescription={title}\n{wants}\n[Install]\nWantedBy=default.target\n"


def _sections(puts: Iterable[Put]) -> str:
    lines: Mapping[str, list[str]] = {"Unit": [], "Service": [], "Install": []}
    for each in puts:
        section, key = each.at
        lines[section].append(f"{key}={each.value}")
    return "\n".join(
        f"[{section}]\n" + "".join(f"{line}\n" for line in told) for section, told in lines.items() if told
    )


TARGET = Target("systemd", ROWS, write, copies="without a port")
