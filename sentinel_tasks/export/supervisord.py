"""One configuration file for supervisord, which listens on a socket beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from ..model import Service
from .common import (
    CALLER,
    DETACHED_ELSEWHERE,
    HERE,
    HOOKS,
    MASKED,
    METRICS,
    WATCH,
    WINDOW,
    is_one_shot,
    lost_dependency,
    lost_if,
    lost_if_given,
    unread_files,
    whole_seconds,
)
from .instances import NUMBER
from .plan import Plan
from .rows import Loss, Part, Put, Row, Settings, Target
from .supervisord_text import BESIDE, HERE_FOLDER, assignment, command_line, is_plain_folder, is_plain_variable, percent
from .words import has_line_break, in_folder, on_one_line, shell, through_env, with_files, words_of

NOBODY_ASKS = "nobody asks: it counts as started once it has been up for a second"
NOBODY_WAITS = "nobody waits: it is started after that one, in the order of priority"
NOBODY_LISTENS = "nobody listens to what it tells: it counts as started once it has been up for a second"
RESTARTS = {"never": "false", "on-failure": "unexpected", "always": "true"}
QUICK_RESTARTS = 10
HEAD = """\
[supervisord]
logfile=%(here)s/supervisord.log
pidfile=%(here)s/supervisord.pid

[unix_http_server]
file=%(here)s/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(here)s/supervisor.sock
"""


def _put(key: str, value: object) -> Put:
    return Put((key,), str(value))


def _command(plan: Plan, service: Service) -> Iterator[Put]:
    environment = plan.environment(service)
    inline = {name: value for name, value in environment.items() if _is_inline(plan, service, name, value)}
    words = through_env(words_of(service), inline)
    if not is_plain_folder(service.cwd):
        words = in_folder(service.cwd, words)
    words = _on_one_line(words)
    files = _files_of(plan, service)
    yield _put("command", command_line(with_files(files, words) if files else words))


def _on_one_line(words: tuple[str, ...]) -> tuple[str, ...]:
    if not any(has_line_break(word) for word in words):
        return words
    return through_env(shell(on_one_line(f"exec {shlex.join(words)}")))


def _is_inline(plan: Plan, service: Service, name: str, value: str) -> bool:
    """What a file sets would win over `environment=`, which can't say everything besides."""
    return bool(_files_of(plan, service)) or not is_plain_variable(name, value)


def _files_of(plan: Plan, service: Service) -> tuple[str, ...]:
    own = (f"{BESIDE}{service.name}.env",) if plan.secrets[service.name] else ()
    return (*service.env_files, *own)


def _folder(plan: Plan, service: Service) -> Iterator[Put]:
    if is_plain_folder(service.cwd):
        yield _put("directory", percent(service.cwd))


def _environment(plan: Plan, service: Service) -> Iterator[Put]:
    plain = [
        assignment(name, value)
        for name, value in plan.environment(service).items()
        if not _is_inline(plan, service, name, value)
    ]
    if plain:
        yield _put("environment", ",".join(plain))


def _exit(plan: Plan, service: Service) -> Iterator[Put]:
    yield _put("startsecs", 0 if is_one_shot(service) else 1)


def _startup_timeout(plan: Plan, service: Service) -> Iterator[Loss]:
    if service.health.kind != "up":
        yield Loss()


def _restart(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    yield _put("autorestart", RESTARTS[service.restart])
    yield _put("startretries", 0 if service.restart == "never" else QUICK_RESTARTS)
    yield _put("exitcodes", ",".join(map(str, dict.fromkeys((0, *service.success_codes)))))
    if service.restart != "never":
        yield Loss()


def _stop_signal(plan: Plan, service: Service) -> Iterator[Put]:
    yield _put("stopsignal", service.stop_signal)
    yield _put("stopasgroup", "true")
    yield _put("killasgroup", "true")


def _stop_timeout(plan: Plan, service: Service) -> Iterator[Put | Loss]:
    yield _put("stopwaitsecs", whole_seconds(service.stop_timeout))
    if whole_seconds(service.stop_timeout) != service.stop_timeout:
        yield Loss()


def _success_codes(plan: Plan, service: Service) -> Iterator[Loss]:
    if service.restart == "on-failure" and any(code > 128 for code in service.success_codes):
        yield Loss()


def _instances(plan: Plan, service: Service) -> Iterator[Put]:
    if service.instances:
        yield _put("process_name", f"{service.name}-{NUMBER}")
        yield _put("numprocs", service.instances)
        yield _put("numprocs_start", 1)


def _autostart(plan: Plan, service: Service) -> Iterator[Put]:
    if not plan.is_started(service):
        yield _put("autostart", "false")


def _logs(plan: Plan, service: Service) -> Iterator[Put]:
    name = f"{service.name}-{NUMBER}" if service.instances else service.name
    yield _put("redirect_stderr", "true")
    yield _put("stdout_logfile", f"{HERE_FOLDER}/{name}.log")
    yield _put("stdout_logfile_maxbytes", service.log_max_bytes)
    yield _put("stdout_logfile_backups", service.log_backups)


ROWS = (
    Row("title", "nothing: a program has no title"),
    Row("command", "`command=` through `env`, which finds it on the `PATH`", _command),
    MASKED,
    HERE,
    Row("cwd", "`directory=`", _folder),
    Row("env", "`environment=`; words of `command=` where that can't say it", _environment),
    Row(
        "env_file",
        "a shell reads it first",
        unread_files,
        "the shell has a syntax of its own: quotes, spaces, `$` or `\\` in a line may be read in another way",
    ),
    Row("a secret variable", "a shell reads `NAME.env`, listed in `NAME.env.example`"),
    CALLER,
    Row("port", "`PORT`; an automatic one is fixed"),
    Row("ports and addresses of the others", "`SENTINEL_PORT_*`, `SENTINEL_URL_*` at localhost"),
    Row("health: a path or URL", "`startsecs=1`", lost_if("http"), NOBODY_ASKS),
    Row("health: tcp", "`startsecs=1`", lost_if("tcp"), NOBODY_ASKS),
    Row("health: command", "`startsecs=1`", lost_if("command"), NOBODY_ASKS),
    Row("health: log", "`startsecs=1`", lost_if("log"), NOBODY_ASKS),
    Row(
        "health: notify",
        "nothing",
        lost_if("notify"),
        NOBODY_LISTENS,
    ),
    Row("health: exit", "`startsecs=0`", _exit),
    Row("health: null", "`startsecs=1`"),
    Row("liveness", "nothing", lost_if_given("liveness", "watchdog"), "nobody asks once it runs"),
    Row("limits: memory", "nothing", lost_if_given("memory_limit"), "nobody looks at its memory"),
    Row(
        "limits: nofile",
        "nothing",
        lost_if_given("nofile_limit"),
        "it has supervisord's own, whose `minfds=` is one for all",
    ),
    Row("startup_timeout", "nothing", _startup_timeout, "nobody notices what is late"),
    Row("depends_on: healthy", "`priority=`", lost_dependency("healthy"), NOBODY_WAITS),
    Row("depends_on: started", "`priority=`", lost_dependency("started"), NOBODY_WAITS),
    Row("depends_on: completed", "`priority=`", lost_dependency("completed"), NOBODY_WAITS),
    Row(
        "restart",
        "`autorestart=`, `startretries=10`",
        _restart,
        "only what ends within its first second is given up after ten times, and 126 and 127 are tried again too",
    ),
    Row("stop_signal", "`stopsignal=`, `stopasgroup=true`", _stop_signal),
    Row("stop_timeout", "`stopwaitsecs=`, then KILL", _stop_timeout, "only whole seconds: it is rounded up"),
    Row("stop_command", "nothing", lost_if_given("stop_command"), "it is asked by its signal alone"),
    Row(
        "success_codes",
        "`exitcodes=`",
        _success_codes,
        "only exit codes: an end by the signal that a code above 128 stands for is unexpected",
    ),
    HOOKS,
    DETACHED_ELSEWHERE,
    WATCH,
    Row("log_max_mb, log_backups", "`stdout_logfile_maxbytes=`, `stdout_logfile_backups=`", _logs),
    Row("worker_command", "`SENTINEL_WORKER_COMMAND`"),
    Row("instances", "`numprocs=`; with a port a program for each", _instances),
    Row("autostart", "`autostart=`", _autostart),
    WINDOW,
    METRICS,
)


def write(plan: Plan, settings: Settings) -> Iterable[Part]:
    """The one file."""
    programs = [
        f"\n[program:{service.name}]\npriority={priority}\n{_lines(settings[service.name])}"
        for priority, service in enumerate(plan.services, 1)
    ]
    notes = ("Run it: supervisord -n -c supervisord.conf",)
    yield Part("supervisord.conf", HEAD + "".join(programs), tuple(settings), notes)


def _lines(puts: Iterable[Put]) -> str:
    return "".join(f"{put.at[0]}={put.value}\n" for put in puts).replace(NUMBER, "%(process_num)d")


TARGET = Target("supervisord", ROWS, write, copies="without a port")
